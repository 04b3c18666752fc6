package dev.posthaste.admin;

import dev.posthaste.Status;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One event and what became of it, without its payload. Times are the database's, to the microsecond; null where there is
 * none, or the table keeps none.
 *
 * @param id the row's number
 * @param status null where another program gave the row a status of its own
 * @param statusCode the status as the table spells it
 * @param maxAttempts the event's own limit, or null
 * @param nextAttemptAt when it is due; null for now, or for never when it is settled
 */
public record FoundEvent(
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
        @Nullable Instant updatedAt) {}
