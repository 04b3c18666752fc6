package dev.posthaste.inbox;

import dev.posthaste.RetryPolicy;
import java.time.Duration;

/**
 * How a {@link Consumer} works.
 *
 * @param threads how many handlers run at once
 * @param retry how a failing event is tried again in place, its key's later events waiting behind it
 * @param closeTimeout how long {@link Consumer#close} waits for running handlers
 */
public record ConsumerSettings(int threads, RetryPolicy retry, Duration closeTimeout) {
    public ConsumerSettings {
        if (threads < 1) {
            throw new IllegalArgumentException("A consumer needs at least one thread, not " + threads);
        }
    }

    /** 4 threads; 10 attempts from 100 ms doubling to 30 s; 10 s to close. */
    public static ConsumerSettings defaults() {
        return new ConsumerSettings(
                4,
                new RetryPolicy(
                        "in-place",
                        RetryPolicy.Curve.EXPONENTIAL,
                        Duration.ofMillis(100),
                        Duration.ofSeconds(30),
                        10,
                        0.2),
                Duration.ofSeconds(10));
    }

    public ConsumerSettings withRetry(RetryPolicy retry) {
        return new ConsumerSettings(threads, retry, closeTimeout);
    }

    public ConsumerSettings withThreads(int threads) {
        return new ConsumerSettings(threads, retry, closeTimeout);
    }
}
