package dev.posthaste.internal.admin;

import dev.posthaste.admin.AuditEntry;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An entry of the audit as the database has it.
 *
 * @param position the event's position, or null when the entry is not about a single event
 */
public record AuditRow(
        long id,
        Instant at,
        String changeId,
        String actor,
        Action action,
        String outbox,
        @Nullable Long position,
        @Nullable String eventId,
        long events,
        String reason,
        @Nullable String detail)
        implements AuditEntry {
    /** The same with another detail. */
    public AuditRow withDetail(@Nullable String detail) {
        return new AuditRow(id, at, changeId, actor, action, outbox, position, eventId, events, reason, detail);
    }
}
