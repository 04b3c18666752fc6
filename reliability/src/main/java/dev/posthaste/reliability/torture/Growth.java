package dev.posthaste.reliability.torture;

import java.util.ArrayList;
import java.util.List;

/**
 * Distinguishes what fluctuates from what only grows: of a process's measurements, the median of the last third is
 * compared with that of the first and with that of the middle: a consumer that waits for its turn has fewer threads
 * until then, and no more afterwards.
 *
 * @param least the number of measurements from which on growth can be recognised
 * @param factor by which factor the last median may exceed the first
 * @param more what may be added to that limit
 */
record Growth(int least, double factor, long more) {
    /** Two and a half minutes of {@link Vitals}. Allows half as much again, and a window that happens to be full. */
    static final Growth HEAP = new Growth(20, 1.5, 8 << 20);

    /** Two and a half minutes. Allows for the threads of pools and clients, which come and go. */
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
