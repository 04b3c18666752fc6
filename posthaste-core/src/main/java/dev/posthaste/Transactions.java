package dev.posthaste;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * How an application's transactions are found, joined and made: what a framework implements, so that {@link Outbox} and the
 * inbox work in its transactions. Thread-safe. Methods may be added, with defaults.
 */
public interface Transactions {
    /** Something to do in a transaction. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        /** @param connection the transaction's; not to be committed, rolled back or closed */
        T run(Connection connection) throws Exception;
    }

    /**
     * The connection of the transaction that the calling thread is in.
     *
     * @throws NoTransactionException if it is in none
     */
    Connection current() throws SQLException;

    /**
     * Runs {@code work} in the current transaction; if there is none, in one of its own, which is rolled back if the work
     * throws. Whoever made the transaction returns only if it was committed: where something in it has asked for a rollback,
     * this throws.
     */
    <T extends @Nullable Object> T required(Work<T> work) throws Exception;

    /** Runs {@code action} once the current transaction has committed; never, if it does not. */
    void afterCommit(Runnable action);
}
