package dev.posthaste.internal.store;

import java.util.Set;

/**
 * The transactions that hold a write lock on an outbox's table, by the database's own names.
 *
 * @param server the server that listed them, since its last start: names from another server, or from before a restart,
 *     mean nothing
 * @param transactions names that do not change while their transaction lives, prepared or not
 */
public record Writers(String server, Set<String> transactions) {
    public Writers {
        transactions = Set.copyOf(transactions);
    }
}
