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
     * Writes what consumers said, in one transaction. Needs no claim: each receipt is judged by the event's own row.
     *
     * <p>A consumed receipt makes a pending, published or dead event consumed. A refusal changes an event that is open and
     * counts the attempts and the generation that the receipt names, or that it does not name. Where the row says the same
     * already, or has counted a later attempt or generation, the refusal is an old word and changes nothing.
     *
     * @param retry how long an event waits that failed, and after how many attempts it is dead; an event's own limit
     *     goes before
     */
    Received receive(List<Receipt> receipts, RetryPolicy retry);

    /**
     * Puts those of {@code ids} that are published back to pending, due now, with attempts and generation as they were:
     * nobody refused them. Those whose rows another transaction has locked are left out.
     *
     * @return those that are pending now
     */
    Set<Long> republish(Collection<Long> ids);

    /**
     * How many events were published longer than {@code limit} ago and not consumed since, and the age of the oldest of
     * them.
     */
    Unconsumed unconsumed(Duration limit);

    /**
     * Those of these events that their consumer has passed, with ids above {@code after}, in id order: the newest event
     * that is consumed was published later than they were, so the consumer is neither away nor behind. Among the newest
     * 100,000 rows at most, one that is consumed is looked for; without one, there are none.
     *
     * @param most the largest number of events to return
     */
    List<Long> passedOver(Duration limit, long after, int most);

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

    /**
     * What came of writing receipts. Those that are in neither collection have changed their event, or the row says the
     * same or a later word already.
     *
     * @param changed how many changed their event
     * @param locked those whose rows another transaction has locked; write them again later
     * @param unmatched refusals of which no row tells, each with the reason: the row is gone, holds another event, was
     *     consumed or dead before; and receipts that the table refuses even without an error text. They would change
     *     nothing the next time either
     */
    record Received(int changed, Set<Receipt> locked, Map<Receipt, String> unmatched) {}

    /** A dead event and the key that may wait for it. */
    record DeadEvent(long id, String key) {}

    /** @param oldestAge since the oldest of them was published; zero without one */
    record Unconsumed(long events, Duration oldestAge) {}

    /**
     * @param deleted what was really deleted
     * @param next where the next call goes on
     * @param more whether there may be anything old beyond {@code next}
     */
    record Purged(int deleted, long next, boolean more) {}
}
