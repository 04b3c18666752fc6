package dev.posthaste.relay;

import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.relay.WaitingKeys.State;
import java.util.HashMap;
import java.util.Map;

/**
 * A walk over the table's pending events, from the lowest id that some key left there to the highest one that was read, for
 * the keys whose next event is not known. It goes in steps: what a step meets is first asked about, then loaded, then
 * admitted. Confined to the pump's thread.
 */
final class Walk {
    private final KeyGate gate;
    private final WaitingKeys waiting;
    private final Map<Long, Integer> expected = new HashMap<>();
    private final Map<Long, PendingMark> stopped = new HashMap<>();
    private long at = Long.MIN_VALUE;

    Walk(KeyGate gate, WaitingKeys waiting) {
        this.gate = gate;
        this.waiting = waiting;
    }

    /** Whether there are keys that can only be served by a walk. */
    boolean isWanted() {
        return waiting.size(State.WALK) > 0;
    }

    /** Begins; returns the id to walk from, exclusive. All keys that want a walk take part. */
    long begin() {
        long from = waiting.lowest(State.WALK);
        waiting.each(State.WALK, key -> waiting.setState(waiting.find(key), State.WALKING, 0));
        at = from - 1;
        return from - 1;
    }

    /** Whether a key still takes part. */
    boolean hasKeys() {
        return waiting.size(State.WALKING) > 0;
    }

    /** Whether the walk is past this id. */
    boolean hasPassed(long id) {
        return id <= at;
    }

    /** A step begins; {@link #endStep} ends it. */
    void beginStep() {
        expected.clear();
        stopped.clear();
    }

    /** A pending event is met; returns whether to load it; then {@link #admit} or {@link #missed} follows. */
    boolean wants(PendingMark mark) {
        at = mark.id();
        long key = KeyHash.of(mark);
        int slot = waiting.find(key);
        if (slot < 0
                || waiting.state(slot) != State.WALKING
                || waiting.first(slot) > mark.id()
                || stopped.containsKey(key)) {
            return false;
        }
        int inLane = gate.laneSize(key) + expected.getOrDefault(key, 0);
        if (gate.isSettling(mark.id()) || mark.waitNanos() > 0 || inLane >= KeyGate.LANE) {
            stopped.put(key, mark);
            return false;
        }
        expected.merge(key, 1, Integer::sum);
        return true;
    }

    /** An event that was wanted, loaded. To be called in id order. */
    void admit(PendingEvent event) {
        long key = KeyHash.of(event);
        int slot = waiting.find(key);
        PendingMark stop = stopped.get(key);
        if (slot < 0
                || waiting.state(slot) != State.WALKING
                || waiting.first(slot) > event.id()
                || (stop != null && stop.id() < event.id())) {
            return; // an earlier event of its key stayed in the table, so this one stays too
        }
        if (event.waitNanos() > 0) {
            stopped.put(key, new PendingMark(event.id(), event.key(), event.waitNanos()));
        } else {
            waiting.moveTo(slot, event.id() + 1);
            gate.add(event, 0);
        }
    }

    /** An event that was wanted, but did not fit. */
    void missed(PendingMark mark, long now) {
        int slot = waiting.find(KeyHash.of(mark));
        if (slot >= 0 && waiting.state(slot) == State.WALKING && mark.id() >= waiting.first(slot)) {
            waiting.moveTo(slot, mark.id());
            waiting.waitUntil(slot, now);
        }
    }

    /** What the step loaded is in its lanes: the keys that have to wait at an event leave the walk. */
    void endStep(long now) {
        stopped.forEach((key, mark) -> {
            int slot = waiting.find(key);
            if (slot >= 0 && waiting.state(slot) == State.WALKING && waiting.first(slot) <= mark.id()) {
                waiting.moveTo(slot, mark.id());
                if (gate.isSettling(mark.id())) {
                    waiting.waitUntil(slot, now + KeyGate.SOON_NANOS); // its outcome is not written yet
                } else if (mark.waitNanos() > 0) {
                    waiting.waitUntil(slot, now + mark.waitNanos());
                } else {
                    gate.waitForRoom(slot, now);
                }
            }
        });
    }

    /** It could not go on: it begins again later. */
    void breakOff() {
        waiting.each(State.WALKING, key -> waiting.setState(waiting.find(key), State.WALK, 0));
    }

    /** It passed the highest id: the keys that took part to the end have nothing left in the table. */
    void end() {
        waiting.each(State.WALKING, key -> waiting.remove(waiting.find(key)));
    }
}
