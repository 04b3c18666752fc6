package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Checks the order of each key's events: of their first arrivals at the broker, and, for each destination, of their
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
     * Events that were dead for a while, or that their consumer gave up on, let later events of their key overtake
     * them; where a dead event blocks its key, only those that their consumer gave up on do. A copy on its way to the
     * broker when an operator discards its event cannot be recalled.
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
