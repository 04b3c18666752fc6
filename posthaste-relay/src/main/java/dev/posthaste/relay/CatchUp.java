package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.relay.WaitingKeys.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Brings back what keys left in the table where the id of their next event is not known: goes over the pending events from the
 * lowest id that such a key left to the highest one that was read, and takes along every key that waits for it and whose lane has
 * room. It goes in steps, each of them {@link #begin}, {@link #step}, the loading of what it asks for, {@link
 * #endStep}. Confined to the pump's thread.
 */
final class CatchUp {
    /** How many pending events a step looks at. */
    static final int REFS = 1000;

    private static final long REST_NANOS = 50_000_000L;
    private static final long MAX_REST_NANOS = 2_000_000_000L;

    private final Lanes lanes;
    private final WaitingKeys waiting;
    private final Overflow overflow;
    private boolean running;
    private long at = Long.MIN_VALUE;
    private boolean atEnd;
    private long work;
    private boolean broughtSome;
    private long nextAt;
    /** Of the current step: how many events each key gets, and the event at which a key has to stop. */
    private final Map<Long, Integer> expected = new HashMap<>();

    private final Map<Long, PendingRef> stopped = new HashMap<>();

    CatchUp(Lanes lanes, WaitingKeys waiting, Overflow overflow, long now) {
        this.lanes = lanes;
        this.waiting = waiting;
        this.overflow = overflow;
        this.nextAt = now;
    }

    /** When the next step is due, or {@link Long#MAX_VALUE}. */
    long nextAt() {
        return running || waiting.size(State.CATCH_UP) > 0 ? nextAt : Long.MAX_VALUE;
    }

    /** Begins a step; returns the id to look from, exclusive. All keys that wait when the first step begins take part. */
    long begin() {
        if (!running) {
            running = true;
            broughtSome = false;
            work = 0;
            at = waiting.lowest(State.CATCH_UP) - 1;
            waiting.each(State.CATCH_UP, key -> waiting.setState(waiting.find(key), State.CATCHING_UP, 0));
        }
        expected.clear();
        stopped.clear();
        return at;
    }

    /** Whether the scan is past this id. */
    boolean hasPassed(long id) {
        return id <= at;
    }

    /**
     * @param pending the first pending events after what {@link #begin} returned, at most {@link #REFS}
     * @param room how many may be loaded
     * @return which of them to load
     */
    List<Admission> step(List<PendingRef> pending, int room) {
        List<Admission> wanted = new ArrayList<>();
        int looked = 0;
        for (PendingRef event : pending) {
            if (wanted.size() == room) {
                break;
            }
            at = event.id();
            looked++;
            if (wants(event)) {
                wanted.add(new Next(event));
            }
        }
        atEnd = looked == pending.size() && looked < REFS;
        return wanted;
    }

    private boolean wants(PendingRef event) {
        long key = KeyHash.of(event);
        int slot = waiting.find(key);
        if (!awaits(key, slot, event.id())) {
            return false;
        }
        int inLane = lanes.size(key) + expected.getOrDefault(key, 0);
        if (lanes.isSettling(event.id()) || event.waitNanos() > 0 || inLane >= lanes.maxPerLane()) {
            stopped.put(key, event);
            return false;
        }
        expected.merge(key, 1, Integer::sum);
        return true;
    }

    /** Whether the key takes part, and this event is neither behind it nor after the event at which the key has to stop. */
    private boolean awaits(long key, int slot, long id) {
        PendingRef stop = stopped.get(key);
        return slot >= 0
                && waiting.state(slot) == State.CATCHING_UP
                && waiting.first(slot) <= id
                && (stop == null || id <= stop.id());
    }

    /** The next event of a key that takes part. */
    private final class Next implements Admission {
        private final PendingRef wanted;

        Next(PendingRef wanted) {
            this.wanted = wanted;
        }

        @Override
        public long id() {
            return wanted.id();
        }

        @Override
        public void admit(PendingEvent event, long now) {
            long key = KeyHash.of(event);
            int slot = waiting.find(key);
            if (!awaits(key, slot, event.id())) {
                return; // an earlier event of its key stayed in the table, so this one stays too
            }
            if (event.waitNanos() > 0) {
                stopped.put(key, new PendingRef(event.id(), event.key(), event.waitNanos()));
            } else {
                waiting.moveTo(slot, event.id() + 1);
                lanes.add(event, 0, now);
            }
        }

        @Override
        public void gone(long now) {
            // the key's bound is lower, and stays valid
        }

        @Override
        public void missed(long now) {
            long key = KeyHash.of(wanted);
            int slot = waiting.find(key);
            if (awaits(key, slot, id())) {
                waiting.moveTo(slot, id());
                waiting.waitUntil(slot, now);
            }
        }
    }

    /**
     * What the step wanted is in its lanes, or was missed: keys that have to stop at an event then wait for it by its
     * id.
     *
     * @param came how many events were loaded
     * @param took how long the step took
     */
    void endStep(int came, long took, long now) {
        stopped.forEach((key, event) -> {
            int slot = waiting.find(key);
            if (awaits(key, slot, event.id())) {
                waiting.moveTo(slot, event.id());
                if (lanes.isSettling(event.id())) {
                    waiting.waitUntil(slot, now + KeyGate.SOON_NANOS);
                } else if (event.waitNanos() > 0) {
                    waiting.waitUntil(slot, now + event.waitNanos());
                } else {
                    overflow.waitForRoom(slot, now);
                }
            }
        });
        broughtSome |= came > 0;
        work += took;
        if (atEnd) { // the keys that took part to the end have nothing left in the table
            waiting.each(State.CATCHING_UP, key -> waiting.remove(waiting.find(key)));
            running = false;
        } else if (waiting.size(State.CATCHING_UP) == 0) {
            running = false;
        }
        nextAt = running || broughtSome ? now : now + Math.max(REST_NANOS, Math.min(work, MAX_REST_NANOS));
    }
}
