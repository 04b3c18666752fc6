package dev.posthaste.inbox;

import dev.posthaste.internal.jdbc.InboxTransaction;
import dev.posthaste.internal.jdbc.InboxTransactions;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Who is to blame for an attempt that failed: the handler, the event, other transactions, or the database. */
record Blame(InboxDatabase database) {

    static AttemptResult.Refused refused(String reason, @Nullable Throwable cause) {
        return new AttemptResult.Refused(reason, cause);
    }

    /** There is no transaction. */
    static AttemptResult notBegun(Throwable e) {
        return InboxTransactions.isContention(e) ? new AttemptResult.Postponed(e) : new AttemptResult.Unavailable(e);
    }

    /** No handler has run, so none is to blame: it is the database, other transactions, or the event's id. */
    AttemptResult noteFailed(Throwable e) {
        if (InboxTransactions.isContention(e)) {
            return new AttemptResult.Postponed(e);
        }
        Throwable fault = database.fault();
        if (fault != null) {
            return new AttemptResult.Unavailable(fault);
        }
        return InboxTransactions.isRefused(e)
                ? refused("the database does not take its event id: " + Thrown.message(e), e)
                : new AttemptResult.Postponed(e);
    }

    /**
     * The handler threw an exception, or the transaction no longer contains the note.
     *
     * @param noted whether this transaction noted the events
     * @param age how long ago the transaction began
     * @param silenceLimit after how long without a statement the server ends its session; null if no limit was set
     */
    AttemptResult handlerFailed(
            EventWork work,
            boolean noted,
            InboxTransaction.End end,
            Duration age,
            @Nullable Duration silenceLimit,
            Throwable e) {
        try {
            if (noted && end == InboxTransaction.End.LOST && database.isNoted(work.noteIds())) {
                return refused(
                        "its handler, or one of its statements, committed the inbox's transaction too early: its effects may be"
                                + " incomplete, and it is not handled again",
                        e);
            }
        } catch (Throwable fault) {
            return new AttemptResult.Unavailable(fault);
        } finally {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
        }
        if (e instanceof RejectedEventException) {
            return refused(e.getMessage() == null ? "rejected by the handler" : e.getMessage(), e);
        }
        if (e instanceof TypedHandler.MalformedPayloadException) {
            return refused("the payload cannot be read: " + Thrown.message(e), e);
        }
        if (InboxTransactions.isPassing(e)) {
            return new AttemptResult.Postponed(e);
        }
        return switch (end) {
            case BROKEN -> broken(work, age, silenceLimit, e);
            case LOST ->
                new AttemptResult.Failed(
                        new SQLException(
                                "The inbox's transaction was rolled back while the handler ran, by a deadlock or a timeout"
                                        + " that the handler caught, or by its own ROLLBACK",
                                e),
                        work.options());
            case ROLLED_BACK -> new AttemptResult.Failed(e, work.options());
        };
    }

    /** Either the database is unavailable, or the handler broke its connection. */
    private AttemptResult broken(EventWork work, Duration age, @Nullable Duration silenceLimit, Throwable e) {
        Throwable fault = database.fault();
        if (fault != null) {
            return new AttemptResult.Unavailable(fault);
        }
        if (silenceLimit == null || age.compareTo(silenceLimit) < 0) {
            return new AttemptResult.Failed(e, work.options());
        }
        return new AttemptResult.Failed(
                new SQLException(
                        "The handler lost its connection after " + age.toSeconds()
                                + " s: the server ends a session" + " that is idle for " + silenceLimit.toSeconds()
                                + " s inside the inbox's transaction (Inbox.Builder.silenceLimit)",
                        e),
                work.options());
    }

    /** The next attempt learns from the note whether it was committed. */
    AttemptResult commitFailed(EventWork work, Throwable e) {
        if (InboxTransactions.isPassing(e)) {
            return new AttemptResult.Postponed(e);
        }
        if (InboxTransactions.isAnswer(e)) {
            return new AttemptResult.Failed(e, work.options());
        }
        try {
            Throwable fault = database.fault();
            if (fault != null) {
                return new AttemptResult.Unavailable(fault);
            }
            boolean refused = e instanceof Exception && !InboxTransactions.isFromDatabase(e);
            return refused && !database.isNoted(work.noteIds())
                    ? new AttemptResult.Failed(
                            e, work.options()) // by a framework, such as after a failure that the handler caught
                    : new AttemptResult.Postponed(e);
        } catch (Throwable fault) {
            return new AttemptResult.Unavailable(fault);
        }
    }
}
