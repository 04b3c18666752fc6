package dev.posthaste.relay;

import dev.posthaste.RetryPolicy;
import java.time.Duration;

/**
 * How a relay treats one outbox.
 *
 * @param retry what follows a rejection
 * @param afterDead what a key does after one of its events died
 * @param maxPerSecond how many events are published in a second at most; 0 for no limit
 * @param keep how long published events are kept before retention deletes them; of a tracked outbox, consumed ones
 * @param deleteDead whether retention deletes dead events too
 * @param consumedWithin after which time an event of a tracked outbox that was published and not consumed is reported
 * @param republishUnconsumed whether such an event is published again once its consumer has passed it: one that was
 *     published later is consumed. While nothing later is consumed, the consumer is away or behind, and the event is only
 *     reported. Nobody refused it, so no attempt is counted, and it never dies of silence. It is published again after
 *     {@code consumedWithin}, then after twice, four times as long, up to a day; of at most 10,000 events at a time, which
 *     the relay remembers until it ends
 */
public record OutboxPolicy(
        RetryPolicy retry,
        AfterDead afterDead,
        int maxPerSecond,
        Duration keep,
        boolean deleteDead,
        Duration consumedWithin,
        boolean republishUnconsumed) {

    /** What a key does after one of its events died. */
    public enum AfterDead {
        /** It goes on with the next event. */
        SKIP,
        /** It waits until an operator has requeued or removed the dead event. */
        BLOCK
    }

    private static final Duration MAX_TIME = Duration.ofDays(36_525);

    public OutboxPolicy {
        if (keep.compareTo(MAX_TIME) > 0 || consumedWithin.compareTo(MAX_TIME) > 0) {
            throw new IllegalArgumentException(
                    "keep " + keep + " and consumedWithin " + consumedWithin + " must be at most 100 years");
        }
        if (consumedWithin.isNegative() || consumedWithin.isZero()) {
            throw new IllegalArgumentException("consumedWithin must be positive, not " + consumedWithin);
        }
        if (maxPerSecond < 0 || keep.isNegative()) {
            throw new IllegalArgumentException(
                    "maxPerSecond " + maxPerSecond + " and keep " + keep + " must not be negative");
        }
    }

    /** Exponential retries, skip after a dead event, no limit of rate, 7 days; unconsumed after 10 minutes, only reported. */
    public static OutboxPolicy defaults() {
        return new OutboxPolicy(
                RetryPolicy.exponential(), AfterDead.SKIP, 0, Duration.ofDays(7), false, Duration.ofMinutes(10), false);
    }

    public OutboxPolicy withRetry(RetryPolicy retry) {
        return new OutboxPolicy(retry, afterDead, maxPerSecond, keep, deleteDead, consumedWithin, republishUnconsumed);
    }

    public OutboxPolicy withAfterDead(AfterDead afterDead) {
        return new OutboxPolicy(retry, afterDead, maxPerSecond, keep, deleteDead, consumedWithin, republishUnconsumed);
    }

    public OutboxPolicy withMaxPerSecond(int maxPerSecond) {
        return new OutboxPolicy(retry, afterDead, maxPerSecond, keep, deleteDead, consumedWithin, republishUnconsumed);
    }

    public OutboxPolicy withKeep(Duration keep, boolean deleteDead) {
        return new OutboxPolicy(retry, afterDead, maxPerSecond, keep, deleteDead, consumedWithin, republishUnconsumed);
    }

    public OutboxPolicy withConsumedWithin(Duration consumedWithin, boolean republishUnconsumed) {
        return new OutboxPolicy(retry, afterDead, maxPerSecond, keep, deleteDead, consumedWithin, republishUnconsumed);
    }
}
