package dev.posthaste.kafka;

import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Decides how many bytes of one topic the client has at a time. A record that the client has may still be written after
 * we stopped waiting for its answer, and is then written twice; a record that waits here has certainly not been sent. So the
 * client gets no more than it can send within a fraction of a second: the limit doubles with every quick round, and halves
 * after a slow one.
 *
 * <p>While answers are slow, records go in trains, each after the one before it was answered. A record sent behind an
 * unanswered one would first wait for that one's answer and then for its own.
 *
 * <p>Pure: no clock, no thread. Confined to the publisher's thread.
 */
final class InFlightWindow {
    /** An answer within this time means that the client could have had more. */
    static final long QUICK_NANOS = Duration.ofMillis(500).toNanos();

    /** An answer after this time means that the client has too much. */
    static final long SLOW_NANOS = Duration.ofSeconds(1).toNanos();

    /** All records of a train are sent within this time; the client's linger gathers them into one request. */
    static final long TRAIN_NANOS = Duration.ofMillis(5).toNanos();

    /** One batch of the client: the limit for a topic that nothing was sent to yet. */
    static final long FIRST_BYTES = 131_072;

    /** A smaller window makes a slow broker no quicker; only a train without an answer shrinks it further. */
    static final long SLOW_BYTES = 65_536;

    static final long MIN_BYTES = 1_024;

    /** A quarter of the client's buffer. */
    static final long MAX_BYTES = 16_777_216;

    private final long patienceNanos;
    private final ArrayDeque<Entry> entries = new ArrayDeque<>();
    private long limit = FIRST_BYTES;
    private long bytes;
    private boolean slow;
    private long cutAt;
    private boolean wasCut;
    private long fullAt;
    private boolean wasFull;

    /** @param patience how long the client waits for an answer */
    InFlightWindow(Duration patience) {
        this.patienceNanos = patience.toNanos();
    }

    /** A record that the client has. */
    static class Entry {
        private final long size;
        private final long at;
        private final boolean alone;
        private boolean left;

        Entry(long size, long at, boolean alone) {
            this.size = size;
            this.at = at;
            this.alone = alone;
        }

        long size() {
            return size;
        }

        long at() {
            return at;
        }

        boolean alone() {
            return alone;
        }
    }

    /** Whether a record may be sent now. If the client has none, always: that is how the window learns. */
    boolean admits(long size, boolean alone, long now) {
        Entry oldest = oldest();
        if (oldest == null) {
            return true;
        }
        if (bytes + size > limit) {
            wasFull = true;
            fullAt = now;
            return false;
        }
        return !alone && !oldest.alone && now - oldest.at <= (slow ? TRAIN_NANOS : QUICK_NANOS);
    }

    void add(Entry entry) {
        entries.add(entry);
        bytes += entry.size;
    }

    /** Whether the client has nothing. */
    boolean isEmpty() {
        return bytes == 0 && oldest() == null;
    }

    /** The record that the client has had the longest. */
    @Nullable
    Entry oldest() {
        while (!entries.isEmpty() && entries.peek().left) {
            entries.remove();
        }
        return entries.peek();
    }

    void acknowledged(Entry entry, long now) {
        long took = now - entry.at;
        long inUse = bytes;
        if (!leave(entry)) {
            return;
        }
        if (took <= QUICK_NANOS) {
            slow = slow && isOfBefore(entry);
            grow(entry, MAX_BYTES);
        } else if (took > SLOW_NANOS) {
            cut(entry, Math.min(limit, Math.max(SLOW_BYTES, Math.min(limit, inUse) / 2)), now);
            if (took < patienceNanos / 4 * 3) {
                grow(entry, SLOW_BYTES);
            }
        }
    }

    /** No answer came: the record may be in the log. */
    void unanswered(Entry entry, long now) {
        if (leave(entry)) {
            cut(entry, MIN_BYTES, now);
        }
    }

    /** The record is not in the log. */
    void refused(Entry entry) {
        leave(entry);
    }

    private boolean leave(Entry entry) {
        if (entry.left) {
            return false;
        }
        entry.left = true;
        bytes -= entry.size;
        return true;
    }

    /** Only a window that was full proves anything about a larger one. */
    private void grow(Entry entry, long most) {
        if (wasFull && entry.at - fullAt <= 0 && limit < most) {
            limit = Math.min(most, limit + entry.size);
        }
    }

    /** Once for each train: records sent before the last cut prove nothing about the smaller window. */
    private void cut(Entry entry, long smaller, long now) {
        slow = true;
        if (!isOfBefore(entry)) {
            limit = smaller;
            cutAt = now;
            wasCut = true;
        }
    }

    private boolean isOfBefore(Entry entry) {
        return wasCut && entry.at - cutAt < 0;
    }

    long limit() {
        return limit;
    }

    boolean slow() {
        return slow;
    }
}
