package dev.posthaste.relay;

import dev.posthaste.relay.Lane.QueuedEvent;
import dev.posthaste.relay.WaitingKeys.State;

/**
 * Leaves events in the table: takes them out of their lane, and remembers in {@link WaitingKeys} the lowest one of the key
 * that is not in memory. Confined to the pump's thread.
 */
final class Overflow {
    private final Lanes lanes;
    private final WaitingKeys waiting;

    Overflow(Lanes lanes, WaitingKeys waiting) {
        this.lanes = lanes;
        this.waiting = waiting;
    }

    /** Leaves the key's events from {@code id} on in the table, the first one until {@code due}. */
    void leaveUntil(long key, long id, long due) {
        int slot = leave(key, id);
        if (slot >= 0) {
            waiting.waitUntil(slot, due);
        }
    }

    /** Leaves the key's events from {@code id} on in the table until its lane has room. */
    void leaveForRoom(long key, long id, long now) {
        int slot = leave(key, id);
        if (slot >= 0) {
            waitForRoom(slot, now);
        }
    }

    /** The key waits until its lane has room, which may be now. */
    void waitForRoom(int slot, long now) {
        if (lanes.hasRoom(waiting.key(slot))) {
            waiting.waitUntil(slot, now);
        } else {
            waiting.setState(slot, State.ROOM, 0);
        }
    }

    /**
     * Leaves the whole lane in the table, what was dispatched before included.
     *
     * @return like {@link #leave}
     */
    int leaveAll(Lane lane) {
        return leave(lane.key, lane.recall());
    }

    /**
     * Leaves the key's events from {@code id} on in the table, without saying what they wait for.
     *
     * @return the key's slot, or negative if the key waits for an earlier event or an operator anyway
     */
    int leave(long key, long id) {
        long later = WaitingKeys.NONE;
        boolean many = false;
        for (QueuedEvent each = lanes.removeLast(key, id); each != null; each = lanes.removeLast(key, id)) {
            if (each.id() > id) {
                many |= later != WaitingKeys.NONE;
                later = each.id();
            }
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
            many |= waiting.isFirstUnknown(slot) || later != WaitingKeys.NONE || waiting.rest(slot) != WaitingKeys.NONE;
            later = Math.min(later, waiting.first(slot));
        } else if (slot >= 0) {
            many |= waiting.rest(slot) != WaitingKeys.NONE;
        }
        boolean blocked = slot >= 0 && waiting.state(slot) == State.OPERATOR;
        waiting.put(key, id, many ? WaitingKeys.UNKNOWN : later);
        return blocked ? -1 : waiting.find(key);
    }
}
