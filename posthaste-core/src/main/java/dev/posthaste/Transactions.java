package dev.posthaste;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * How an application's transactions are found, joined and begun. A framework implements this so that {@link Outbox} and
 * the inbox work in its transactions. Thread-safe. Methods may be added, with defaults.
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
     * throws. The call that began the transaction returns only if it was committed: if something in it asked for a
     * rollback, the call throws.
     */
    <T extends @Nullable Object> T required(Work<T> work) throws Exception;

    /** Runs {@code action} once the current transaction has committed; never, if it does not. */
    void afterCommit(Runnable action);
}
