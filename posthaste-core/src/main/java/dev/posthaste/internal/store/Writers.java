package dev.posthaste.internal.store;

import java.util.Set;

/**
 * The transactions that hold a write lock on an outbox's table, by names of the database's own.
 *
 * @param server which server said so, in which of its lives: names of another server, or from before a restart, mean
 *     nothing
 * @param transactions names that do not change while their transaction lives, prepared or not
 */
public record Writers(String server, Set<String> transactions) {
    public Writers {
        transactions = Set.copyOf(transactions);
    }
}
