package dev.posthaste.reliability.simulation;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Every committed event, and which of them have not ended. */
final class Fates {
    private final Set<String> consumers;
    private final boolean receiptsTravel;
    private final Map<String, Fate> committed = new LinkedHashMap<>();
    private final Set<String> unended = new LinkedHashSet<>();
    private final Set<String> pending = new HashSet<>();
    /** Handled events whose rows do not say so. */
    private final Set<String> untold = new LinkedHashSet<>();

    /**
     * @param consumers the consumers that have to handle each event
     * @param receiptsTravel whether receipts are sent as messages, so that rows change later
     */
    Fates(Set<String> consumers, boolean receiptsTravel) {
        this.consumers = consumers;
        this.receiptsTravel = receiptsTravel;
    }

    /** @return the earlier event with this id, whose row is gone */
    @Nullable
    Fate add(Fate fate) {
        return committed.put(fate.event, fate);
    }

    @Nullable
    Fate find(@Nullable String event) {
        return committed.get(String.valueOf(event));
    }

    Fate get(@Nullable String event) {
        return Objects.requireNonNull(find(event), () -> "there is no event " + event);
    }

    int size() {
        return committed.size();
    }

    /** Checks again whether it has ended, and whether its row says so. */
    void changed(Fate fate) {
        if ("pending".equals(fate.status) && !fate.reminder) {
            pending.add(fate.event);
        } else {
            pending.remove(fate.event);
        }
        if (fate.ended(consumers) || fate.reminder) {
            unended.remove(fate.event);
        } else {
            unended.add(fate.event);
        }
        boolean says = fate.status == null || fate.status.equals("consumed");
        if (receiptsTravel && !says && fate.handled(consumers) && !fate.unreadable && !fate.replayed) {
            untold.add(fate.event);
        } else {
            untold.remove(fate.event);
        }
    }

    /** Whether there is nothing left to do. */
    boolean quiet() {
        return unended.isEmpty() && pending.isEmpty() && untold.isEmpty();
    }

    String unquiet() {
        return "not ended: %s; still pending: %s; handled, but not according to their rows: %s"
                .formatted(some(unended), some(pending), some(untold));
    }

    private static List<String> some(Set<String> events) {
        return events.stream().limit(10).toList();
    }

    /** The row of each event that has a status now. */
    Map<String, Fate.Seen> seen(String status) {
        Map<String, Fate.Seen> seen = new HashMap<>();
        for (Fate fate : committed.values()) {
            if (status.equals(fate.status)) {
                seen.put(fate.event, fate.seen());
            }
        }
        return seen;
    }

    /** The rows of events that died and were not requeued. */
    List<Long> dead() {
        return committed.values().stream()
                .filter(fate -> "dead".equals(fate.status))
                .map(fate -> fate.row)
                .toList();
    }

    /** The rows of events that a relay or a consumer may be processing. */
    List<Long> open() {
        return pending.stream().map(event -> get(event).row).sorted().toList();
    }
}
