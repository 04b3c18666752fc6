package dev.posthaste.relay.internal;

/** Caps events per second, allowing bursts after a pause. Confined to the thread that publishes. */
public final class Throttle {
    private static final long BURST_NANOS = 100_000_000L;

    private final long gapNanos;
    private final long burstNanos;
    private long next;

    /** Allows bursts of a tenth of a second. */
    public Throttle(int maxPerSecond, long now) {
        this(maxPerSecond, BURST_NANOS, now);
    }

    /**
     * @param maxPerSecond 0 for no limit
     * @param burstNanos what was not sent during a pause is made up for, but no more than is due in this time
     */
    public Throttle(int maxPerSecond, long burstNanos, long now) {
        this.gapNanos = maxPerSecond == 0 ? 0 : Math.max(1, 1_000_000_000L / maxPerSecond);
        this.burstNanos = burstNanos;
        this.next = now;
    }

    public boolean allows(long now) {
        return gapNanos == 0 || now - next >= 0;
    }

    public void dispatched(long now) {
        next = Math.max(next, now - burstNanos) + gapNanos;
    }

    /** When the next event may be sent. */
    public long next() {
        return next;
    }
}
