package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The transactions of one consumer, each of which notes an event and takes its effects; and what their errors mean.
 * Thread-safe.
 */
public final class InboxTransactions {
    private final DataSource dataSource;
    private final String consumer;
    private final Duration silence;
    private volatile @Nullable Dialect dialect;

    /**
     * @param silence how long a client may be silent in the middle of a transaction before the server ends its session;
     *     whole seconds
     */
    public InboxTransactions(DataSource dataSource, String consumer, Duration silence) {
        this.dataSource = dataSource;
        this.consumer = consumer;
        this.silence = silence;
    }

    /** Begins one, on its own connection. */
    public InboxTransaction begin() throws SQLException {
        Connection connection = dataSource.getConnection();
        try {
            return new InboxTransaction(connection, dialect(connection), consumer, silence);
        } catch (Throwable e) {
            if (isContention(e)) {
                turnAutoCommitOn(connection);
            } else {
                JdbcTransactions.discard(connection);
            }
            closeQuietly(connection);
            throw e;
        }
    }

    /**
     * SQLite's driver turns it off before it begins the transaction, and leaves it off when that fails because of a
     * lock.
     */
    private static void turnAutoCommitOn(Connection connection) {
        try {
            connection.setAutoCommit(true);
        } catch (SQLException | RuntimeException e) {
            // there was no transaction to commit; it is on nevertheless
        }
    }

    private Dialect dialect(Connection connection) throws SQLException {
        Dialect known = dialect;
        if (known == null) {
            known = Dialect.of(connection);
            dialect = known;
        }
        return known;
    }

    /** Gives a connection back to its source. */
    static void closeQuietly(Connection connection) {
        try {
            connection.close();
        } catch (SQLException | RuntimeException e) {
            // it is of no further use, and what was done on it is known
        }
    }

    /**
     * Why the database accepts no notes now, for any event; null if it does. Finds out by writing a note about an event
     * that does not exist, and rolling back.
     */
    public @Nullable Throwable fault() {
        try (InboxTransaction transaction = begin()) {
            transaction.note(List.of(UUID.randomUUID().toString()));
            return null;
        } catch (Throwable e) {
            return isContention(e) ? null : e;
        }
    }

    /** Whether a committed note says that the event was handled. */
    public boolean handled(String noteId) throws SQLException {
        try (InboxTransaction transaction = begin()) {
            return transaction.isNoted(noteId);
        }
    }

    /** Whether other transactions, or a full disk, were in the way: a matter of time, whatever statement failed. */
    public static boolean isPassing(Throwable e) {
        return isContention(e) || SqlErrors.isFull(e);
    }

    /** Whether other transactions were in the way: a deadlock, a lock wait, a serialization failure. */
    public static boolean isContention(Throwable e) {
        return SqlErrors.isContention(e);
    }

    /** Whether the server appears to be unavailable, shutting down or read-only. */
    public static boolean looksAway(Throwable e) {
        return SqlErrors.isCausedBy(e, SqlErrors::isWrongServer);
    }

    /** Whether SQLite could not use its file, and has therefore rolled the transaction back. */
    static boolean isUnreachable(Throwable e) {
        return SqlErrors.isCausedBy(e, SqliteErrors::isUnreachable);
    }

    /** Whether the database refused a value. */
    public static boolean isRefused(Throwable e) {
        return SqlErrors.isRefused(e);
    }

    /**
     * Whether the server answered a commit with an error of the transaction itself, so that it is certainly rolled
     * back. After any other failure of a commit, only the note can tell what was done.
     */
    public static boolean isAnswer(Throwable e) {
        return !looksAway(e) && SqlErrors.isCausedBy(e, InboxTransactions::isAnswer);
    }

    private static boolean isAnswer(SQLException e) {
        String state = e.getSQLState();
        return SqlErrors.isRefused(e)
                || (state != null && !state.startsWith("57") && !state.startsWith("58") && !state.startsWith("HY"));
    }

    /** Whether a database or its driver reported it. */
    public static boolean isFromDatabase(Throwable e) {
        return SqlErrors.isCausedBy(e, each -> true);
    }
}
