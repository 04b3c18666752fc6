package dev.posthaste.admin;

import dev.posthaste.Backlog;
import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.Status;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What operators do with one outbox. Each change requires a {@link Change} that says who and why, and writes its audit in the
 * transaction that makes it. Repeated with the same id, it changes nothing or, if it stopped before its end, continues
 * from there. Only dead events are requeued and discarded: the others are in a relay's hands.
 *
 * <p>{@link #requeue} and {@link #discard} of {@link EventFilter#positions given positions} are one transaction, and leave those
 * that are not dead as they are; they throw {@link dev.posthaste.StoreException} also if another transaction has a row
 * locked for seconds. Any other change takes the events that match when it begins, oldest first, so that those of one
 * key keep their order, and a few hundred per transaction; rows that are locked are left out, see {@link
 * ChangeResult#locked}. Interrupting the thread stops such a change after the transaction at hand, and the thread stays
 * interrupted. However a change stopped (interrupted, by locked rows, by a failure or a crash), repeating the change
 * continues it; no event is changed twice, even if it has died again meanwhile.
 *
 * <p>Thread-safe. Every method throws {@link dev.posthaste.StoreException} when the database fails, every change
 * {@link IllegalArgumentException} if its id was used for another one (for the same kind of change to given positions,
 * the first one's result is returned), and {@link UnexpectedCountException} if it {@link Change#expecting expects}
 * a different number of events than there are.
 */
@ProvidedByPosthaste
public interface OutboxAdmin {
    /** Every status with its number of events. Exact, and reads the whole outbox. */
    Map<Status, Long> counts();

    /** What is waiting and what is dead. Exact, and read from those events alone. */
    Backlog backlog();

    /** Which relay serves the outbox, which others could, and whether it is paused. */
    LeaseState lease();

    /**
     * The newest events that match, without their payloads; the filter's limit is a page's length, 100 unless it is given, 500
     * at most. However large the table, one call reads a bounded part of it.
     */
    EventPage search(EventFilter filter);

    /** The older events that match after this page; an empty page after the last. */
    EventPage next(EventPage page);

    /** One event with its payload. */
    Optional<FoundEvent> find(long position);

    /** The newest 50,000 dead events by what their errors say, the largest group first. */
    List<ErrorGroup> errors();

    /** The newest 500 audit entries, newest first. */
    List<AuditEntry> audit();

    /** Counts the events that match, and shows the first; changes nothing. Interrupting the thread ends the counting. */
    DryRun dryRun(EventFilter filter);

    /**
     * Publishes dead events again, with their attempts reset to zero.
     *
     * @param filter positions, or the status {@link Status#DEAD} and any other criteria
     */
    ChangeResult requeue(EventFilter filter, Change change);

    /** As {@link #requeue}, but deletes them; the audit keeps each with its payload. */
    ChangeResult discard(EventFilter filter, Change change);

    /**
     * Deletes events that are published, consumed or dead, as retention does: the audit keeps their number and not the events.
     *
     * @param filter positions, or one of these statuses and any other criteria
     * @throws IllegalStateException if relays disagree about the outbox's definition: then retention deletes nothing
     *     either
     */
    ChangeResult purge(EventFilter filter, Change change);

    /**
     * Tells all relays to stop publishing from this outbox. Events in flight are still settled; the last of them may
     * take as long as the relay's publish timeout. Does nothing if the outbox is already paused.
     */
    ChangeResult pause(Change change);

    /** Lets relays continue with a paused outbox. Does nothing if it is not paused. */
    ChangeResult resume(Change change);
}
