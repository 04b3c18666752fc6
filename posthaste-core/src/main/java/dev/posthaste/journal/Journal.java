package dev.posthaste.journal;

import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Where the events of one outbox are kept and what became of them. Nothing above may know how: one journal writes the
 * status into the event's row, another may keep a log and a cursor.
 *
 * <p>Reads see committed events only. An event may become visible behind ones that were read before (its transaction
 * took a low id and committed late), so a reader must look behind itself again, for ever. Thread-safe. All methods throw
 * {@link JournalException} when the database fails.
 */
public interface Journal {

    /**
     * Pending events with ids above {@code after}, in id order, due or not.
     *
     * @param limit at most so many
     * @param maxBytes stops after the event whose payload passes this sum, so at least one event is returned if there is
     *     any
     */
    List<PendingEvent> fetch(long after, int limit, long maxBytes);

    /** Marks of the pending events with ids above {@code after} and up to {@code through}, in id order. */
    List<PendingMark> scan(long after, long through, int limit);

    /** Those of {@code ids} that are still pending, in id order; stops as {@link #fetch} does. */
    List<PendingEvent> load(Collection<Long> ids, long maxBytes);

    /**
     * Writes all verdicts in one transaction, which holds the claim: either the claim is still good when they commit, or
     * nothing is written. Events that are not pending any more, or count other attempts than were seen, are left as they
     * are; but one that was consumed meanwhile is noted as published too.
     *
     * @return how many were written; fewer than given means that somebody else changed those events
     * @throws LeaseLostException if the claim is no longer good
     */
    int settle(Claim claim, List<Verdict> verdicts);

    /**
     * Writes what consumers said, in one transaction. Needs no claim: each receipt stands on the event's own status. One
     * that came before, too late, or for an event that is not there any more changes nothing.
     *
     * @param retry how long an event waits that failed, and after how many attempts it is dead; an event's own limit
     *     goes before
     * @return how many changed their event
     */
    int receive(List<Receipt> receipts, RetryPolicy retry);

    /**
     * How many events were published longer than {@code limit} ago and not consumed since, and the age of the oldest of
     * them.
     */
    Unconsumed unconsumed(Duration limit);

    /** The first of these events, in id order; at most {@code most}. */
    List<PendingEvent> unconsumed(Duration limit, int most);

    /** For each key with dead events, the lowest id among them; at most {@code limit} keys. */
    Map<String, Long> deadKeys(int limit);

    /** How many events there are in each status. Reads the whole outbox. */
    Map<Status, Long> counts();

    /** What is waiting, read from the pending and dead events alone. */
    Backlog backlog();

    /**
     * Puts dead events back to pending, due now, with no attempts counted.
     *
     * @return how many were dead
     */
    int requeue(Collection<Long> ids);

    /**
     * Deletes events that reached {@code statuses} longer ago than {@code keep}, one batch at most, looking at rows above
     * {@code after} only.
     *
     * @return what was deleted and where to go on
     */
    Purged purge(long after, Duration keep, Collection<Status> statuses, int batch);

    /**
     * @param oldestAge since the oldest pending event was written; zero without one
     * @param oldestTransaction how long the database's oldest open transaction has been open; zero where it does not tell
     */
    record Backlog(long pending, long dead, Duration oldestAge, Duration oldestTransaction) {}

    /** @param oldestAge since the oldest of them was published; zero without one */
    record Unconsumed(long events, Duration oldestAge) {}

    /**
     * @param deleted what was really deleted
     * @param next where the next call goes on
     * @param more whether there may be anything old beyond {@code next}
     */
    record Purged(int deleted, long next, boolean more) {}
}
