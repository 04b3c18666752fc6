package dev.posthaste.relay;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The ids below the highest that were never seen: transactions that are still open, or were rolled back, or rows that
 * were settled before this relay came. Which of them, nobody can tell from the outside, and no time limit decides it; so
 * the latest ten thousand runs of such ids are remembered, and older ones are left to the patrol. Confined to the pump's
 * thread.
 */
final class Gaps {
    private static final int MOST = 10_000;

    private final TreeMap<Long, Long> ranges = new TreeMap<>();
    private long ids;

    /** {@code next} was seen right after {@code last}. */
    void seen(long last, long next) {
        if (next > last + 1) {
            ranges.put(last + 1, next - 1);
            ids += next - last - 1;
            if (ranges.size() > MOST) {
                remove(ranges.firstEntry());
            }
        }
    }

    /** The id turned up. */
    void filled(long id) {
        Map.Entry<Long, Long> range = ranges.floorEntry(id);
        if (range == null || range.getValue() < id) {
            return;
        }
        remove(range);
        seen(range.getKey() - 1, id);
        seen(id, range.getValue() + 1);
    }

    private void remove(Map.Entry<Long, Long> range) {
        ranges.remove(range.getKey());
        ids -= range.getValue() - range.getKey() + 1;
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    long lowest() {
        return ranges.firstKey();
    }

    long highest() {
        return ranges.lastEntry().getValue();
    }

    /** How many ids there are in all. */
    long size() {
        return ids;
    }

    /** The highest ids, at most {@code most} of them. */
    List<Long> latest(int most) {
        List<Long> latest = new ArrayList<>();
        for (Map.Entry<Long, Long> range : ranges.descendingMap().entrySet()) {
            for (long id = range.getValue(); id >= range.getKey(); id--) {
                if (latest.size() == most) {
                    return latest;
                }
                latest.add(id);
            }
        }
        return latest;
    }
}
