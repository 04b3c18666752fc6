package dev.posthaste.admin;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an operator did. A change of single events has an entry for each. One of an outbox, of all events that a search finds,
 * or of events by the million, has an entry of its own with their number, which says first how far it is: running,
 * interrupted, failed, cancelled or finished.
 *
 * @param row the event's row, or null when the change is not of one event
 * @param events how many events were changed so far
 * @param detail what was chosen, or the event as it was, as JSON or words
 */
public record AuditEntry(
        long id,
        Instant at,
        String changeId,
        String actor,
        Action action,
        String outbox,
        @Nullable Long row,
        @Nullable String eventId,
        long events,
        String reason,
        @Nullable String detail) {

    /** The same with another detail. */
    public AuditEntry withDetail(@Nullable String detail) {
        return new AuditEntry(id, at, changeId, actor, action, outbox, row, eventId, events, reason, detail);
    }

    /** What can be done. */
    public enum Action {
        REQUEUE,
        DISCARD,
        REPLAY,
        PAUSE,
        RESUME,
        PURGE
    }
}
