package dev.posthaste.relay;

import java.util.Arrays;

/**
 * Times, each with the number of what is due then; the earliest comes first. Entries are never withdrawn: the reader
 * skips one that no longer holds, and {@link #retain} drops those when there are too many. A heap in two arrays, 16
 * bytes an entry. Times are compared by their difference, as {@link System#nanoTime} requires. Confined to the pump's
 * thread.
 */
final class TimerQueue {
    private long[] times = new long[16];
    private long[] numbers = new long[16];
    private int size;

    /** Says whether an entry still holds. */
    interface Filter {
        boolean holds(long time, long number);
    }

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** The earliest time; only where there is one. */
    long firstTime() {
        return times[0];
    }

    /** The number that is due first; only where there is one. */
    long firstNumber() {
        return numbers[0];
    }

    /** Whether the first entry is due. */
    boolean isDue(long now) {
        return size > 0 && times[0] - now <= 0;
    }

    void add(long time, long number) {
        if (size == times.length) {
            int capacity = (int) Math.min(Integer.MAX_VALUE - 16L, size * 3L / 2);
            times = Arrays.copyOf(times, capacity);
            numbers = Arrays.copyOf(numbers, capacity);
        }
        siftUp(size++, time, number);
    }

    void removeFirst() {
        size--;
        if (size > 0) {
            siftDown(0, times[size], numbers[size]);
        }
    }

    /** Drops the entries that do not hold. */
    void retain(Filter filter) {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (filter.holds(times[i], numbers[i])) {
                times[kept] = times[i];
                numbers[kept] = numbers[i];
                kept++;
            }
        }
        size = kept;
        for (int i = size / 2 - 1; i >= 0; i--) {
            siftDown(i, times[i], numbers[i]);
        }
    }

    private void siftUp(int from, long time, long number) {
        int i = from;
        while (i > 0) {
            int parent = (i - 1) / 2;
            if (times[parent] - time <= 0) {
                break;
            }
            times[i] = times[parent];
            numbers[i] = numbers[parent];
            i = parent;
        }
        times[i] = time;
        numbers[i] = number;
    }

    private void siftDown(int from, long time, long number) {
        int i = from;
        while (2 * i + 1 < size) {
            int child = 2 * i + 1;
            if (child + 1 < size && times[child + 1] - times[child] < 0) {
                child++;
            }
            if (time - times[child] <= 0) {
                break;
            }
            times[i] = times[child];
            numbers[i] = numbers[child];
            i = child;
        }
        times[i] = time;
        numbers[i] = number;
    }
}
