package dev.posthaste.admin;

import dev.posthaste.Status;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which events a replay publishes once more: these rows if there are any, otherwise what is found. Immutable.
 *
 * @param search with the status published or consumed
 */
public record ReplaySelection(Search search, Set<Long> ids) {
    public ReplaySelection {
        ids = Set.copyOf(ids);
        if (ids.isEmpty() && search.status() != Status.PUBLISHED && search.status() != Status.CONSUMED) {
            throw new IllegalArgumentException(
                    "A replay sends events that are published or consumed; say which of them (pending ones are"
                            + " sent anyway, dead ones are requeued)");
        }
    }

    public static ReplaySelection of(Search search) {
        return new ReplaySelection(search, Set.of());
    }

    public static ReplaySelection of(Collection<Long> ids) {
        return new ReplaySelection(Search.ALL, new TreeSet<>(ids));
    }

    /** Whether an event may be replayed at all: it is published or consumed. Others are in a relay's hands, or an operator's. */
    public static boolean allows(FoundEvent event) {
        return event.status() == Status.PUBLISHED || event.status() == Status.CONSUMED;
    }

    @Override
    public String toString() {
        return ids.isEmpty() ? search.toString() : "rows " + new TreeSet<>(ids);
    }
}
