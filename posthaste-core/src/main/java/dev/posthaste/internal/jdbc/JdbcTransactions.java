package dev.posthaste.internal.jdbc;

import dev.posthaste.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * Runs Posthaste's own statements: short, at READ COMMITTED, again after a deadlock, a lock wait or a serialisation failure.
 * The server ends a transaction whose client is silent for 5 s, so that no one waits longer for the locks of a paused
 * process; and our own statements wait no longer than a second for another transaction's lock.
 *
 * <p>A connection that leads to the wrong server (one that became read-only, or shuts down) is closed for good instead of
 * given back to its pool, and what has not been done is tried once more on another one. Any other connection is given
 * back as it came. Never used for the application's transactions. Thread-safe.
 */
final class JdbcTransactions {
    private static final int TRIES = 5;
    private static final long MAX_SILENCE_SECONDS = 5;
    private static final long MAX_LOCK_WAIT_SECONDS = 1;

    private final DataSource dataSource;
    private final Dialect dialect;

    JdbcTransactions(DataSource dataSource, Dialect dialect) {
        this.dataSource = dataSource;
        this.dialect = dialect;
    }

    /** Work on a connection. */
    @FunctionalInterface
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** One statement that reads, and so waits for no lock. */
    <T> T query(String what, Work<T> work) {
        return run(what, Kind.QUERY, work);
    }

    /** One statement that writes and needs no transaction around it. */
    <T> T update(String what, Work<T> work) {
        return run(what, Kind.UPDATE, work);
    }

    /** Several statements that are committed together or not at all. */
    <T> T transaction(String what, Work<T> work) {
        return run(what, Kind.TRANSACTION, work);
    }

    private enum Kind {
        QUERY,
        UPDATE,
        TRANSACTION
    }

    private <T> T run(String what, Kind kind, Work<T> work) {
        boolean replaced = false;
        for (int attempt = 1; ; attempt++) {
            Session session = new Session(kind);
            try {
                return session.run(work);
            } catch (SQLException e) {
                if (session.discarded && session.didNothing(e) && !replaced) {
                    replaced = true;
                } else if (SqlErrors.isTransient(e) && attempt < TRIES) {
                    LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(1_000_000L << attempt));
                } else {
                    throw new StoreException("Cannot " + what + ": " + e.getMessage(), e);
                }
            }
        }
    }

    /** One connection's use for one piece of work. */
    private final class Session {
        private final boolean autoCommit;
        private final boolean limited;
        private String unlimit = "";
        private boolean committing;
        private boolean discarded;

        Session(Kind kind) {
            autoCommit = kind != Kind.TRANSACTION;
            limited = kind == Kind.TRANSACTION || (kind == Kind.UPDATE && dialect.limitsUpdates());
        }

        /** Whether an error certainly leaves nothing of the work in the database. */
        boolean didNothing(SQLException e) {
            return SqlErrors.isReadOnly(e) || (!autoCommit && !committing);
        }

        <T> T run(Work<T> work) throws SQLException {
            try (Connection connection = dataSource.getConnection()) {
                try {
                    return prepared(connection, work);
                } catch (SQLException e) {
                    if (SqlErrors.isWrongServer(e)) {
                        discard(connection);
                    }
                    throw e;
                }
            }
        }

        private <T> T prepared(Connection connection, Work<T> work) throws SQLException {
            boolean autoCommitBefore = connection.getAutoCommit();
            boolean driverBegins = !autoCommit && dialect.begin().isEmpty();
            if (autoCommitBefore == driverBegins) {
                connection.setAutoCommit(!driverBegins);
            }
            int isolationBefore = dialect.beginsReadCommitted()
                    ? Connection.TRANSACTION_READ_COMMITTED
                    : connection.getTransactionIsolation();
            if (isolationBefore != Connection.TRANSACTION_READ_COMMITTED) {
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            }
            boolean done = false;
            try {
                if (limited) {
                    unlimit = dialect.limit(connection, MAX_SILENCE_SECONDS, MAX_LOCK_WAIT_SECONDS);
                }
                if (!autoCommit && !driverBegins) {
                    execute(connection, dialect.begin());
                }
                T result = work.run(connection);
                if (!autoCommit) {
                    committing = true;
                    end(connection, driverBegins);
                }
                done = true;
                return result;
            } finally {
                restore(connection, done, autoCommitBefore, isolationBefore);
            }
        }

        private void end(Connection connection, boolean driverBegan) throws SQLException {
            if (driverBegan) {
                connection.commit();
            } else {
                execute(connection, "commit");
            }
        }

        private void restore(Connection connection, boolean done, boolean autoCommitBefore, int isolationBefore) {
            try {
                if (!autoCommit && !done) {
                    dialect.rollback(connection);
                }
                execute(connection, unlimit);
                if (isolationBefore != Connection.TRANSACTION_READ_COMMITTED) {
                    if (!autoCommit) {
                        connection.setAutoCommit(true); // ends what the last statement began
                    }
                    connection.setTransactionIsolation(isolationBefore);
                }
                if (connection.getAutoCommit() != autoCommitBefore) {
                    connection.setAutoCommit(autoCommitBefore);
                }
            } catch (SQLException e) {
                discard(connection); // whether the work was done is known without it
            }
        }

        private void discard(Connection connection) {
            discarded = true;
            JdbcTransactions.discard(connection);
        }
    }

    /** Closes the server's side, and lets a pool notice that the connection is of no further use. */
    static void discard(Connection connection) {
        try {
            connection.abort(Runnable::run);
            if (!connection.isClosed()) {
                Dialect.of(connection).closeAborted(connection);
            }
        } catch (SQLException | RuntimeException e) {
            // then it is closed already
        }
        try {
            execute(connection, "select 1");
        } catch (SQLException | RuntimeException e) {
            // as it should: HikariCP, for one, drops a connection that failed in this way
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        if (!sql.isEmpty()) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }
}
