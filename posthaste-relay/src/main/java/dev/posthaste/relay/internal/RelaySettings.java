package dev.posthaste.relay.internal;

import dev.posthaste.internal.text.DurationText;
import dev.posthaste.relay.Relay;
import java.time.Duration;

/**
 * How a relay works, for all its outboxes: the settings of {@link Relay.Builder}, under the same names, and of {@code
 * relay:} in the daemon's configuration file.
 */
public record RelaySettings(
        Duration lease,
        Duration publishTimeout,
        Duration pollCeiling,
        int batch,
        int window,
        long windowBytes,
        Duration stopTimeout,
        int waitingKeys) {
    public static final int MAX_BATCH = 100_000;
    public static final int MAX_WINDOW = 1_000_000;
    public static final int MAX_WAITING_KEYS = Integer.MAX_VALUE / 4;
    private static final Duration MAX_TIME = Duration.ofDays(36_525);
    private static final long BYTES_A_WAITING_KEY = 72;

    private static final RelaySettings DEFAULTS = new RelaySettings(
            Duration.ofSeconds(15),
            Duration.ofSeconds(7),
            Duration.ofMillis(250),
            1000,
            4000,
            64L << 20,
            Duration.ofSeconds(10),
            (int) Math.min(MAX_WAITING_KEYS, Runtime.getRuntime().maxMemory() / 3 / BYTES_A_WAITING_KEY));

    /**
     * @throws IllegalArgumentException if a value is out of bounds, or two contradict each other; says which and why
     */
    public RelaySettings {
        requireTime("lease", lease, 1);
        requireTime("publishTimeout", publishTimeout, 1);
        requireTime("pollCeiling", pollCeiling, 5);
        requireTime("stopTimeout", stopTimeout, 0);
        requireNumber("batch", batch, MAX_BATCH);
        requireNumber("window", window, MAX_WINDOW);
        requireNumber("windowBytes", windowBytes, Long.MAX_VALUE);
        requireNumber("waitingKeys", waitingKeys, MAX_WAITING_KEYS);
        if (publishTimeout.multipliedBy(2).compareTo(lease) > 0) {
            throw new IllegalArgumentException(
                    "A lease of " + DurationText.of(lease) + " leaves no room for publishes of up to "
                            + DurationText.of(publishTimeout) + "; make it at least twice as long");
        }
        if (window < batch) {
            throw new IllegalArgumentException(
                    "window must be at least as large as batch: it is " + window + ", and batch is " + batch);
        }
    }

    /** @return {@code time}, if a relay can work with it */
    public static Duration requireTime(String what, Duration time, int atLeastMillis) {
        if (time.compareTo(Duration.ofMillis(atLeastMillis)) < 0) {
            throw new IllegalArgumentException(
                    what + " must be at least " + atLeastMillis + " ms, not " + DurationText.of(time));
        }
        if (time.compareTo(MAX_TIME) > 0) {
            throw new IllegalArgumentException(what + " must be at most 100 years, not " + DurationText.of(time));
        }
        return time;
    }

    public static int requireNumber(String what, int number, int most) {
        return (int) requireNumber(what, number, (long) most);
    }

    public static long requireNumber(String what, long number, long most) {
        if (number < 1 || number > most) {
            throw new IllegalArgumentException(what + " must be at least 1"
                    + (most == Long.MAX_VALUE ? "" : " and at most " + most) + ", not " + number);
        }
        return number;
    }

    /**
     * Lease 15 s, publish 7 s, poll 250 ms, batches of 1,000, a window of 4,000 events and 64 MiB, stop 10 s, and as many
     * waiting keys as a third of the heap holds: 1.2 million in 256 MB.
     */
    public static RelaySettings defaults() {
        return DEFAULTS;
    }

    public RelaySettings withWindow(int batch, int window, long windowBytes) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }

    public RelaySettings withWaitingKeys(int waitingKeys) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }

    /** Applies all of it to a builder. */
    public Relay.Builder applyTo(Relay.Builder relay) {
        return relay.lease(lease)
                .publishTimeout(publishTimeout)
                .pollCeiling(pollCeiling)
                .batch(batch)
                .window(window)
                .windowBytes(windowBytes)
                .stopTimeout(stopTimeout)
                .waitingKeys(waitingKeys);
    }
}
