package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;

/**
 * One transaction of a consumer: it notes an event, a handler's effects join it, and after the handler it is proven to
 * be still the transaction that took the note. A database may have rolled it back and begun another one, as InnoDB does
 * with a deadlock's victim; a handler may have ended it with its own SQL.
 *
 * <p>The connection is given back as it came, or discarded when that is not certain. Used by one thread.
 */
public final class InboxTransaction implements AutoCloseable {
    /** How long to wait for other transactions' locks: the thread has other work to do. */
    static final long MAX_LOCK_WAIT_SECONDS = 1;

    private final Connection connection;
    private final Dialect dialect;
    private final InboxTable table;
    private final String consumer;
    private final long silenceSeconds;
    private final boolean autoCommitBefore;
    private String unlimit = "";
    private boolean broken;
    private boolean proven;
    private boolean ended;
    private boolean closed;
    private long notedAt = System.nanoTime();

    InboxTransaction(Connection connection, Dialect dialect, String consumer, Duration silence) throws SQLException {
        this.connection = connection;
        this.dialect = dialect;
        this.table = new InboxTable(dialect);
        this.consumer = consumer;
        this.silenceSeconds = silence.toSeconds();
        this.autoCommitBefore = connection.getAutoCommit();
        if (autoCommitBefore) {
            connection.setAutoCommit(false);
        }
    }

    /**
     * Notes that the events are handled in this transaction. If another transaction notes one of them, waits a second for
     * it.
     *
     * @return false if one of them was handled before; if there are several, the transaction is then to be closed
     */
    public boolean note(List<String> noteIds) throws SQLException {
        try {
            unlimit = dialect.limitNote(connection, silenceSeconds, MAX_LOCK_WAIT_SECONDS);
            boolean first = table.add(connection, consumer, noteIds, silenceSeconds, MAX_LOCK_WAIT_SECONDS);
            notedAt = System.nanoTime();
            return first;
        } catch (SQLException e) {
            throw met(e);
        }
    }

    /**
     * The connection for a handler, whose statements join the note. Their lock waits are what they were before it. It does
     * not commit or roll back.
     */
    public Connection open() throws SQLException {
        try {
            for (String sql : dialect.afterNote(unlimit)) {
                JdbcTransactions.execute(connection, sql);
            }
            return HandlerConnection.of(connection, dialect.commitsByStatement());
        } catch (SQLException e) {
            throw met(e);
        }
    }

    /** @throws SQLException if this is no longer the transaction that took the note, or cannot be committed */
    public void prove() throws SQLException {
        update(connection, dialect.proveNote(Dialect.NOTE));
        proven = true;
    }

    /** Not {@code execute}, before which MySQL's driver asks the server whether the session is read-only. */
    static void update(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    public void commit() throws SQLException {
        try {
            dialect.commit(connection, autoCommitBefore);
            ended = true;
        } catch (SQLException e) {
            throw met(e);
        }
    }

    private SQLException met(SQLException e) {
        broken |= SqlErrors.isWrongServer(e);
        return e;
    }

    /** Whether the transaction that took the note had ended before it was rolled back. */
    public enum End {
        /** It was open: nothing of it is left. */
        ROLLED_BACK,
        /** It had already been rolled back, or even committed. */
        LOST,
        /** The connection is gone, and the transaction with it. */
        BROKEN
    }

    /** Rolls everything back after a failure, and closes. */
    public End rollBack(Throwable failure) {
        End end = proven ? endOfProven(failure) : rollBackTo(connection, Dialect.NOTE, failure);
        boolean victim = end == End.LOST && InboxTransactions.isContention(failure);
        // Whatever the handler did to the session, no one else is to get it.
        broken |= end != End.ROLLED_BACK && !victim;
        close();
        return end;
    }

    /** Since then only Posthaste has used it. */
    static End endOfProven(Throwable failure) {
        return InboxTransactions.looksAway(failure) || InboxTransactions.isUnreachable(failure)
                ? End.BROKEN
                : End.ROLLED_BACK;
    }

    /**
     * Other code had the connection meanwhile and may have done anything: whether the savepoint still exists shows it.
     */
    static End rollBackTo(Connection connection, String savepoint, Throwable failure) {
        try {
            update(connection, "rollback to savepoint " + savepoint);
            return InboxTransactions.looksAway(failure) ? End.BROKEN : End.ROLLED_BACK;
        } catch (SQLException e) {
            return SqlErrors.isNoSavepoint(e) && !InboxTransactions.isUnreachable(failure) ? End.LOST : End.BROKEN;
        } catch (RuntimeException e) {
            return End.BROKEN;
        }
    }

    /** How long ago the note was taken. */
    public Duration age() {
        return Duration.ofNanos(System.nanoTime() - notedAt);
    }

    boolean isNoted(String noteId) throws SQLException {
        return table.contains(connection, consumer, noteId);
    }

    /** Rolls back what is not committed, and gives the connection back. Works twice. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (!ended) {
                dialect.rollback(connection);
            }
            if (broken) {
                JdbcTransactions.discard(connection);
            } else {
                restore();
            }
        } catch (SQLException | RuntimeException e) {
            JdbcTransactions.discard(connection); // the outcome of the transaction is known without it
        } finally {
            InboxTransactions.closeQuietly(connection);
        }
    }

    private void restore() throws SQLException {
        JdbcTransactions.execute(connection, unlimit);
        if (connection.getAutoCommit() != autoCommitBefore) {
            connection.setAutoCommit(autoCommitBefore);
        }
    }
}
