package dev.posthaste.jdbc;

import dev.posthaste.journal.JournalException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * Runs Posthaste's own statements: short, at READ COMMITTED, again when a deadlock or a lock wait threw them out. Who
 * stands still in the middle of a transaction loses it after 5 s, so that nobody waits for its locks longer. Never used
 * for a transaction of the application's. Thread-safe.
 */
final class Transactions {
    private static final int TRIES = 5;
    private static final long LONGEST_SILENCE_SECONDS = 5;

    private final DataSource dataSource;
    private final String begin;
    private final String end;

    Transactions(DataSource dataSource, Dialect dialect) {
        this.dataSource = dataSource;
        this.begin = dialect.limitSilence(LONGEST_SILENCE_SECONDS);
        this.end = dialect.unlimitSilence();
    }

    /** Work on a connection. */
    @FunctionalInterface
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** One statement that needs no transaction around it. */
    <T> T statement(String what, Work<T> work) {
        return run(what, true, work);
    }

    /** Several statements that count together or not at all. */
    <T> T transaction(String what, Work<T> work) {
        return run(what, false, work);
    }

    private <T> T run(String what, boolean autoCommit, Work<T> work) {
        for (int attempt = 1; ; attempt++) {
            try {
                return once(autoCommit, work);
            } catch (SQLException e) {
                if (!Dialect.isTransient(e) || attempt == TRIES) {
                    throw new JournalException("Cannot " + what + ": " + e.getMessage(), e);
                }
                LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(1_000_000L << attempt));
            }
        }
    }

    private <T> T once(boolean autoCommit, Work<T> work) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            if (connection.getTransactionIsolation() != Connection.TRANSACTION_READ_COMMITTED) {
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            }
            if (connection.getAutoCommit() != autoCommit) {
                connection.setAutoCommit(autoCommit);
            }
            boolean done = false;
            try {
                if (!autoCommit) {
                    execute(connection, begin);
                }
                T result = work.run(connection);
                if (!autoCommit) {
                    connection.commit();
                }
                done = true;
                return result;
            } finally {
                if (!autoCommit) {
                    endTransaction(connection, done);
                }
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        if (!sql.isEmpty()) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }

    private void endTransaction(Connection connection, boolean committed) throws SQLException {
        try {
            if (!committed) {
                connection.rollback();
            }
            execute(connection, end);
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            if (committed) {
                throw e;
            } // else the first error says more than that the rollback failed too
        }
    }
}
