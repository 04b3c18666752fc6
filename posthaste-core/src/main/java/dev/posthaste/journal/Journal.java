package dev.posthaste.journal;

import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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
     * Pending events with ids above {@code after}, in id order: those that are due with their contents, the others as marks.
     *
     * <p>Memory is bounded in bytes, the driver's included: an event is read only when it fits, or when it is the first.
     *
     * @param limit the largest number of events to return
     * @param maxBytes stops before the due event whose contents would pass this sum, but returns at least one event if
     *     there is any
     */
    List<Pending> fetch(long after, int limit, long maxBytes);

    /** Marks of the pending events with ids above {@code after} and up to {@code through}, in id order. */
    List<PendingMark> scan(long after, long through, int limit);

    /** Marks of the pending events whose ids lie in one of {@code ranges}, in id order; the ranges do not overlap. */
    List<PendingMark> scan(List<IdRange> ranges, int limit);

    /** Those of {@code ids} that are still pending, in id order, due or not; stops as {@link #fetch} does. */
    List<PendingEvent> load(Collection<Long> ids, long maxBytes);

    /**
     * The transactions that may still make events visible whose ids were drawn before this call: every one that has a
     * write lock on the outbox's table. An id that is missing now, and was not filled when all of them have ended and the
     * table has been read again after that, will never be filled.
     *
     * @return null where the database does not tell this user, so that no missing id is ever known to be final
     */
    @Nullable
    Writers writers();

    /**
     * Writes all verdicts in one transaction, which holds the claim: either the claim is still good when they commit, or
     * nothing is written. Events that are not pending any more, or count other attempts than were seen, are left as they
     * are; but one that was consumed meanwhile is noted as published too.
     *
     * <p>An event whose row another transaction has locked is left out, so that nobody waits for that transaction; settle
     * it again later. An error text that the table refuses is shortened or left out.
     *
     * @throws LeaseLostException if the claim is no longer good
     */
    Settled settle(Claim claim, List<Verdict> verdicts);

    /**
     * Writes what consumers said, in one transaction. Needs no claim: each receipt stands on the event's own status. One
     * that came before, too late, or for an event that is not there any more changes nothing.
     *
     * @param retry how long an event waits that failed, and after how many attempts it is dead; an event's own limit
     *     goes before
     * @return how many changed their event
     * @throws ReceiptsLeftException if all were written but some: those that the table refuses even without their error
     *     texts, and those whose rows another transaction has locked
     */
    int receive(List<Receipt> receipts, RetryPolicy retry);

    /**
     * How many events were published longer than {@code limit} ago and not consumed since, and the age of the oldest of
     * them.
     */
    Unconsumed unconsumed(Duration limit);

    /** The first of these events, in id order; at most {@code most}. */
    List<UnconsumedEvent> unconsumed(Duration limit, int most);

    /** Dead events that have a key, with ids above {@code after}, in id order; at most {@code limit}. */
    List<DeadEvent> dead(long after, int limit);

    /** The highest id in the outbox's table, whatever its status; none when it is empty. */
    OptionalLong lastId();

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

    /**
     * What came of settling a batch.
     *
     * @param written how many verdicts were written; fewer than given, without the locked ones, means that somebody else
     *     changed those events
     * @param locked the events whose rows another transaction has locked, or the table refuses to change for now: nothing
     *     was written to them
     */
    record Settled(int written, Set<Long> locked) {}

    /** A dead event and the key that may wait for it. */
    record DeadEvent(long id, String key) {}

    /** An event that was published and that no consumer has spoken of. */
    record UnconsumedEvent(long id, String eventId, int attempts) {}

    /** @param oldestAge since the oldest of them was published; zero without one */
    record Unconsumed(long events, Duration oldestAge) {}

    /**
     * @param deleted what was really deleted
     * @param next where the next call goes on
     * @param more whether there may be anything old beyond {@code next}
     */
    record Purged(int deleted, long next, boolean more) {}
}
