package dev.posthaste.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * An event with what the relay needs to decide about it.
 *
 * @param attempts refusals counted so far
 * @param maxAttempts the event's own limit, or null for the policy's
 * @param generation how often it was requeued; null where the outbox's table does not keep that
 * @param waitNanos how long, by the database's clock at the time of reading, until it is due; zero or less when it is
 * @param ageNanos how long ago it was written, by the database's clock
 */
public record PendingEvent(
        StoredRow event,
        int attempts,
        @Nullable Integer maxAttempts,
        @Nullable Integer generation,
        long waitNanos,
        long ageNanos)
        implements Pending {
    /** An event of a table that does not keep generations. */
    public PendingEvent(StoredRow event, int attempts, @Nullable Integer maxAttempts, long waitNanos, long ageNanos) {
        this(event, attempts, maxAttempts, null, waitNanos, ageNanos);
    }

    /** What its row had counted. */
    public Verdict.Seen seen() {
        return new Verdict.Seen(attempts, generation);
    }

    @Override
    public long id() {
        return event.position();
    }

    @Override
    public @Nullable String key() {
        return event.key();
    }
}
