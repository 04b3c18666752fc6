package dev.posthaste.relay;

import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.StoredEvent;
import dev.posthaste.relay.Lane.Held;
import dev.posthaste.relay.WaitingKeys.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets at most one event of a key be with the broker, in the order of their ids, and keeps the events in memory until
 * they go. Confined to the pump's thread.
 *
 * <p>A key with events in memory has a lane, which holds a bounded number of the key's first unsent events. When there are
 * more, or when the first one has to wait, the rest is left in the table, and {@link WaitingKeys} knows the lowest id that
 * was left. Nothing here grows with a key's backlog. What was left comes back in two ways: an event whose id is known is
 * loaded by its id when its time has come, and the others by a walk over the table's pending events, which takes along
 * every key that waits for it.
 *
 * <p>The rule that keeps order: an event enters a lane only if every visible pending event of its key with a lower id is in
 * the lane or was handed over.
 *
 * <p>Keys are compared by a hash of 64 bits of their characters. Two keys with the same hash count as one key, and wait for
 * each other.
 */
final class KeyGate {
    /** How many events a lane holds at most. */
    static final int LANE = 128;

    static final long SOON_NANOS = 50_000_000L;

    private final Function<StoredEvent, Destination> destinations;
    private final int mostKeys;
    private final Map<Long, Lane> lanes = new HashMap<>();
    private final WaitingKeys waiting = new WaitingKeys();
    private final Walk walk = new Walk(this, waiting);
    private final PriorityQueue<Resend> resends = new PriorityQueue<>();
    private final Set<Long> held = new HashSet<>();
    private final Set<Long> settling = new HashSet<>();
    private final Map<Long, Long> woken = new HashMap<>();
    private final Map<Long, Long> unwrittenDeaths = new HashMap<>();
    private long bytes;
    private int ready;

    private record Resend(long at, Lane lane) implements Comparable<Resend> {
        @Override
        public int compareTo(Resend other) {
            return Long.signum(at - other.at);
        }
    }

    /**
     * @param destinations where an event goes
     * @param mostKeys how many keys may wait before no fresh events are read
     */
    KeyGate(Function<StoredEvent, Destination> destinations, int mostKeys) {
        this.destinations = destinations;
        this.mostKeys = mostKeys;
    }

    // --- What there is ---------------------------------------------------------------------------------------------

    int size() {
        return held.size();
    }

    long bytes() {
        return bytes;
    }

    /** The keys of which something is left in the table. */
    int waitingKeys() {
        return waiting.size();
    }

    /** Whether so many keys wait that no more can be remembered. */
    boolean crowded() {
        return waiting.size() >= mostKeys;
    }

    /** The keys that wait for an operator. */
    int blockedKeys() {
        return waiting.size(State.OPERATOR);
    }

    /** The walk for keys whose next event is not known. */
    Walk walk() {
        return walk;
    }

    int laneSize(long key) {
        Lane lane = lanes.get(key);
        return lane == null ? 0 : lane.queue.size();
    }

    /** Whether the event's outcome is decided, and not written yet. */
    boolean isSettling(long id) {
        return settling.contains(id);
    }

    /** Whether the event is in memory, or its outcome is not written yet. */
    private boolean knows(long id) {
        return held.contains(id) || settling.contains(id);
    }

    // --- Events coming in ------------------------------------------------------------------------------------------

    /** An event above all that were read before. */
    void offerFresh(Pending event, long now) {
        if (event instanceof PendingEvent loaded) {
            if (mayEnter(loaded, now)) {
                add(loaded, 0);
            }
        } else if (mayEnter(event, now)) {
            leave(KeyHash.of(event), event.id(), now); // it became due since it was read
        }
    }

    /**
     * A pending event that was met behind the highest id: one that became visible late, or is due again.
     *
     * @return whether to load it; then {@link #admit} or {@link #missed} follows
     */
    boolean wantsStray(PendingMark mark, long now) {
        return !knows(mark.id()) && mayEnter(mark, now);
    }

    /** An event that was wanted, loaded. */
    void admit(PendingEvent event, long now) {
        if (!knows(event.id()) && mayEnter(event, now)) {
            add(event, 0);
        }
    }

    /** An event that was wanted, but did not come when it was loaded: it is gone, or there was no room. */
    void missed(@Nullable String key, long id, long now) {
        if (key != null) { // without a key, it is met again if it is still pending
            leave(KeyHash.of(key, id), id, now);
        }
    }

    /** Whether the event may go into memory; if not, it is noted as left in the table. */
    private boolean mayEnter(Pending event, long now) {
        long key = KeyHash.of(event);
        int slot = waiting.find(key);
        if (slot >= 0 && event.id() >= waiting.first(slot)) {
            stays(slot, event, now);
            return false;
        }
        Lane lane = lanes.get(key);
        if (event.waitNanos() > 0) {
            leave(key, event.id(), now + event.waitNanos());
            return false;
        }
        if (lane != null && lane.queue.size() >= LANE) {
            leaveForRoom(key, event.id(), now);
            return false;
        }
        return true;
    }

    /** It is left with an earlier event of its key, or is that event. */
    private void stays(int slot, Pending event, long now) {
        long due = now + Math.max(0, event.waitNanos());
        State state = waiting.state(slot);
        if (state == State.WALKING && walk.hasPassed(event.id())) {
            waiting.moveTo(slot, event.id()); // it became visible behind the walk
            waiting.waitUntil(slot, due);
        } else if (event.id() > waiting.first(slot)) {
            waiting.note(slot, event.id());
        } else if (state == State.TIME && due - waiting.at(slot) < 0) {
            waiting.waitUntil(slot, due); // somebody made it due earlier
        }
    }

    /** Takes an event into memory, of which no earlier one of its key is left in the table. */
    void add(PendingEvent event, int resendsBefore) {
        if (held.contains(event.id())) {
            return; // it is with the broker, and an earlier event of its key came back
        }
        Lane lane = lanes.computeIfAbsent(KeyHash.of(event), key -> new Lane(key, event.key() != null));
        Held added = new Held(event, destinations.apply(event.event()), lane, resendsBefore);
        held.add(event.id());
        bytes += added.bytes();
        insertInOrder(lane, added);
        readyIfPossible(lane);
    }

    /** A late one goes before those with higher ids, but never before one that was handed over already. */
    private void insertInOrder(Lane lane, Held added) {
        ArrayDeque<Held> later = new ArrayDeque<>();
        Held last = lane.queue.peekLast();
        while (last != null && !last.handedOver && last.event.id() > added.event.id()) {
            later.addFirst(last);
            lane.queue.removeLast();
            last = lane.queue.peekLast();
        }
        if (lane.queue.isEmpty()) {
            unready(lane); // its head, and perhaps its destination, is another now
        }
        lane.queue.addLast(added);
        lane.queue.addAll(later);
    }

    private void readyIfPossible(Lane lane) {
        Held head = lane.queue.peekFirst();
        if (head != null && !lane.inFlight && !lane.ready && lane.resendAt == 0) {
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

    // --- Rows left in the table ------------------------------------------------------------------------------------

    /** Leaves the key's events from {@code id} on in the table, the first one until {@code due}. */
    private void leave(long key, long id, long due) {
        int slot = leave(key, id);
        if (slot >= 0) {
            waiting.waitUntil(slot, due);
        }
    }

    private void leaveForRoom(long key, long id, long now) {
        int slot = leave(key, id);
        if (slot >= 0) {
            waitForRoom(slot, now);
        }
    }

    void waitForRoom(int slot, long now) {
        Lane lane = lanes.get(waiting.key(slot));
        if (lane != null && lane.queue.size() > LANE / 2) {
            waiting.setState(slot, State.ROOM, 0);
        } else {
            waiting.waitUntil(slot, now);
        }
    }

    /**
     * The same without saying what for. Events of the key that are in memory are let go.
     *
     * @return the key's slot, or negative if the key waits for an earlier event or an operator anyway
     */
    private int leave(long key, long id) {
        long later = WaitingKeys.NONE;
        boolean many = false;
        Lane lane = lanes.get(key);
        Held last = lane == null ? null : lane.queue.peekLast();
        while (lane != null && last != null && last.event.id() >= id && !last.handedOver) {
            lane.queue.removeLast();
            drop(last);
            if (last.event.id() > id) {
                many |= later != WaitingKeys.NONE;
                later = last.event.id();
            }
            last = lane.queue.peekLast();
        }
        if (lane != null && lane.queue.isEmpty()) {
            unready(lane);
            lanes.remove(key, lane);
        }
        int slot = waiting.find(key);
        if (slot >= 0 && waiting.first(slot) < id) {
            waiting.note(slot, id);
            if (later != WaitingKeys.NONE) {
                waiting.note(slot, later);
            }
            return -1;
        }
        if (slot >= 0 && waiting.first(slot) > id) {
            boolean walks = waiting.state(slot) == State.WALK || waiting.state(slot) == State.WALKING;
            many |= walks || later != WaitingKeys.NONE || waiting.rest(slot) != WaitingKeys.NONE;
            later = Math.min(later, waiting.first(slot));
        } else if (slot >= 0) {
            many |= waiting.rest(slot) != WaitingKeys.NONE;
        }
        boolean blocked = slot >= 0 && waiting.state(slot) == State.OPERATOR;
        waiting.put(key, id, many ? WaitingKeys.UNKNOWN : later);
        return blocked ? -1 : waiting.find(key);
    }

    /** Leaves the whole lane, also what was handed over before; its first event need not have the lowest id. */
    private int leaveAll(Lane lane) {
        long lowest = WaitingKeys.NONE;
        for (Held each : lane.queue) {
            each.handedOver = false;
            lowest = Math.min(lowest, each.event.id());
        }
        return leave(lane.key, lowest);
    }

    private void drop(Held dropped) {
        held.remove(dropped.event.id());
        bytes -= dropped.bytes();
    }

    /** When a lane has room again, what its key left may come back. */
    private void offerRoom(Lane lane, long now) {
        if (lane.queue.size() <= LANE / 2) {
            int slot = waiting.find(lane.key);
            if (slot >= 0 && waiting.state(slot) == State.ROOM) {
                waiting.waitUntil(slot, now);
            }
        }
    }

    private void forgetIfEmpty(Lane lane) {
        if (lane.queue.isEmpty() && !lane.inFlight) {
            lanes.remove(lane.key, lane);
        }
    }

    // --- Waking ----------------------------------------------------------------------------------------------------

    /** When the next wait for a time may end, or {@link Long#MAX_VALUE}. */
    long nextWake() {
        return waiting.nextWake();
    }

    /** Ends the waits that are over; returns the ids of events to be loaded, at most {@code limit}, in no order. */
    List<Long> wake(long now, int limit) {
        List<Long> ids = new ArrayList<>();
        while (ids.size() < limit && waiting.hasDue(now)) {
            long key = waiting.takeDue();
            int slot = waiting.find(key);
            long id = waiting.first(slot);
            Lane lane = lanes.get(key);
            if (settling.contains(id)) {
                waiting.waitUntil(slot, now + SOON_NANOS); // its outcome is not written yet
            } else if (lane != null && lane.queue.size() > LANE / 2) {
                waiting.setState(slot, State.ROOM, 0);
            } else {
                ids.add(id);
                woken.put(id, key);
            }
        }
        return ids;
    }

    /** These could not be loaded now. */
    void wakeLater(List<Long> ids, long now) {
        for (Long id : ids) {
            int slot = wokenSlot(id);
            if (slot >= 0) {
                waiting.waitUntil(slot, now + SOON_NANOS);
            }
        }
    }

    /** The first event of a key whose wait is over, loaded. */
    void admitWoken(PendingEvent event, long now) {
        int slot = wokenSlot(event.id());
        if (slot < 0) {
            return;
        }
        if (slot != waiting.find(KeyHash.of(event))) { // another program gave the id to another event
            advance(slot, now);
        } else if (event.waitNanos() > 0) {
            waiting.waitUntil(slot, now + event.waitNanos());
        } else {
            add(event, waiting.resends(slot));
            advance(slot, now);
        }
    }

    /** The first event of a key whose wait is over is gone. */
    void wokenInVain(long id, long now) {
        int slot = wokenSlot(id);
        if (slot >= 0) {
            advance(slot, now);
        }
    }

    /** The slot of the key whose first event was woken; negative if that is not its first event any more. */
    private int wokenSlot(long id) {
        Long key = woken.remove(id);
        int slot = key == null ? -1 : waiting.find(key);
        return slot >= 0 && waiting.first(slot) == id ? slot : -1;
    }

    private void advance(int slot, long now) {
        if (waiting.advance(slot) && waiting.state(slot) != State.WALK) {
            waiting.waitUntil(slot, now);
        }
    }

    // --- Events going out ------------------------------------------------------------------------------------------

    /** Whether some lane's head may be handed over, as far as its destination takes it. */
    boolean hasNext() {
        return ready > 0;
    }

    /** The event that is to be handed over next to {@code destination}, or null. */
    @Nullable
    Held peek(Destination destination) {
        for (Lane lane = destination.ready.peekFirst(); lane != null; lane = destination.ready.peekFirst()) {
            Held head = lane.queue.peekFirst();
            if (lane.ready && head != null && head.destination == destination) {
                return head;
            }
            destination.ready.pollFirst(); // it changed since
        }
        return null;
    }

    /** Takes what {@link #peek} showed; its key is closed until one of the methods below is called. */
    void take(Held head) {
        Lane lane = head.lane;
        head.destination.ready.pollFirst();
        lane.ready = false;
        ready--;
        lane.inFlight = true;
        head.handedOver = true;
    }

    /** Whether the broker's answer about it is awaited; a second answer is of no interest. */
    boolean awaits(Held answered) {
        return answered.lane.inFlight && answered.lane.queue.peekFirst() == answered;
    }

    /** Its outcome is decided, and the key continues. */
    void done(Held done, long now) {
        continueWith(takeHead(done), now);
    }

    /** The same event is to be handed over again at {@code at}; if that is not soon, it leaves memory until then. */
    void again(Held again, long at, long now) {
        Lane lane = again.lane;
        lane.inFlight = false;
        again.resends++;
        if (at - now > Destination.LONG_NANOS) {
            int slot = leaveAll(lane);
            if (slot >= 0) {
                waiting.waitUntil(slot, at);
                waiting.setResends(slot, again.resends);
            }
            continueWith(lane, now);
        } else if (at - now > 0) {
            lane.resendAt = at == 0 ? 1 : at;
            resends.add(new Resend(lane.resendAt, lane));
        } else {
            readyIfPossible(lane);
        }
    }

    /** When the next wait for sending again ends, or {@link Long#MAX_VALUE}. */
    long nextResend() {
        Resend next = resends.peek();
        return next == null ? Long.MAX_VALUE : next.at();
    }

    /** Ends the waits for sending again that are over. Needs no room: their events are in memory. */
    void resume(long now) {
        for (Resend next = resends.peek(); next != null && next.at() - now <= 0; next = resends.peek()) {
            resends.poll();
            Lane lane = next.lane();
            if (lane.resendAt == next.at()) {
                lane.resendAt = 0;
                readyIfPossible(lane);
            }
        }
    }

    /**
     * It was rejected and waits in the table until {@code at}; its key with it, but for an earlier event that was put back
     * by a receipt while this one was with the broker.
     */
    void putOff(Held rejected, long at, long now) {
        Lane lane = takeHead(rejected);
        leave(lane.key, rejected.event.id(), at);
        continueWith(lane, now);
    }

    /** It is dead, and its key waits for an operator. */
    void block(Held dead, long now) {
        Lane lane = takeHead(dead);
        if (lane.keyed) {
            unwrittenDeaths.put(dead.event.id(), lane.key);
            block(lane.key, dead.event.id());
        }
        continueWith(lane, now);
    }

    private void continueWith(Lane lane, long now) {
        readyIfPossible(lane);
        offerRoom(lane, now);
        forgetIfEmpty(lane);
    }

    private Lane takeHead(Held head) {
        Lane lane = head.lane;
        lane.queue.pollFirst();
        lane.inFlight = false;
        drop(head);
        settling.add(head.event.id());
        return lane;
    }

    /** The outcomes of these were written. */
    void settled(Iterable<Long> ids) {
        for (Long id : ids) {
            settling.remove(id);
            unwrittenDeaths.remove(id);
        }
    }

    // --- Destinations that are slow --------------------------------------------------------------------------------

    /** Leaves the lanes of {@code destination} in the table, all but {@code most} of them, until it is faster. */
    void park(Destination destination, int most, long now) {
        while (destination.ready.size() > most) {
            Lane lane = destination.ready.pollLast();
            Held head = lane.queue.peekFirst();
            if (!lane.ready || head == null || head.destination != destination) {
                continue;
            }
            unready(lane);
            int slot = leaveAll(lane);
            if (slot >= 0) {
                waiting.setState(slot, State.DESTINATION, destination.index());
                waiting.setResends(slot, head.resends);
            }
            continueWith(lane, now);
        }
    }

    /** Brings back at most {@code most} of the keys that were left for {@code destination}. */
    void unpark(Destination destination, int most, long now) {
        int[] left = {most};
        waiting.each(State.DESTINATION, key -> {
            int slot = waiting.find(key);
            if (left[0] > 0 && waiting.at(slot) == destination.index()) {
                left[0]--;
                waiting.waitUntil(slot, now);
            }
        });
    }

    /** Whether keys were left for a slow destination. */
    boolean hasParked() {
        return waiting.size(State.DESTINATION) > 0;
    }

    // --- Keys that wait for an operator ----------------------------------------------------------------------------

    /** A round over all dead events begins: keys that are blocked now, and whose dead event it does not meet, continue. */
    void beginDeadRound() {
        Set<Long> dying = Set.copyOf(unwrittenDeaths.values());
        waiting.each(State.OPERATOR, key -> waiting.setUnseen(waiting.find(key), !dying.contains(key)));
    }

    /** A dead event: its key waits for an operator. */
    void block(String key, long id) {
        block(KeyHash.of(key, id), id);
    }

    private void block(long key, long id) {
        int slot = waiting.find(key);
        if (slot >= 0 && waiting.state(slot) == State.OPERATOR) {
            waiting.setUnseen(slot, false);
            if (id < waiting.first(slot)) {
                leave(key, id);
            } else if (id > waiting.first(slot)) {
                waiting.note(slot, id); // dead too, and before others that wait
            }
        } else {
            waiting.setState(leave(key, slot < 0 ? id : Math.min(waiting.first(slot), id)), State.OPERATOR, 0);
        }
    }

    void endDeadRound(long now) {
        waiting.each(State.OPERATOR, key -> {
            int slot = waiting.find(key);
            if (waiting.unseen(slot)) {
                waiting.waitUntil(slot, now);
            }
        });
    }
}
