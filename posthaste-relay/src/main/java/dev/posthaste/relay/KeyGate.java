package dev.posthaste.relay;

import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.relay.Lane.QueuedEvent;
import dev.posthaste.relay.WaitingKeys.State;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which events enter the {@link Lanes} and which stay in the table, so that at most one event of a key is with the
 * broker, in the order of their ids. Confined to the pump's thread.
 *
 * <p>A key with events in memory has a lane, which holds a bounded number of the key's first unsent events. When there are
 * more, or when the first one has to wait, the rest is left in the table, and {@link WaitingKeys} knows the lowest id that
 * was left. Nothing here grows with a key's backlog. What was left comes back in two ways: an event whose id is known is
 * loaded by its id when it is due, and the others by {@link CatchUp}. Whatever is loaded enters by an {@link Admission}.
 *
 * <p>The rule that keeps order: an event enters a lane only if every visible pending event of its key with a lower id is in
 * the lane or was dispatched.
 *
 * <p>Keys are compared by a hash of 64 bits of their characters. Two keys with the same hash count as one key, and wait for
 * each other.
 */
final class KeyGate {
    /** An event whose outcome is being written is looked at again after this. */
    static final long SOON_NANOS = 50_000_000L;

    private final Lanes lanes;
    private final int maxKeys;
    private final WaitingKeys waiting = new WaitingKeys();
    private final Overflow overflow;
    private final CatchUp catchUp;
    private final BlockedKeys blockedKeys;

    /** @param maxKeys how many keys may wait before no fresh events are read */
    KeyGate(Lanes lanes, int maxKeys, long now) {
        this.lanes = lanes;
        this.maxKeys = maxKeys;
        this.overflow = new Overflow(lanes, waiting);
        this.catchUp = new CatchUp(lanes, waiting, overflow, now);
        this.blockedKeys = new BlockedKeys(overflow, waiting);
    }

    // --- Contents ----------------------------------------------------------------------------------------------------

    Lanes lanes() {
        return lanes;
    }

    /** For the keys whose next event is not known. */
    CatchUp catchUp() {
        return catchUp;
    }

    /** The keys with events left in the table. */
    int waitingKeys() {
        return waiting.size();
    }

    /** Whether as many keys wait as can be remembered. */
    boolean crowded() {
        return waiting.size() >= maxKeys;
    }

    /** The keys that wait for an operator. */
    BlockedKeys blockedKeys() {
        return blockedKeys;
    }

    // --- Events coming in --------------------------------------------------------------------------------------------

    /** An event above all that were read before, loaded if it was due. */
    void offer(Pending event, long now) {
        if (event instanceof PendingEvent loaded) {
            if (mayEnter(loaded, now)) {
                lanes.add(loaded, 0, now);
            }
        } else if (mayEnter(event, now)) {
            overflow.leaveUntil(KeyHash.of(event), event.id(), now); // it became due since it was read
        }
    }

    /**
     * A pending event that was met below the highest id: it became visible late, or is due again.
     *
     * @return null if it need not be loaded
     */
    @Nullable
    Admission want(PendingRef event, long now) {
        return !lanes.knows(event.id()) && mayEnter(event, now) ? new Late(event) : null;
    }

    /** An event with no earlier event of its key left in the table. */
    private final class Late implements Admission {
        private final PendingRef wanted;

        Late(PendingRef wanted) {
            this.wanted = wanted;
        }

        @Override
        public long id() {
            return wanted.id();
        }

        @Override
        public void admit(PendingEvent event, long now) {
            if (!lanes.knows(event.id()) && mayEnter(event, now)) {
                lanes.add(event, 0, now);
            }
        }

        @Override
        public void gone(long now) {
            // nothing waits for it
        }

        @Override
        public void missed(long now) {
            if (wanted.key() != null) { // without a key, it is met again if it is still pending
                overflow.leaveUntil(KeyHash.of(wanted), id(), now);
            }
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
        if (event.waitNanos() > 0) {
            overflow.leaveUntil(key, event.id(), now + event.waitNanos());
            return false;
        }
        if (lanes.isFull(key)) {
            overflow.leaveForRoom(key, event.id(), now);
            return false;
        }
        return true;
    }

    /** It stays in the table with an earlier event of its key, or is that event. */
    private void stays(int slot, Pending event, long now) {
        long due = now + Math.max(0, event.waitNanos());
        State state = waiting.state(slot);
        if (state == State.CATCHING_UP && catchUp.hasPassed(event.id())) {
            waiting.moveTo(slot, event.id()); // it became visible behind it
            waiting.waitUntil(slot, due);
        } else if (event.id() > waiting.first(slot)) {
            waiting.note(slot, event.id());
        } else if (state == State.TIME && due - waiting.at(slot) < 0) {
            waiting.waitUntil(slot, due); // it was made due earlier
        }
    }

    // --- Events that are due -----------------------------------------------------------------------------------------

    /** When the next wait for a time ends, or {@link Long#MAX_VALUE}. */
    long nextDueAt() {
        return waiting.nextDueAt();
    }

    /** Ends the waits that are over; returns at most {@code limit} events that are to be loaded, one of a key. */
    List<Admission> due(long now, int limit) {
        List<Admission> due = new ArrayList<>();
        while (due.size() < limit && waiting.hasDue(now)) {
            long key = waiting.takeDue();
            int slot = waiting.find(key);
            long id = waiting.first(slot);
            if (lanes.isSettling(id)) {
                waiting.waitUntil(slot, now + SOON_NANOS);
            } else if (!lanes.hasRoom(key)) {
                waiting.setState(slot, State.ROOM, 0);
            } else {
                due.add(new Due(key, id));
            }
        }
        return due;
    }

    /** The first event that a key had left, whose wait is over. */
    private final class Due implements Admission {
        private final long key;
        private final long id;

        Due(long key, long id) {
            this.key = key;
            this.id = id;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public void admit(PendingEvent event, long now) {
            int slot = slot();
            if (slot < 0) {
                return;
            }
            if (KeyHash.of(event) != key) { // another program gave the id to another event
                advance(slot, now);
            } else if (event.waitNanos() > 0) {
                waiting.waitUntil(slot, now + event.waitNanos());
            } else {
                lanes.add(event, waiting.resends(slot), now);
                advance(slot, now);
            }
        }

        @Override
        public void gone(long now) {
            int slot = slot();
            if (slot >= 0) {
                advance(slot, now);
            }
        }

        @Override
        public void missed(long now) {
            int slot = slot();
            if (slot >= 0) {
                waiting.waitUntil(slot, now + SOON_NANOS);
            }
        }

        /** The key's slot; negative if this is not its first event any more. */
        private int slot() {
            int slot = waiting.find(key);
            return slot >= 0 && waiting.first(slot) == id ? slot : -1;
        }
    }

    private void advance(int slot, long now) {
        if (waiting.advance(slot) && waiting.state(slot) != State.CATCH_UP) {
            waiting.waitUntil(slot, now);
        }
    }

    // --- The broker's answers ----------------------------------------------------------------------------------------

    /** Its outcome is decided, and the key continues. */
    void done(QueuedEvent done, long now) {
        lanes.decided(done);
        goOn(done.lane, now);
    }

    /** The same event is to be dispatched again at {@code at}; if that is not soon, it leaves memory until then. */
    void resend(QueuedEvent head, long at, long now) {
        Lane lane = head.lane;
        lane.takeBack();
        head.resends++;
        if (at - now > Destination.LONG_NANOS) {
            int slot = overflow.leaveAll(lane);
            if (slot >= 0) {
                waiting.waitUntil(slot, at);
                waiting.setResends(slot, head.resends);
            }
            goOn(lane, now);
        } else if (at - now > 0) {
            lanes.resendAt(lane, at);
        } else {
            lanes.goOn(lane);
        }
    }

    /**
     * It was rejected and waits in the table until {@code at}; its key with it, but for an earlier event that a receipt
     * put back while this one was with the broker.
     */
    void defer(QueuedEvent rejected, long at, long now) {
        lanes.decided(rejected);
        overflow.leaveUntil(rejected.lane.key, rejected.id(), at);
        goOn(rejected.lane, now);
    }

    /** It is dead, and its key waits for an operator. */
    void block(QueuedEvent dead, long now) {
        lanes.decided(dead);
        if (dead.lane.keyed) {
            blockedKeys.died(dead.lane.key, dead.id());
        }
        goOn(dead.lane, now);
    }

    /** The lane's next event may go; when there is room again, what its key left may come back. */
    private void goOn(Lane lane, long now) {
        lanes.goOn(lane);
        if (lane.hasRoom()) {
            int slot = waiting.find(lane.key);
            if (slot >= 0 && waiting.state(slot) == State.ROOM) {
                waiting.waitUntil(slot, now);
            }
        }
    }

    /** The outcome of the event was written. */
    void settled(long id) {
        lanes.settled(id);
        blockedKeys.settled(id);
    }

    // --- Destinations that are slow ----------------------------------------------------------------------------------

    /** Leaves the lanes of {@code destination} in the table, all but {@code max} of them, until it is faster. */
    void park(Destination destination, int max, long now) {
        while (destination.ready.size() > max) {
            QueuedEvent head = lanes.takeLastReady(destination);
            if (head == null) {
                continue;
            }
            int slot = overflow.leaveAll(head.lane);
            if (slot >= 0) {
                waiting.setState(slot, State.DESTINATION, destination.index());
                waiting.setResends(slot, head.resends);
            }
            goOn(head.lane, now);
        }
    }

    /** Brings back at most {@code max} of the keys that were left for {@code destination}. */
    void unpark(Destination destination, int max, long now) {
        int[] left = {max};
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
}
