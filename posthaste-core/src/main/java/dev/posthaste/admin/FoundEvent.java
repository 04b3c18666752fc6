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

    String eventId();

    String type();

    String version();

    @Nullable
    String key();

    /** The event's own topic or exchange; null for the route's. */
    @Nullable
    String destination();

    @Nullable
    String routingKey();

    /** Null where another program gave the row a status of its own. */
    @Nullable
    Status status();

    /** The status as the table spells it. */
    String statusCode();

    int attempts();

    /** The event's own limit; null for the retry policy's. */
    @Nullable
    Integer maxAttempts();

    /** What the last failed attempt reported. */
    @Nullable
    String error();

    @Nullable
    Instant createdAt();

    /** When the event is due; null for now, and once its status is final. */
    @Nullable
    Instant nextAttemptAt();

    @Nullable
    Instant publishedAt();

    @Nullable
    Instant consumedAt();

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
