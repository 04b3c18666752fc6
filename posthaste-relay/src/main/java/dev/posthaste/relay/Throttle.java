package dev.posthaste.relay;

/** Caps events per second, allowing bursts of a tenth of a second. Confined to the pump's thread. */
final class Throttle {
    private static final long BURST_NANOS = 100_000_000L;

    private final long gapNanos;
    private long next;

    Throttle(int maxPerSecond, long now) {
        this.gapNanos = maxPerSecond == 0 ? 0 : Math.max(1, 1_000_000_000L / maxPerSecond);
        this.next = now;
    }

    boolean allows(long now) {
        return gapNanos == 0 || now - next >= 0;
    }

    void handedOver(long now) {
        next = Math.max(next, now - BURST_NANOS) + gapNanos;
    }

    /** When the next event may go. */
    long next() {
        return next;
    }
}
