package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.relay.Lane.QueuedEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The events in memory, in a {@link Lane} for each key, and which of them may go to the broker next. The {@link
 * KeyGate} decides what enters. Confined to the pump's thread.
 */
final class Lanes {
    private final Function<StoredRow, Destination> destinations;
    private final Map<Long, Lane> lanes = new HashMap<>();
    private final int maxPerLane;
    private final TimerQueue resends = new TimerQueue();
    private final Set<Long> held = new HashSet<>();
    private final Set<Long> settling = new HashSet<>();
    private long bytes;
    private int ready;

    /**
     * @param destinations where an event goes
     * @param maxPerLane how many events a lane holds at most
     */
    Lanes(Function<StoredRow, Destination> destinations, int maxPerLane) {
        this.destinations = destinations;
        this.maxPerLane = maxPerLane;
    }

    // --- Contents ----------------------------------------------------------------------------------------------------

    /** How many events there are. */
    int size() {
        return held.size();
    }

    long bytes() {
        return bytes;
    }

    /** How many events the key has here. */
    int size(long key) {
        Lane lane = lanes.get(key);
        return lane == null ? 0 : lane.size();
    }

    /** How many events a lane holds at most. */
    int maxPerLane() {
        return maxPerLane;
    }

    boolean isFull(long key) {
        Lane lane = lanes.get(key);
        return lane != null && lane.isFull();
    }

    /** Whether it is worth loading more events of the key. */
    boolean hasRoom(long key) {
        Lane lane = lanes.get(key);
        return lane == null || lane.hasRoom();
    }

    /** Whether the event's outcome is decided, and not written yet. */
    boolean isSettling(long id) {
        return settling.contains(id);
    }

    /** Whether the event is in memory, or its outcome is not written yet. */
    boolean knows(long id) {
        return held.contains(id) || settling.contains(id);
    }

    // --- Events coming in --------------------------------------------------------------------------------------------

    /** Takes in an event with no earlier event of its key left in the table. */
    void add(PendingEvent event, int resendsBefore, long now) {
        if (knows(event.id())) {
            return; // it is with the broker, or was, and is read once more for another reason
        }
        Lane lane = lanes.computeIfAbsent(KeyHash.of(event), key -> new Lane(key, event.key() != null, maxPerLane));
        QueuedEvent added = new QueuedEvent(event, destinations.apply(event.event()), lane, resendsBefore, now);
        held.add(event.id());
        bytes += added.bytes();
        if (lane.insert(added)) {
            unready(lane); // its destination may be another now
        }
        readyIfPossible(lane);
    }

    private void readyIfPossible(Lane lane) {
        QueuedEvent head = lane.head();
        if (head != null && lane.mayGo() && !lane.ready) {
            lane.ready = true;
            ready++;
            head.destination.ready.addLast(lane);
        }
    }

    private void unready(Lane lane) {
        if (lane.ready) {
            lane.ready = false; // its destination passes over it
            ready--;
        }
    }

    /** Removes the key's last event if its id is {@code from} or above and it was not dispatched; otherwise returns null. */
    @Nullable
    QueuedEvent removeLast(long key, long from) {
        Lane lane = lanes.get(key);
        QueuedEvent removed = lane == null ? null : lane.removeLast(from);
        if (removed != null) {
            drop(removed);
            if (removed.lane.isEmpty()) {
                unready(removed.lane);
                lanes.remove(key);
            }
        }
        return removed;
    }

    private void drop(QueuedEvent dropped) {
        held.remove(dropped.id());
        bytes -= dropped.bytes();
    }

    // --- Events going out --------------------------------------------------------------------------------------------

    /** Whether some lane's head may be dispatched, as far as its destination accepts it. */
    boolean hasNext() {
        return ready > 0;
    }

    /** The event that is to be dispatched next to {@code destination}, or null. */
    @Nullable
    QueuedEvent peek(Destination destination) {
        for (Lane lane = destination.ready.peekFirst(); lane != null; lane = destination.ready.peekFirst()) {
            QueuedEvent head = lane.head();
            if (lane.ready && head != null && head.destination == destination) {
                return head;
            }
            destination.ready.pollFirst(); // it changed since
        }
        return null;
    }

    /** Takes what {@link #peek} showed; its key is closed until the gate gets the broker's answer about it. */
    void take(QueuedEvent head) {
        head.destination.ready.pollFirst();
        unready(head.lane);
        head.lane.dispatch();
    }

    /** Takes the last lane off {@code destination}'s queue and returns its head; null if the lane has changed since. */
    @Nullable
    QueuedEvent takeLastReady(Destination destination) {
        Lane lane = destination.ready.pollLast();
        QueuedEvent head = lane == null ? null : lane.head();
        if (head == null || !head.lane.ready || head.destination != destination) {
            return null;
        }
        unready(head.lane);
        return head;
    }

    /** Whether the broker's answer about it is awaited; a second answer is of no interest. */
    boolean awaits(QueuedEvent answered) {
        return answered.lane.awaits(answered);
    }

    // --- Events coming back ------------------------------------------------------------------------------------------

    /** The broker's answer about it decides its outcome, which is not written yet. Its key waits for {@link #goOn}. */
    void decided(QueuedEvent head) {
        head.lane.removeHead();
        drop(head);
        settling.add(head.id());
    }

    /** The outcome of the event was written. */
    void settled(long id) {
        settling.remove(id);
    }

    /** The lane's next event may go, if there is one. */
    void goOn(Lane lane) {
        readyIfPossible(lane);
        if (lane.isEmpty()) {
            lanes.remove(lane.key, lane);
        }
    }

    /** The lane's head is to be dispatched again at {@code at}. */
    void resendAt(Lane lane, long at) {
        lane.resendAt = at == 0 ? 1 : at;
        resends.add(lane.resendAt, lane.key);
    }

    /** When the next wait for sending again ends, or {@link Long#MAX_VALUE}. */
    long nextResendAt() {
        return resends.isEmpty() ? Long.MAX_VALUE : resends.firstTime();
    }

    /** Ends the waits for sending again that are over. Needs no room: their events are in memory. */
    void resume(long now) {
        while (resends.isDue(now)) {
            long due = resends.firstTime();
            Lane lane = lanes.get(resends.firstNumber());
            resends.removeFirst();
            if (lane != null && lane.resendAt == due) {
                lane.resendAt = 0;
                readyIfPossible(lane);
            }
        }
    }
}
