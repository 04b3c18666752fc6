package dev.posthaste.internal.admin;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.store.StoredRow;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An event as the database has it.
 *
 * @param id its position
 * @param stored headers, payload, and what prevents a message; null where they were not read
 */
public record FoundRow(
        long id,
        String eventId,
        String type,
        String version,
        @Nullable String key,
        @Nullable String destination,
        @Nullable String routingKey,
        @Nullable Status status,
        String statusCode,
        int attempts,
        @Nullable Integer maxAttempts,
        @Nullable String error,
        @Nullable Instant createdAt,
        @Nullable Instant nextAttemptAt,
        @Nullable Instant publishedAt,
        @Nullable Instant consumedAt,
        @Nullable Instant updatedAt,
        @Nullable StoredRow stored)
        implements FoundEvent {
    /** The same with what else its row holds. */
    public FoundRow with(StoredRow stored) {
        return new FoundRow(
                id,
                eventId,
                type,
                version,
                key,
                destination,
                routingKey,
                status,
                statusCode,
                attempts,
                maxAttempts,
                error,
                createdAt,
                nextAttemptAt,
                publishedAt,
                consumedAt,
                updatedAt,
                stored);
    }

    @Override
    public long position() {
        return id;
    }

    @Override
    public @Nullable String headers() {
        return stored == null ? null : stored.headers();
    }

    @Override
    public byte @Nullable [] payload() {
        return stored == null ? null : stored.payload();
    }

    @Override
    public @Nullable String defect() {
        return stored == null ? null : stored.defect();
    }

    /** Whether a filter matches this event, apart from its limit. */
    public boolean matches(EventFilter filter) {
        return (filter.positions().isEmpty() || filter.positions().contains(id))
                && (filter.status() == null || filter.status() == status)
                && (filter.type() == null || filter.type().equals(type))
                && (filter.key() == null || filter.key().equals(key))
                && (filter.eventId() == null || filter.eventId().equals(eventId))
                && (filter.from() == null || (createdAt != null && !createdAt.isBefore(filter.from())))
                && (filter.to() == null || (createdAt != null && createdAt.isBefore(filter.to())))
                && (filter.error() == null || contains(error, filter.error()))
                && (filter.errorGroup() == null || filter.errorGroup().equals(DeadGroup.of(error)));
    }

    private static boolean contains(@Nullable String error, String part) {
        return error != null && error.toLowerCase(Locale.ROOT).contains(part.toLowerCase(Locale.ROOT));
    }
}
