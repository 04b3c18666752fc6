package dev.posthaste.internal.store;

import dev.posthaste.StoreException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the events of one outbox are kept, and their outcome, as a relay needs them. Nothing above may know how: one
 * store writes the status into the event's row, another may keep a log and a position. All that events have in common
 * is an id, which grows in the order in which they were written.
 *
 * <p>Reads see committed events only. An event may become visible behind ones that were read before (its transaction
 * took a low id and committed late), so a reader must keep looking behind itself, forever. Thread-safe. All methods
 * throw {@link StoreException} when the database fails.
 */
public interface OutboxStore extends BacklogSource {

    /**
     * Pending events with ids above {@code after}, in id order: those that are due with their contents, the others as
     * {@link PendingRef}s.
     *
     * <p>Memory is bounded in bytes, the driver's included: an event is read only when it fits, or when it is the first.
     *
     * @param limit the largest number of events to return
     * @param maxBytes stops before the due event whose contents would pass this sum, but returns at least one event if
     *     there is any
     */
    List<Pending> fetch(long after, int limit, long maxBytes);

    /**
     * {@link PendingRef}s of the pending events with ids above {@code after} and up to {@code through}, in id order.
     */
    List<PendingRef> scan(long after, long through, int limit);

    /**
     * {@link PendingRef}s of the pending events whose ids are in one of {@code ranges}, in id order; the ranges do not
     * overlap.
     */
    List<PendingRef> scan(List<IdRange> ranges, int limit);

    /** Those of {@code ids} that are still pending, in id order, due or not; stops as {@link #fetch} does. */
    List<PendingEvent> load(Collection<Long> ids, long maxBytes);

    /**
     * The transactions that may still make events visible whose ids were drawn before this call: every one that has a
     * write lock on the outbox's table. An id that is missing now, and was not filled when all of them have ended and the
     * table has been read again after that, will never be filled.
     *
     * @return null where this user may not see them, so that no missing id is ever known to be final
     */
    @Nullable
    Writers writers();

    /**
     * Writes all verdicts in one transaction, which holds the claim: either the claim is still valid when they commit,
     * or nothing is written. Events that are no longer pending, or count other attempts than were seen, are left as
     * they are; but one that was consumed meanwhile is noted as published too, where the outbox is tracked.
     *
     * <p>An event that another transaction has locked is left out, so that nothing waits for that transaction; settle
     * it again later. An error text that the database refuses is shortened or left out.
     *
     * @throws LeaseLostException if the claim is no longer valid
     */
    Settled settle(Claim claim, List<Verdict> verdicts);

    /**
     * Which keys are held up where a dead event blocks its key: dead events that have a key, with ids above {@code after},
     * in id order; at most {@code limit}.
     */
    List<DeadEvent> dead(long after, int limit);

    /** The highest id, whatever the status of its event; none when the outbox is empty. */
    OptionalLong lastId();

    /**
     * Deletes finished events that ended longer ago than {@code rule} keeps them; never one that is pending. A
     * bounded piece of work: it looks only above {@code after}, and no further than it reports.
     *
     * @param limit the largest number of events to delete in one transaction; a store that drops whole partitions, which
     *     costs the same however much they hold, need not count
     */
    Forgotten forget(RetentionRule rule, long after, int limit);

    /**
     * @param oldestAge since the oldest pending event was written; zero without one
     * @param oldestTransaction how long the database's oldest open transaction has been open; zero where that is not
     *     known
     */
    record Backlog(long pending, long dead, Duration oldestAge, Duration oldestTransaction)
            implements dev.posthaste.Backlog {}

    /**
     * The result of settling a batch.
     *
     * @param written how many verdicts were written; fewer than given, without the locked ones, means that those events
     *     were changed by others
     * @param locked the events that another transaction has locked, or the database refuses to change for now: nothing was
     *     written about them
     */
    record Settled(int written, Set<Long> locked) {}

    /** A dead event and the key that it holds up. */
    record DeadEvent(long id, String key) {}

    /**
     * @param events how many were deleted
     * @param next where the next call continues: above this id
     * @param more whether there may be anything old beyond {@code next}
     */
    record Forgotten(int events, long next, boolean more) {}
}
