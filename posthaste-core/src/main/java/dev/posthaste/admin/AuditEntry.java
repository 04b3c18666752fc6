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
    long id();

    Instant at();

    String changeId();

    String actor();

    Action action();

    String outbox();

    /** The event's position, or null when the entry is not about a single event. */
    @Nullable
    Long position();

    @Nullable
    String eventId();

    /** How many events were changed so far. */
    long events();

    String reason();

    /** What was chosen, or the event as it was, as JSON or words. */
    @Nullable
    String detail();

    /** What can be done. */
    enum Action {
        REQUEUE,
        DISCARD,
        REPLAY,
        PAUSE,
        RESUME,
        PURGE
    }
}
