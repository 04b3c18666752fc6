package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an operator did. A change of given events has an entry for each. One of an outbox, of all events that a filter
 * matches, or of events by the million, has an entry of its own with their number, which begins with its state: running,
 * interrupted, failed, cancelled or finished.
 */
@ProvidedByPosthaste
public interface AuditEntry {
    /** The entry's number; later entries have higher ones. */
    long id();

    /** When the entry was written, by the database's clock. */
    Instant at();

    /** The {@link Change#id} of the change that it belongs to. */
    String changeId();

    /** The operator who made the change. */
    String actor();

    /** What was done. */
    Action action();

    /** The name of the outbox. */
    String outbox();

    /** The event's position, or null when the entry is not about a single event. */
    @Nullable
    Long position();

    /** The event's id, or null when the entry is not about a single event. */
    @Nullable
    String eventId();

    /** How many events were changed so far. */
    long events();

    /** Why, in the operator's words. */
    String reason();

    /** What was chosen, or the event as it was, as JSON or words. */
    @Nullable
    String detail();

    /** What can be done. */
    enum Action {
        /** {@link OutboxAdmin#requeue}. */
        REQUEUE,
        /** {@link OutboxAdmin#discard}. */
        DISCARD,
        /** Published events were sent once more. */
        REPLAY,
        /** {@link OutboxAdmin#pause}. */
        PAUSE,
        /** {@link OutboxAdmin#resume}. */
        RESUME,
        /** {@link OutboxAdmin#purge}. */
        PURGE
    }
}
