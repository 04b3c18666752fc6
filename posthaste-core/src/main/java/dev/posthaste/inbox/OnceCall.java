package dev.posthaste.inbox;

import dev.posthaste.NoTransactionException;
import dev.posthaste.StoreException;
import dev.posthaste.Transactions;
import dev.posthaste.internal.jdbc.InboxTransaction;
import dev.posthaste.internal.jdbc.InboxTransactions;
import dev.posthaste.internal.jdbc.JoinedNote;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Work that is done once in effect, in the caller's transaction. */
record OnceCall<X extends Exception>(String inbox, String eventId, Inbox.Work<X> work) {
    OnceCall {
        String fault = NoteId.fault(eventId);
        if (fault != null) {
            throw new IllegalArgumentException("Inbox " + inbox + ": " + fault);
        }
    }

    boolean in(Connection connection) throws X, SQLException {
        if (connection.getAutoCommit()) {
            throw new NoTransactionException(
                    "Inbox " + inbox + ": the connection is in auto-commit mode, so the note about" + " event "
                            + eventId + " would not share the fate of its effects. Call setAutoCommit(false)");
        }
        JoinedNote note = JoinedNote.on(connection, inbox);
        if (!take(note)) {
            return false;
        }
        try {
            work.run();
            prove(note);
            return true;
        } catch (Throwable e) {
            note.undo(e);
            throw e;
        }
    }

    private boolean take(JoinedNote note) throws SQLException {
        try {
            return note.take(List.of(NoteId.of(eventId)));
        } catch (SQLException e) {
            InboxTransaction.End end = note.undo(e);
            if (!InboxTransactions.isContention(e)) {
                throw e;
            }
            if (end == InboxTransaction.End.ROLLED_BACK) {
                throw new InboxBusyException(
                        "Inbox " + inbox + ": event " + eventId
                                + " is being handled by another process or transaction; try again later",
                        e);
            }
            throw new SQLException(
                    "Inbox " + inbox
                            + ": the database rolled the whole transaction back, with what was done in it before"
                            + " event " + eventId + "; begin it again: " + e.getMessage(),
                    e.getSQLState(),
                    e.getErrorCode(),
                    e);
        }
    }

    private void prove(JoinedNote note) throws SQLException {
        try {
            note.prove();
        } catch (SQLException e) {
            throw new SQLException(
                    "Inbox " + inbox + ": the transaction of event " + eventId
                            + " ended while its work ran, by a commit or"
                            + " a rollback in the work, or by a deadlock that it caught",
                    e);
        }
    }

    boolean in(Transactions transactions) throws X {
        FromWork thrown = new FromWork();
        OnceCall<X> call = new OnceCall<>(inbox, eventId, () -> thrown.by(work));
        try {
            Connection current = current(transactions);
            return current == null ? transactions.required(call::in) : call.in(current);
        } catch (Exception e) {
            if (thrown.exception != null) {
                throw OnceCall.<X>asThrown(thrown.exception); // a framework may have wrapped it
            }
            if (e instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            throw new StoreException(
                    "Inbox " + inbox + ": event " + eventId + " was not handled: " + e.getMessage(), e);
        }
    }

    /** No exception may pass through the framework here: it would no longer let the transaction be committed. */
    private static @Nullable Connection current(Transactions transactions) throws SQLException {
        try {
            return transactions.current();
        } catch (NoTransactionException e) {
            return null;
        }
    }

    /** What the work threw, as opposed to the transactions around it. */
    private static final class FromWork {
        private @Nullable Exception exception;

        <X extends Exception> void by(Inbox.Work<X> work) throws X {
            try {
                work.run();
            } catch (Exception e) {
                exception = e;
                throw e;
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <X extends Exception> X asThrown(Exception thrown) {
        return (X) thrown;
    }
}
