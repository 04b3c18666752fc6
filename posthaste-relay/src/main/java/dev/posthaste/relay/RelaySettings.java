package dev.posthaste.relay;

import java.time.Duration;

/**
 * How a relay works, for all its outboxes.
 *
 * @param lease how long an outbox stays this relay's without a word from it; others take over after it
 * @param publishTimeout the longest that a broker may take to send an event, or to give it up, after it was handed over;
 *     nothing is handed over when less is left of the lease. The answer may come later
 * @param pollCeiling the longest wait between two looks at an idle outbox
 * @param batch how many events are fetched and settled at once
 * @param window how many events of one outbox may be in memory
 * @param windowBytes how many bytes of payload of one outbox may be in memory, give or take one event
 * @param stopTimeout how long a stop waits for what is at the broker
 * @param waitingKeys how many keys of one outbox may have events that were left in the table, because they wait for a time,
 *     a retry, an operator or a destination. Each takes about 70 bytes. At this number no fresh events of the outbox are
 *     read until there are fewer; the relay says so
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
    private static final long BYTES_A_WAITING_KEY = 72;

    private static final Duration MAX_TIME = Duration.ofDays(36_525);

    public RelaySettings {
        for (Duration each : new Duration[] {lease, publishTimeout, pollCeiling, stopTimeout}) {
            if (each.isNegative() || each.compareTo(MAX_TIME) > 0) {
                throw new IllegalArgumentException("lease " + lease + ", publishTimeout " + publishTimeout
                        + ", pollCeiling " + pollCeiling + " and stopTimeout " + stopTimeout
                        + " must be from 0 to 100 years");
            }
        }
        if (publishTimeout.toMillis() < 1) {
            throw new IllegalArgumentException("publishTimeout must be at least 1 ms, not " + publishTimeout);
        }
        if (publishTimeout.multipliedBy(2).compareTo(lease) > 0) {
            throw new IllegalArgumentException("A lease of " + lease + " leaves no room for publishes of up to "
                    + publishTimeout + "; make it at least twice as long");
        }
        if (batch < 1 || window < batch) {
            throw new IllegalArgumentException(
                    "batch " + batch + " and window " + window + " do not fit: 1 <= batch <= window is wanted");
        }
        if (windowBytes < 1 || waitingKeys < 1) {
            throw new IllegalArgumentException(
                    "windowBytes " + windowBytes + " and waitingKeys " + waitingKeys + " must be positive");
        }
        if (pollCeiling.toMillis() < 5) {
            throw new IllegalArgumentException("pollCeiling must be at least 5 ms, not " + pollCeiling);
        }
    }

    /**
     * Lease 15 s, publish 7 s, poll 250 ms, batches of 1,000, a window of 4,000 events and 64 MiB, stop 10 s, and as many
     * waiting keys as a third of the heap holds: 1.2 million in 256 MB.
     */
    public static RelaySettings defaults() {
        return new RelaySettings(
                Duration.ofSeconds(15),
                Duration.ofSeconds(7),
                Duration.ofMillis(250),
                1000,
                4000,
                64L << 20,
                Duration.ofSeconds(10),
                (int) Math.min(Integer.MAX_VALUE / 4, Runtime.getRuntime().maxMemory() / 3 / BYTES_A_WAITING_KEY));
    }

    public RelaySettings withLease(Duration lease, Duration publishTimeout) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }

    public RelaySettings withWindow(int batch, int window, long windowBytes) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }

    public RelaySettings withStopTimeout(Duration stopTimeout) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }

    public RelaySettings withWaitingKeys(int waitingKeys) {
        return new RelaySettings(
                lease, publishTimeout, pollCeiling, batch, window, windowBytes, stopTimeout, waitingKeys);
    }
}
