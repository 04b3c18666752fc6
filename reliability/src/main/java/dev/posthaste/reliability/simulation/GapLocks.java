package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The keys of one table at which transactions let nobody insert, since what they looked for was not there. */
final class GapLocks {
    private final List<Gap> gaps = new ArrayList<>();

    /** Between two rows; null where there is no further one. */
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

    /** Whom an insert waits for; null if for nobody. */
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
