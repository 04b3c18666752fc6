package dev.posthaste.relay;

import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Writers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.ToIntFunction;

/**
 * Reads the {@link Gaps} again, to the end of each, and has the store list the transactions that may still fill them.
 * Confined to the pump's thread.
 */
final class GapCheck {
    private static final int REFS = 1000;
    private static final int RANGES = 500;
    private static final long FIRST_PAUSE_NANOS = 20_000_000L;
    private static final long MAX_PAUSE_NANOS = 1_000_000_000L;

    private final Gaps gaps;
    private final OutboxStore store;
    private final LongSupplier clock;
    private boolean provable = true;
    private long pause = FIRST_PAUSE_NANOS;
    private long nextAt;
    private long nextListAt;

    GapCheck(Gaps gaps, OutboxStore store, LongSupplier clock) {
        this.gaps = gaps;
        this.store = store;
        this.clock = clock;
        this.nextAt = clock.getAsLong();
        this.nextListAt = nextAt;
    }

    /**
     * When gaps are to be read again though nothing came in, so that they are closed; {@link Long#MAX_VALUE} where there are
     * none, or the store does not report which transactions may fill them.
     */
    long nextAt() {
        return provable && !gaps.isEmpty() ? nextAt : Long.MAX_VALUE;
    }

    /**
     * @param busy whether events came in
     * @param late takes the pending events that are met, and returns how many of them came in
     * @return how many events came in
     */
    int run(boolean busy, ToIntFunction<List<PendingRef>> late) {
        if (gaps.isEmpty()) {
            return 0;
        }
        int came = 0;
        List<IdRange> ranges = gaps.ranges();
        for (int from = 0; from < ranges.size(); from += RANGES) {
            came += read(new ArrayList<>(ranges.subList(from, Math.min(ranges.size(), from + RANGES))), late);
        }
        gaps.looked();
        long now = clock.getAsLong();
        if (now - nextListAt >= 0 && !gaps.isEmpty()) {
            list(now);
        }
        pause = busy || came > 0 ? FIRST_PAUSE_NANOS : Math.min(2 * pause, MAX_PAUSE_NANOS);
        nextAt = now + pause;
        return came;
    }

    private int read(List<IdRange> ranges, ToIntFunction<List<PendingRef>> late) {
        int came = 0;
        List<IdRange> left = ranges;
        while (!left.isEmpty()) {
            List<PendingRef> pending = store.scan(left, REFS);
            came += late.applyAsInt(pending);
            left = pending.size() < REFS
                    ? List.of()
                    : above(left, pending.get(REFS - 1).id());
        }
        return came;
    }

    private static List<IdRange> above(List<IdRange> ranges, long id) {
        List<IdRange> above = new ArrayList<>();
        for (IdRange range : ranges) {
            if (range.last() > id) {
                above.add(range.first() > id ? range : new IdRange(id + 1, range.last()));
            }
        }
        return above;
    }

    /** A late list serves as well as an early one, so its cost decides how often it is made. */
    private void list(long now) {
        Writers writers = store.writers();
        long end = clock.getAsLong();
        provable = writers != null;
        if (writers != null) {
            gaps.listed(writers);
        }
        nextListAt = end + (writers == null ? MAX_PAUSE_NANOS : Math.max(FIRST_PAUSE_NANOS, 10 * (end - now)));
    }
}
