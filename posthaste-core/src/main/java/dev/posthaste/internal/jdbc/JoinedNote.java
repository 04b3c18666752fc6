package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An inbox's note in the application's transaction, which it neither begins nor ends: what fails is undone back to
 * where the note was taken, so that a transaction that is then committed holds neither note nor effects. Used by one
 * thread.
 */
public final class JoinedNote {
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Connection connection;
    private final Dialect dialect;
    private final String consumer;
    private final String savepoint = "posthaste_once_" + NUMBERS.incrementAndGet(); // several may be in one transaction
    private boolean proven;

    private JoinedNote(Connection connection, Dialect dialect, String consumer) {
        this.connection = connection;
        this.dialect = dialect;
        this.consumer = consumer;
    }

    /** On a connection whose auto-commit is off. */
    public static JoinedNote on(Connection connection, String consumer) throws SQLException {
        return new JoinedNote(connection, Dialect.of(connection), consumer);
    }

    /**
     * Notes that the events are handled in this transaction. If another transaction notes one of them, waits a second for
     * it. The transaction waits for locks, and for its client, as before.
     *
     * @return false if one of them was handled before
     * @throws SQLException if it could not be noted; the caller then calls {@link #undo}
     */
    public boolean take(List<String> noteIds) throws SQLException {
        InboxTransaction.update(connection, "savepoint " + savepoint);
        String unlimit = "";
        try {
            unlimit = dialect.limitNote(connection, 0, InboxTransaction.MAX_LOCK_WAIT_SECONDS);
            boolean first = new InboxTable(dialect)
                    .add(connection, consumer, noteIds, 0, InboxTransaction.MAX_LOCK_WAIT_SECONDS);
            JdbcTransactions.execute(connection, unlimit);
            if (first) {
                JdbcTransactions.execute(connection, dialect.signNote(savepoint));
            } else {
                InboxTransaction.update(connection, "rollback to savepoint " + savepoint);
                InboxTransaction.update(connection, dialect.releaseNote(savepoint));
            }
            return first;
        } catch (SQLException | RuntimeException e) {
            restoreQuietly(unlimit, e);
            throw e;
        }
    }

    /** The connection for a handler, which does not commit or roll back. */
    public Connection open() {
        return HandlerConnection.of(connection, dialect.commitsByStatement());
    }

    /** @throws SQLException if this is no longer the transaction that took the note */
    public void prove() throws SQLException {
        InboxTransaction.update(connection, dialect.proveNote(savepoint));
        proven = true;
    }

    /**
     * Undoes the note, if it was taken, and what followed it, after a failure. If it ends {@link
     * InboxTransaction.End#ROLLED_BACK}, the transaction remains usable; after {@link #prove} it is to be rolled back.
     */
    public InboxTransaction.End undo(Throwable failure) {
        if (proven) {
            return InboxTransaction.endOfProven(failure);
        }
        InboxTransaction.End end = InboxTransaction.rollBackTo(connection, savepoint, failure);
        if (end == InboxTransaction.End.ROLLED_BACK) {
            restoreQuietly(dialect.releaseNote(savepoint), failure);
        }
        return end;
    }

    private void restoreQuietly(String sql, Throwable failure) {
        try {
            JdbcTransactions.execute(connection, sql);
        } catch (SQLException | RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** Whether a committed note, or one of this transaction's, says that the event was handled. */
    public static boolean isNoted(Connection connection, String consumer, String noteId) throws SQLException {
        return new InboxTable(Dialect.of(connection)).contains(connection, consumer, noteId);
    }

    /** Deletes up to {@code batch} notes that are older than {@code keep}; returns how many. */
    public static int purge(Connection connection, String consumer, Duration keep, int batch) throws SQLException {
        return new InboxTable(Dialect.of(connection)).purge(connection, consumer, keep, batch);
    }
}
