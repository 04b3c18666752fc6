package dev.posthaste.internal.store;

import dev.posthaste.RetryPolicy;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Decides what follows when a consumer refuses an event, so that no store has to. Thread-safe. */
@FunctionalInterface
public interface RefusalPolicy {
    /**
     * @param counted what the event had counted when the refusal came
     * @param maxAttempts the event's own limit, or null for none
     */
    Verdict.Refused decide(long id, Verdict.Seen counted, @Nullable Integer maxAttempts, Receipt.Refusal refusal);

    /**
     * Decides as a relay does about its broker's refusals.
     *
     * @param random decides the jitter of waits
     */
    static RefusalPolicy of(RetryPolicy retry, RandomGenerator random) {
        return (id, counted, maxAttempts, refusal) -> Verdict.refused(
                id, counted, maxAttempts, refusal instanceof Receipt.Rejected, refusal.error(), retry, random);
    }
}
