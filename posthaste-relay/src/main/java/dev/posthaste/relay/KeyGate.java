package dev.posthaste.relay;

import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Lets at most one event of a key be with the broker, in the order of their ids, and keeps the events in memory until
 * they go. Confined to the pump's thread.
 *
 * <p>A key has a lane. A lane holds a bounded number of its key's first unsent events; when there are more, or when the
 * first one has to wait, the rest stays in the table and the lane only remembers the lowest id it left there. Nothing
 * here grows with a key's backlog. Rows that were left come back in two ways: the first one of a lane that waited is
 * loaded by its id when it is due, and the others by catching up, a walk over the table's pending events that takes
 * along every lane with room.
 *
 * <p>The rule that keeps order: a lane takes an event only if it holds or has handed over every visible pending event of
 * its key with a lower id.
 */
final class KeyGate {
    /** How many events a lane holds at most. */
    static final int LANE = 128;

    /** How many keys may be remembered before no fresh events are read; a key costs about 200 bytes. */
    private static final int MOST_LANES = 250_000;

    private static final long NONE = Long.MAX_VALUE;
    private static final long SOON_NANOS = 50_000_000L;

    private final Map<Object, Lane> lanes = new HashMap<>();
    private final ArrayDeque<Lane> ready = new ArrayDeque<>();
    private final PriorityQueue<Wake> wakes = new PriorityQueue<>();
    private final PriorityQueue<Wake> resends = new PriorityQueue<>();
    private final Set<Lane> wanting = new LinkedHashSet<>();
    private final Set<Long> held = new HashSet<>();
    private final Set<Long> settling = new HashSet<>();
    private final Map<Long, Lane> woken = new HashMap<>();
    private long bytes;
    private int blocked;
    private long run;

    /** An event in a lane. */
    static final class Held {
        final PendingEvent event;
        private final Lane lane;
        int resends;
        long handedOverAt;
        private boolean handedOver;

        private Held(PendingEvent event, Lane lane) {
            this.event = event;
            this.lane = lane;
        }
    }

    /** What is known of a key. For an event without a key, a lane of its own. */
    private static final class Lane {
        final Object key;
        final ArrayDeque<Held> queue = new ArrayDeque<>(4);
        boolean inFlight;
        boolean ready;
        boolean blocked;
        /** Everything of this key from this id on is left in the table. */
        long leftFrom = NONE;
        /** When the lane's wait ends; 0 when it does not wait. */
        long wakeAt;
        /** The catching up that this lane takes part in. */
        long run = -1;

        Lane(Object key) {
            this.key = key;
        }

        boolean keyed() {
            return key instanceof String;
        }

        boolean idle() {
            return queue.isEmpty() && leftFrom == NONE && !blocked;
        }
    }

    private record Wake(long at, Lane lane) implements Comparable<Wake> {
        @Override
        public int compareTo(Wake other) {
            return Long.compare(at, other.at);
        }
    }

    // --- What there is ---------------------------------------------------------------------------------------------

    int size() {
        return held.size();
    }

    long bytes() {
        return bytes;
    }

    int lanes() {
        return lanes.size();
    }

    /** Whether so many keys wait that no more can be remembered. */
    boolean crowded() {
        return lanes.size() >= MOST_LANES;
    }

    int blockedKeys() {
        return blocked;
    }

    /** Whether the event is in memory, or what became of it is not yet written down. */
    private boolean knows(long id) {
        return held.contains(id) || settling.contains(id);
    }

    // --- Events coming in ------------------------------------------------------------------------------------------

    /** An event above all that were read before. */
    void offerFresh(PendingEvent event, long now) {
        if (crowded() && event.event().key() == null && event.waitNanos() > 0) {
            return; // it is met again when it is due
        }
        Lane lane = laneOf(event.event().key(), event.id());
        if (lane.blocked || lane.leftFrom != NONE) {
            lane.leftFrom = Math.min(lane.leftFrom, event.id());
        } else if (event.waitNanos() > 0) {
            leave(lane, event.id());
            if (lane.queue.isEmpty()) {
                wait(lane, now + event.waitNanos());
            }
        } else if (lane.queue.size() >= LANE) {
            leave(lane, event.id());
        } else {
            add(lane, event);
        }
    }

    /**
     * A pending event that was met behind the highest id: one that became visible late, or is due again.
     *
     * @return whether to load it; then {@link #admit} or {@link #missed} follows
     */
    boolean wantsStray(PendingMark mark, long now) {
        if (knows(mark.id()) || (crowded() && mark.key() == null && mark.waitNanos() > 0)) {
            return false;
        }
        Lane lane = laneOf(mark.key(), mark.id());
        if (lane.blocked) {
            lane.leftFrom = Math.min(lane.leftFrom, mark.id());
            return false;
        }
        if (mark.id() >= lane.leftFrom) {
            if (mark.id() == lane.leftFrom && lane.wakeAt != 0 && lane.queue.isEmpty()) {
                long at = now + Math.max(0, mark.waitNanos());
                if (at - lane.wakeAt < 0) {
                    wait(lane, at); // somebody made it due earlier
                }
            }
            return false;
        }
        if (mark.waitNanos() > 0) {
            leave(lane, mark.id());
            if (lane.queue.isEmpty()) {
                wait(lane, now + mark.waitNanos());
            }
            return false;
        }
        if (lane.queue.size() >= LANE) {
            leave(lane, mark.id());
            return false;
        }
        return true;
    }

    /** An event that was wanted, loaded. */
    void admit(PendingEvent event, long now) {
        Lane lane = laneOf(event.event().key(), event.id());
        if (held.contains(event.id()) || event.id() >= lane.leftFrom) {
            return; // with an earlier one of its key that stayed in the table
        }
        if (event.waitNanos() > 0 || lane.queue.size() >= LANE) {
            missed(event.event().key(), event.id());
            if (lane.queue.isEmpty() && event.waitNanos() > 0) {
                wait(lane, now + event.waitNanos());
            }
            return;
        }
        add(lane, event);
    }

    /** An event that was wanted, but was gone or did not fit when it was loaded. */
    void missed(@Nullable String key, long id) {
        Lane lane = laneOf(key, id);
        if (!lane.keyed()) {
            forgetIfIdle(lane); // if it is still pending, it is met again
            return;
        }
        if (id < lane.leftFrom) {
            leave(lane, id);
        }
        lane.run = -1;
        wantIfRoom(lane);
    }

    private Lane laneOf(@Nullable String key, long id) {
        return lanes.computeIfAbsent(key == null ? (Object) id : key, Lane::new);
    }

    private void add(Lane lane, PendingEvent event) {
        if (lane.queue.isEmpty()) {
            lane.wakeAt = 0; // it waited for a later one
        }
        Held added = new Held(event, lane);
        held.add(event.id());
        bytes += event.event().payload().length;
        Held last = lane.queue.peekLast();
        if (last == null || last.event.id() < event.id()) {
            lane.queue.addLast(added);
        } else {
            insertInOrder(lane, added);
        }
        readyIfPossible(lane);
    }

    /** A late one goes before those with higher ids, but never before one that was handed over already. */
    private static void insertInOrder(Lane lane, Held added) {
        ArrayDeque<Held> later = new ArrayDeque<>();
        Held last = lane.queue.peekLast();
        while (last != null && !last.handedOver && last.event.id() > added.event.id()) {
            later.addFirst(last);
            lane.queue.removeLast();
            last = lane.queue.peekLast();
        }
        lane.queue.addLast(added);
        lane.queue.addAll(later);
    }

    private void readyIfPossible(Lane lane) {
        if (!lane.queue.isEmpty() && !lane.inFlight && !lane.ready && !lane.blocked && lane.wakeAt == 0) {
            lane.ready = true;
            ready.addLast(lane);
        }
    }

    // --- Rows left in the table ------------------------------------------------------------------------------------

    /** Leaves the key's events from {@code id} on in the table, and lets go of those that are in memory. */
    private void leave(Lane lane, long id) {
        lane.leftFrom = id;
        lane.run = -1;
        Held last = lane.queue.peekLast();
        while (last != null && last.event.id() >= id && !last.handedOver) {
            lane.queue.removeLast();
            drop(last);
            last = lane.queue.peekLast();
        }
        wantIfRoom(lane);
    }

    private void drop(Held dropped) {
        held.remove(dropped.event.id());
        bytes -= dropped.event.event().payload().length;
    }

    private void wantIfRoom(Lane lane) {
        boolean wants = lane.leftFrom != NONE
                && !lane.blocked
                && lane.queue.size() <= LANE / 2
                && (lane.wakeAt == 0 || !lane.queue.isEmpty());
        if (wants) {
            wanting.add(lane);
        } else {
            wanting.remove(lane);
        }
    }

    /** Whether there are lanes with room for events that were left. */
    boolean wantsToCatchUp() {
        return !wanting.isEmpty();
    }

    /** Starts to catch up; returns the id to walk from, exclusive. All lanes that want to, take part. */
    long beginCatchUp() {
        run++;
        long from = NONE;
        for (Lane lane : wanting) {
            lane.run = run;
            from = Math.min(from, lane.leftFrom);
        }
        return from - 1;
    }

    /** Whether a lane is still taking part. */
    boolean catchingUp() {
        for (Lane lane : wanting) {
            if (lane.run == run) {
                return true;
            }
        }
        return false;
    }

    /**
     * A pending event met while catching up; as {@link #wantsStray}. What the lane left stays left until it is admitted:
     * a walk that ends halfway must not pass anything.
     */
    boolean wantsLeft(PendingMark mark) {
        Lane lane = lanes.get(mark.key() == null ? (Object) mark.id() : mark.key());
        if (lane == null || lane.run != run || lane.leftFrom > mark.id()) {
            return false;
        }
        if (settling.contains(mark.id()) || lane.queue.size() >= LANE) {
            lane.run = -1; // what is not written down yet may come back
            wantIfRoom(lane);
            return false;
        }
        return true;
    }

    /** An event that {@link #wantsLeft} wanted, loaded. Must be called in id order. */
    void admitLeft(PendingEvent event, long now) {
        Lane lane = laneOf(event.event().key(), event.id());
        if (lane.run != run) {
            return; // the lane left an earlier one of its events behind, so this one stays too
        }
        if (lane.queue.size() >= LANE || event.waitNanos() > 0) {
            lane.leftFrom = event.id();
            lane.run = -1;
            if (lane.queue.isEmpty() && event.waitNanos() > 0) {
                wait(lane, now + event.waitNanos());
            }
            wantIfRoom(lane);
            return;
        }
        lane.leftFrom = event.id() + 1;
        add(lane, event);
    }

    /** An event that {@link #wantsLeft} wanted, but that was gone or did not fit. */
    void missedLeft(@Nullable String key, long id) {
        Lane lane = laneOf(key, id);
        if (lane.run == run) {
            lane.leftFrom = id;
            lane.run = -1;
        }
    }

    /** The walk passed the highest id: whoever took part to the end has nothing left in the table. */
    void endCatchUp() {
        for (Lane lane : new ArrayList<>(wanting)) {
            if (lane.run == run) {
                lane.leftFrom = NONE;
                lane.run = -1;
                wanting.remove(lane);
                forgetIfIdle(lane);
            }
        }
    }

    private void forgetIfIdle(Lane lane) {
        if (lane.idle() && !lane.inFlight) {
            lanes.remove(lane.key, lane);
        }
    }

    // --- Waiting ---------------------------------------------------------------------------------------------------

    private void wait(Lane lane, long at) {
        lane.wakeAt = at == 0 ? 1 : at;
        wakes.add(new Wake(lane.wakeAt, lane));
        wantIfRoom(lane);
    }

    /** When the next lane's wait ends, or {@link Long#MAX_VALUE}. */
    long nextWake() {
        Wake next = wakes.peek();
        return next == null ? Long.MAX_VALUE : next.at();
    }

    /** Ends the waits that are over; returns the ids of events to be loaded, at most {@code limit}. */
    List<Long> wake(long now, int limit) {
        List<Long> ids = new ArrayList<>();
        for (Wake next = wakes.peek();
                next != null && next.at() - now <= 0 && ids.size() < limit;
                next = wakes.peek()) {
            wakes.poll();
            Lane lane = next.lane();
            if (lane.wakeAt != next.at() || lanes.get(lane.key) != lane) {
                continue; // it was woken or forgotten before
            }
            lane.wakeAt = 0;
            if (lane.leftFrom != NONE && !lane.blocked) {
                if (settling.contains(lane.leftFrom)) {
                    wait(lane, now + SOON_NANOS); // not written down yet
                } else {
                    ids.add(lane.leftFrom);
                    woken.put(lane.leftFrom, lane);
                }
            } else {
                forgetIfIdle(lane);
            }
        }
        return ids;
    }

    /** The events of lanes whose wait is over could not be loaded. */
    void wakeLater(List<Long> ids, long now) {
        for (Long id : ids) {
            Lane lane = woken.remove(id);
            if (lane != null && lane.leftFrom == id && lane.wakeAt == 0) {
                wait(lane, now + SOON_NANOS);
            }
        }
    }

    /** The first event of a lane whose wait is over, loaded. */
    void admitWoken(PendingEvent event, long now) {
        Lane lane = woken.remove(event.id());
        if (lane == null || lane.leftFrom != event.id() || lane.blocked) {
            return;
        }
        if (event.waitNanos() > 0) {
            wait(lane, now + event.waitNanos());
            return;
        }
        lane.leftFrom = lane.keyed() ? event.id() + 1 : NONE;
        lane.run = -1;
        add(lane, event);
        wantIfRoom(lane);
    }

    /** The first event of a waiting lane was gone, or did not fit, when it was to be loaded. */
    void wokenInVain(long id) {
        Lane lane = woken.remove(id);
        if (lane == null || lane.leftFrom != id) {
            return;
        }
        if (!lane.keyed()) {
            lane.leftFrom = NONE; // if it is still pending, it is met again
            forgetIfIdle(lane);
        }
        wantIfRoom(lane);
    }

    // --- Events going out ------------------------------------------------------------------------------------------

    boolean hasNext() {
        return !ready.isEmpty();
    }

    /** The next event that may go to the broker; its key is closed until one of the four methods below is called. */
    @Nullable
    Held next() {
        for (Lane lane = ready.pollFirst(); lane != null; lane = ready.pollFirst()) {
            lane.ready = false;
            Held head = lane.queue.peekFirst();
            if (head != null && !lane.inFlight && !lane.blocked && lane.wakeAt == 0) {
                lane.inFlight = true;
                head.handedOver = true;
                return head;
            }
        }
        return null;
    }

    /** Whether the broker's answer about it is awaited; a second answer is of no interest. */
    boolean awaits(Held answered) {
        return answered.lane.inFlight && answered.lane.queue.peekFirst() == answered;
    }

    /** Its fate is decided, and the key goes on. */
    void done(Held done) {
        Lane lane = takeHead(done);
        readyIfPossible(lane);
        wantIfRoom(lane);
        forgetIfIdle(lane);
    }

    /** The same event is to be handed over again, at {@code at}. */
    void again(Held again, long at, long now) {
        Lane lane = again.lane;
        lane.inFlight = false;
        again.resends++;
        if (at - now > 0) {
            lane.wakeAt = at == 0 ? 1 : at;
            resends.add(new Wake(lane.wakeAt, lane));
        } else {
            readyIfPossible(lane);
        }
    }

    /** When the next wait for sending again ends, or {@link Long#MAX_VALUE}. */
    long nextResend() {
        Wake next = resends.peek();
        return next == null ? Long.MAX_VALUE : next.at();
    }

    /** Ends the waits for sending again that are over. Needs no room: their events are in memory. */
    void resume(long now) {
        for (Wake next = resends.peek(); next != null && next.at() - now <= 0; next = resends.peek()) {
            resends.poll();
            Lane lane = next.lane();
            if (lane.wakeAt == next.at() && lanes.get(lane.key) == lane) {
                lane.wakeAt = 0;
                readyIfPossible(lane);
            }
        }
    }

    /**
     * It was rejected and waits in the table until {@code at}; its key with it, but for an earlier event that was put back
     * by a receipt while this one was with the broker.
     */
    void putOff(Held rejected, long at) {
        Lane lane = takeHead(rejected);
        leave(lane, rejected.event.id());
        if (lane.queue.isEmpty()) {
            wait(lane, at);
        } else {
            readyIfPossible(lane);
        }
    }

    /** It is dead, and its key waits for an operator. */
    void block(Held dead) {
        Lane lane = takeHead(dead);
        leave(lane, dead.event.id());
        if (lane.keyed()) {
            setBlocked(lane, true);
        } else {
            lane.leftFrom = NONE;
            wanting.remove(lane);
            forgetIfIdle(lane);
        }
    }

    private Lane takeHead(Held head) {
        Lane lane = head.lane;
        lane.queue.pollFirst();
        lane.inFlight = false;
        drop(head);
        settling.add(head.event.id());
        return lane;
    }

    /** What became of these was written down. */
    void settled(Iterable<Long> ids) {
        ids.forEach(settling::remove);
    }

    // --- Keys that wait for an operator ----------------------------------------------------------------------------

    private void setBlocked(Lane lane, boolean value) {
        if (lane.blocked != value) {
            lane.blocked = value;
            blocked += value ? 1 : -1;
        }
        wantIfRoom(lane);
    }

    /** Blocks exactly the keys that have a dead event; to be called only when everything is settled. */
    void setDeadKeys(Map<String, Long> deadKeys) {
        deadKeys.forEach((key, id) -> {
            Lane lane = laneOf(key, id);
            if (!lane.blocked) {
                leave(lane, Math.min(lane.leftFrom, id));
                setBlocked(lane, true);
            }
        });
        if (blocked > deadKeys.size()) {
            for (Lane lane : new ArrayList<>(lanes.values())) {
                if (lane.blocked && lane.key instanceof String key && !deadKeys.containsKey(key)) {
                    setBlocked(lane, false);
                    readyIfPossible(lane);
                }
            }
        }
    }
}
