package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The events of one key that are in memory, in the order of their ids, at most one of them with the broker; an event without
 * a key has a lane of its own. Belongs to {@link Lanes}.
 *
 * <p>The rule that keeps order: an event goes before those with higher ids, but never before one that was dispatched,
 * which cannot be recalled.
 */
final class Lane {
    /** The most events that a lane holds; fewer where the window is small and several destinations share it. */
    static final int MAX_EVENTS = 128;

    final long key;
    final boolean keyed;
    private final int max;
    private final ArrayDeque<QueuedEvent> queue = new ArrayDeque<>(4);
    private boolean inFlight;
    /** Whether it is in its destination's queue with its present head. */
    boolean ready;
    /** When the head may be sent again; 0 when it may be now. */
    long resendAt;

    Lane(long key, boolean keyed, int max) {
        this.key = key;
        this.keyed = keyed;
        this.max = max;
    }

    /** An event in a lane. */
    static final class QueuedEvent {
        final PendingEvent event;
        final Destination destination;
        final Lane lane;
        /** When it was written, on the pump's clock; never after it was read, though the writer's clock may be ahead. */
        final long writtenAt;

        int resends;
        long dispatchedAt;
        private boolean dispatched;

        QueuedEvent(PendingEvent event, Destination destination, Lane lane, int resends, long readAt) {
            this.event = event;
            this.destination = destination;
            this.lane = lane;
            this.resends = resends;
            this.writtenAt = readAt - Math.max(0, event.ageNanos());
        }

        long id() {
            return event.id();
        }

        /** What it takes in memory. */
        long bytes() {
            String headers = event.event().headers();
            return event.event().payload().length + (headers == null ? 0 : headers.length()) + 200L;
        }
    }

    int size() {
        return queue.size();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    boolean isFull() {
        return queue.size() >= max;
    }

    /** Whether it is worth loading more for it: it is at least half empty. */
    boolean hasRoom() {
        return queue.size() <= max / 2;
    }

    @Nullable
    QueuedEvent head() {
        return queue.peekFirst();
    }

    /** Whether its head is free to go to the broker. */
    boolean mayGo() {
        return !queue.isEmpty() && !inFlight && resendAt == 0;
    }

    // --- In order ----------------------------------------------------------------------------------------------------

    /**
     * Puts an event where it belongs.
     *
     * @return whether it is the head now
     */
    boolean insert(QueuedEvent added) {
        if (isBefore(added)) {
            queue.addLast(added);
        } else {
            ArrayDeque<QueuedEvent> later = new ArrayDeque<>();
            while (!isBefore(added)) {
                later.addFirst(queue.removeLast());
            }
            queue.addLast(added);
            queue.addAll(later);
        }
        return queue.peekFirst() == added;
    }

    /** Whether everything that is in the lane goes before this event. */
    private boolean isBefore(QueuedEvent added) {
        QueuedEvent last = queue.peekLast();
        return last == null || last.dispatched || last.id() <= added.id();
    }

    /** Removes the last event if its id is {@code from} or above and it was not dispatched; otherwise returns null. */
    @Nullable
    QueuedEvent removeLast(long from) {
        QueuedEvent last = queue.peekLast();
        return last == null || last.dispatched || last.id() < from ? null : queue.removeLast();
    }

    // --- To the broker and back --------------------------------------------------------------------------------------

    /** Its head goes to the broker. */
    void dispatch() {
        inFlight = true;
        Objects.requireNonNull(queue.peekFirst()).dispatched = true;
    }

    /** Whether this event is with the broker. */
    boolean awaits(QueuedEvent answered) {
        return inFlight && queue.peekFirst() == answered;
    }

    /** Its head came back from the broker and stays. */
    void takeBack() {
        inFlight = false;
    }

    /** Its head came back from the broker and leaves. */
    void removeHead() {
        queue.removeFirst();
        inFlight = false;
    }

    /** From now on, none of its events counts as dispatched; returns the lowest id, which need not be the head's. */
    long recall() {
        long lowest = Long.MAX_VALUE;
        for (QueuedEvent each : queue) {
            each.dispatched = false;
            lowest = Math.min(lowest, each.id());
        }
        return lowest;
    }
}
