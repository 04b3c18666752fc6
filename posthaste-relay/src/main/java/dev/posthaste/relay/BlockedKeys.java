package dev.posthaste.relay;

import dev.posthaste.relay.WaitingKeys.State;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The keys that wait for an operator because one of their events is dead. Rounds over all dead events of the table show
 * which they are: a key whose dead event a round does not meet continues. Confined to the pump's thread.
 */
final class BlockedKeys {
    private final Overflow overflow;
    private final WaitingKeys waiting;
    /** Keys by a dead event that is not yet dead in the table. */
    private final Map<Long, Long> unwritten = new HashMap<>();

    BlockedKeys(Overflow overflow, WaitingKeys waiting) {
        this.overflow = overflow;
        this.waiting = waiting;
    }

    int size() {
        return waiting.size(State.OPERATOR);
    }

    void beginRound() {
        Set<Long> stillUnwritten = Set.copyOf(unwritten.values());
        waiting.each(State.OPERATOR, key -> waiting.setUnseen(waiting.find(key), !stillUnwritten.contains(key)));
    }

    /** A dead event of the table. */
    void met(String key, long id) {
        block(KeyHash.of(key, id), id);
    }

    /** An event whose death is yet to be written. */
    void died(long key, long id) {
        unwritten.put(id, key);
        block(key, id);
    }

    /** The outcome of the event was written. */
    void settled(long id) {
        unwritten.remove(id);
    }

    private void block(long key, long id) {
        int slot = waiting.find(key);
        if (slot >= 0 && waiting.state(slot) == State.OPERATOR) {
            waiting.setUnseen(slot, false);
            if (id < waiting.first(slot)) {
                overflow.leave(key, id);
            } else if (id > waiting.first(slot)) {
                waiting.note(slot, id); // dead too, and before others that wait
            }
        } else {
            long first = slot < 0 ? id : Math.min(waiting.first(slot), id);
            waiting.setState(overflow.leave(key, first), State.OPERATOR, 0);
        }
    }

    void endRound(long now) {
        waiting.each(State.OPERATOR, key -> {
            int slot = waiting.find(key);
            if (waiting.unseen(slot)) {
                waiting.waitUntil(slot, now);
            }
        });
    }
}
