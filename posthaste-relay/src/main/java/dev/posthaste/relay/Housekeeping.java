package dev.posthaste.relay;

import dev.posthaste.relay.internal.Retention;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** What is done periodically for an outbox that the relay owns, besides publishing. Used by one thread. */
final class Housekeeping {
    private final OutboxRuntime parts;
    private final Lease lease;
    private final UnconsumedCheck unconsumedCheck;
    private final Retention retention;
    private final long purgeEveryNanos;
    private long nextPurgeAt;

    /** @param purgeEvery how often retention runs at most */
    Housekeeping(OutboxRuntime parts, Lease lease, Duration purgeEvery) {
        this.parts = parts;
        this.lease = lease;
        this.unconsumedCheck = new UnconsumedCheck(parts);
        this.retention = new Retention(parts.outbox(), parts.store(), parts.listener());
        this.purgeEveryNanos = purgeEvery.toNanos();
        this.nextPurgeAt = parts.clock().getAsLong();
    }

    /** Reports how much is to be published. */
    void measure(int blockedKeys, int waitingKeys) {
        String outbox = parts.outbox().name();
        parts.listener().measured(outbox, parts.store().backlog(), blockedKeys);
        parts.listener().waitingKeys(outbox, waitingKeys, parts.settings().waitingKeys());
    }

    /**
     * Looks for events that were not consumed, where the outbox is tracked, and deletes those that were finished long
     * ago, unless another relay defines the outbox differently.
     *
     * @param goOn asked between batches
     * @throws dev.posthaste.StoreException if the database failed
     */
    void runOnce(BooleanSupplier goOn) {
        if (parts.outbox().tracked()) {
            unconsumedCheck.runOnce(goOn);
        }
        long now = parts.clock().getAsLong();
        if (now - nextPurgeAt >= 0) {
            nextPurgeAt = now + purgeEveryNanos;
            if (lease.dispute() == null) {
                retention.runOnce(goOn);
            }
        }
    }
}
