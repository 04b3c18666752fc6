package dev.posthaste.admin;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an operator did. A change of single events has an entry for each; one of an outbox, or of events by the million, has
 * one with their number.
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
