package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.Status;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One event as its outbox has it. Times are the database's, to the microsecond; null where there is none, or the table keeps
 * none.
 */
@ProvidedByPosthaste
public interface FoundEvent {
    /** The number of the event's row, which orders the events of an outbox. */
    long position();

    /** The event's identity; where its table has none, the outbox's name and the position. */
    String eventId();

    /** The event's type. */
    String type();

    /** The version of the payload's schema; {@code v1} where the row has none. */
    String version();

    /** Events with the same key are published in order; null for an event without a key. */
    @Nullable
    String key();

    /** The event's own topic or exchange; null for the route's. */
    @Nullable
    String destination();

    /** The event's own routing key; null for the route's. */
    @Nullable
    String routingKey();

    /** Null where another program gave the row a status of its own. */
    @Nullable
    Status status();

    /** The status as the table spells it. */
    String statusCode();

    /** How many attempts have been counted; requeuing resets them to 0. */
    int attempts();

    /** The event's own limit; null for the retry policy's. */
    @Nullable
    Integer maxAttempts();

    /** What the last failed attempt reported. */
    @Nullable
    String error();

    /** When the event was written. */
    @Nullable
    Instant createdAt();

    /** When the event is due; null for now, and once its status is final. */
    @Nullable
    Instant nextAttemptAt();

    /** When it was recorded that the broker has the event. */
    @Nullable
    Instant publishedAt();

    /** When it was recorded that a consumer has handled the event. */
    @Nullable
    Instant consumedAt();

    /** When the row was last changed. */
    @Nullable
    Instant updatedAt();

    /** The headers, a JSON object as text unless another program wrote something else; only {@link OutboxAdmin#find} reads it. */
    @Nullable
    String headers();

    /** The payload, not copied: do not change it. Only {@link OutboxAdmin#find} reads it; otherwise null. */
    byte @Nullable [] payload();

    /**
     * Why no message can ever be made from the event; null if one can, and unless {@link OutboxAdmin#find} has read it.
     */
    @Nullable
    String defect();
}
