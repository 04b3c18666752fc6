package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The gaps between one table's keys in which transactions prevent inserts, because what they searched for did not
 * exist.
 */
final class GapLocks {
    private final List<Gap> gaps = new ArrayList<>();

    /** A gap between two rows; null where there is no further row. */
    private record Gap(
            Transaction holder,
            @Nullable Comparable<?> above,
            @Nullable Comparable<?> below) {
        boolean holds(Comparable<?> key) {
            return (above == null || compare(key, above) > 0) && (below == null || compare(key, below) < 0);
        }
    }

    @SuppressWarnings("unchecked")
    private static int compare(Comparable<?> one, Comparable<?> other) {
        return ((Comparable<Object>) one).compareTo(other);
    }

    /** Several transactions may hold the same gap. */
    void hold(Transaction holder, @Nullable Comparable<?> above, @Nullable Comparable<?> below) {
        gaps.add(new Gap(holder, above, below));
    }

    void release(Transaction holder) {
        gaps.removeIf(gap -> gap.holder() == holder);
    }

    /** The transaction that an insert waits for; null if there is none. */
    @Nullable
    Transaction holder(Comparable<?> key, Transaction of) {
        for (Gap gap : gaps) {
            if (gap.holder() != of && gap.holds(key)) {
                return gap.holder();
            }
        }
        return null;
    }
}
