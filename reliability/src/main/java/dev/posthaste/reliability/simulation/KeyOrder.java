package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * In which order the events of each key came: to the broker for the first time; and from each destination to their
 * handlers' commits.
 */
final class KeyOrder {
    private final Oracle truth;
    private final boolean blocking;
    private final Map<String, List<Fate>> arrivals = new HashMap<>();
    private final Map<String, List<Fate>> effects = new HashMap<>();

    /** @param blocking whether a key waits for its dead event */
    KeyOrder(Oracle truth, boolean blocking) {
        this.truth = truth;
        this.blocking = blocking;
    }

    void arrived(Fate fate) {
        if (fate.key != null) {
            arrivals.computeIfAbsent(fate.key, key -> new ArrayList<>()).add(fate);
        }
    }

    void handled(Fate fate, String consumer) {
        if (fate.key != null) {
            effects.computeIfAbsent(consumer + " " + fate.destination + " " + fate.key, key -> new ArrayList<>())
                    .add(fate);
        }
    }

    void require() {
        arrivals.forEach((key, fates) -> requireInOrder("order", key, fates));
        effects.forEach((key, fates) -> requireInOrder("effects in order", key, fates));
    }

    /**
     * Events that were dead for a while, or given up by their consumer, let the others of their key go before; where a
     * dead event blocks its key, only those do that their consumer gave up. Nobody can call a copy back that was on its way
     * when an operator discarded its event.
     */
    private void requireInOrder(String checker, String key, List<Fate> fates) {
        long last = Long.MIN_VALUE;
        for (Fate fate : fates) {
            if (!fate.late && !fate.givenUp && !fate.discarded && (blocking || !fate.deadOnce)) {
                if (fate.row <= last) {
                    List<Long> rows = fates.stream().map(each -> each.row).toList();
                    truth.require(false, checker, "row %d of %s came after row %d: %s", fate.row, key, last, rows);
                }
                last = fate.row;
            }
        }
    }
}
