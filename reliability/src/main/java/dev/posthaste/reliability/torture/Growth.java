package dev.posthaste.reliability.torture;

import java.util.ArrayList;
import java.util.List;

/**
 * Tells what goes up and down from what only goes up: of a process's measurements, the median of the last third is compared
 * with that of the first, and with that of the middle: a consumer that waits for its turn has fewer threads until it comes, and
 * no more after that.
 *
 * @param least how many measurements say something
 * @param factor how many times the first median the last one may be
 * @param more what may be added to that
 */
record Growth(int least, double factor, long more) {
    /** Two and a half minutes of {@link Vitals}. Half as much again, and a window of events that happens to be full. */
    static final Growth HEAP = new Growth(20, 1.5, 8 << 20);

    /** Two and a half minutes. A pool and a client's own threads come and go. */
    static final Growth THREADS = new Growth(600, 1, 10);

    boolean isFoundIn(List<Long> measured) {
        if (measured.size() < least) {
            return false;
        }
        int third = measured.size() / 3;
        long first = median(measured.subList(0, third));
        long middle = median(measured.subList(third, measured.size() - third));
        long last = median(measured.subList(measured.size() - third, measured.size()));
        return last > first * factor + more && last - middle > (last - first) / 4;
    }

    static long median(List<Long> values) {
        List<Long> sorted = new ArrayList<>(values);
        sorted.sort(null);
        return sorted.get(sorted.size() / 2);
    }
}
