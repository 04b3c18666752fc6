package dev.posthaste.rabbitmq;

/**
 * How many messages the server may send ahead: as many as the settings say, or fewer while that many exceed {@link
 * #MAX_BYTES}. AMQP only counts messages, so this follows the sizes of those that arrive. Thread-safe.
 */
final class Prefetch {
    /** The bytes of messages that wait in memory. */
    static final long MAX_BYTES = 32L << 20;

    /** A change gives the waiting messages back, so it is not made often. */
    private static final long MIN_NANOS_BETWEEN_RAISES = 60_000_000_000L;

    private static final double WEIGHT_OF_ONE = 1 / 64.0;

    private final int max;

    // All guarded by this.
    private int current;
    private int waiting;
    private long bytes;
    private double averageSize;
    private long changedAt = System.nanoTime();

    Prefetch(int max) {
        this.max = max;
        this.current = max;
    }

    synchronized void arrived(long size) {
        waiting++;
        bytes += size;
        averageSize = averageSize == 0 ? size : averageSize + (size - averageSize) * WEIGHT_OF_ONE;
    }

    synchronized void released(long size) {
        waiting--;
        bytes -= size;
    }

    synchronized int current() {
        return current;
    }

    /** Whether another number would be better than the current one; {@link #adjust} adopts it. */
    synchronized boolean isToChange() {
        return better(System.nanoTime()) != current;
    }

    /** @return the number to consume with from now on */
    synchronized int adjust() {
        long now = System.nanoTime();
        int better = better(now);
        if (better != current) {
            current = better;
            changedAt = now;
        }
        return current;
    }

    private int better(long now) {
        if (bytes > MAX_BYTES && current > 1) {
            return Math.max(1, (int) Math.min(current - 1, MAX_BYTES * waiting / bytes));
        }
        int room = (int) Math.min(max, MAX_BYTES / 2 / Math.max(1, averageSize));
        boolean isWorthIt = room >= 2 * current || room == max;
        boolean mayRaise = waiting == 0 || now - changedAt > MIN_NANOS_BETWEEN_RAISES;
        return isWorthIt && mayRaise ? Math.max(current, room) : current;
    }
}
