package dev.posthaste.inbox;

import dev.posthaste.RetryPolicy;
import java.time.Duration;

/**
 * How a {@link Consumer} works.
 *
 * @param threads how many handlers run at once
 * @param retry how a failing event is tried again in place, its key's later events waiting behind it
 * @param closeTimeout how long {@link Consumer#close} waits for running handlers
 * @param afterLastAttempt what becomes of an event that failed as often as {@code retry} allows
 */
public record ConsumerSettings(
        int threads, RetryPolicy retry, Duration closeTimeout, AfterLastAttempt afterLastAttempt) {

    /** What becomes of an event that could be handled another time, but not now. */
    public enum AfterLastAttempt {
        /** It goes to the error queue or dead-letter topic; where its outbox hears receipts, it is dead there too. */
        DEAD_LETTER,
        /**
         * Its outbox publishes it again, after the outbox's own backoff, until the outbox's last attempt. Later events of
         * its key go before it. Where the outbox hears no receipts, as the other.
         */
        REDELIVER
    }

    public ConsumerSettings {
        if (threads < 1) {
            throw new IllegalArgumentException("A consumer needs at least one thread, not " + threads);
        }
    }

    /** 4 threads; 10 attempts from 100 ms doubling to 30 s, then a dead letter; 10 s to close. */
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
                Duration.ofSeconds(10),
                AfterLastAttempt.DEAD_LETTER);
    }

    public ConsumerSettings withRetry(RetryPolicy retry) {
        return new ConsumerSettings(threads, retry, closeTimeout, afterLastAttempt);
    }

    public ConsumerSettings withThreads(int threads) {
        return new ConsumerSettings(threads, retry, closeTimeout, afterLastAttempt);
    }

    public ConsumerSettings withAfterLastAttempt(AfterLastAttempt afterLastAttempt) {
        return new ConsumerSettings(threads, retry, closeTimeout, afterLastAttempt);
    }
}
