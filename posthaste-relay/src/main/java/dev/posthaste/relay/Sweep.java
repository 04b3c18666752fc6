package dev.posthaste.relay;

/**
 * How fast the whole outbox is searched, round after round, for events that became pending below the highest id: a twentieth of
 * the time, and more where a round would otherwise take longer than a few seconds. Confined to the pump's thread.
 */
final class Sweep {
    /** How many pending events a step looks at. */
    static final int REFS = 4000;

    private static final long GAP_NANOS = 100_000_000L;
    private static final long ROUND_NANOS = 5_000_000_000L;
    private static final long MAX_REST_NANOS = 2_000_000_000L;
    private static final long QUICK_NANOS = 5_000_000L;
    private static final long SLOW_NANOS = 20_000_000L;
    private static final int MIN_SPAN = 1000;

    private long from = Long.MIN_VALUE;
    private long span = 1_000_000;
    private long work;
    private long lastRoundWork;
    private long nextAt;

    Sweep(long now) {
        this.nextAt = now + GAP_NANOS;
    }

    /** When the next step is due. */
    long nextAt() {
        return nextAt;
    }

    /** Where the next step begins, exclusive. */
    long from() {
        return from;
    }

    /**
     * Where the next step ends, inclusive. The first step of a round also looks at what lies below all that was read.
     *
     * @param lowest the lowest id that was read
     * @param highest the highest id that was read
     */
    long through(long lowest, long highest) {
        long start = Math.max(from, lowest);
        long through = start + span;
        return through < start ? highest : Math.min(highest, through);
    }

    /**
     * A step ended.
     *
     * @param through how far it came
     * @param full whether it met as many events as it may, so that it did not get as far as planned
     * @param highest the highest id that was read
     * @param took how long it took
     * @param pollNanos how often the outbox is polled; a round does not begin more often
     */
    void endStep(long through, boolean full, long highest, long took, long pollNanos, long now) {
        from = through;
        adaptSpan(took, full);
        work += took;
        // A process that was paused in the middle has not been busy all that time.
        long rest = Math.min(restFactor() * took, MAX_REST_NANOS);
        if (from >= highest) {
            from = Long.MIN_VALUE;
            lastRoundWork = Math.min(work, ROUND_NANOS);
            work = 0;
            rest = Math.max(rest, Math.max(GAP_NANOS, pollNanos));
        }
        nextAt = now + rest;
    }

    private long restFactor() {
        long most = Math.max(lastRoundWork, work);
        return most == 0 ? 19 : Math.min(19, Math.max(1, ROUND_NANOS / most - 1));
    }

    /** A step over rows that a long transaction keeps from being cleaned up takes long though it finds nothing. */
    private void adaptSpan(long took, boolean full) {
        if (took > SLOW_NANOS && !full) {
            span = Math.max(MIN_SPAN, span / 2);
        } else if (took < QUICK_NANOS && !full) {
            span = Math.min(span * 4, 1L << 60);
        }
    }
}
