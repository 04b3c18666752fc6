package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import org.jspecify.annotations.Nullable;

/**
 * The statements that record a refusal: the event is pending again, or dead. They change a row only if it has counted
 * no more than was seen. Immutable.
 */
final class Refusals {
    private static final String AS_SEEN = """
            where {status in %s}
                and {attempts} = ?[ and coalesce({generation}, 0) = coalesce(?, coalesce({generation}, 0))]
                and {id} = ?
            """;

    private static final String RETRY = """
            update {table:id}
            set {status} = {pending}, {attempts} = ?[, {last-error} = ?], {next-attempt-at} = {fromNow}
                [, {updated-at} = {now}]
            """ + AS_SEEN;

    private static final String DEAD = """
            update {table:id}
            set {status} = {dead}, {attempts} = ?[, {last-error} = ?], {next-attempt-at} = null[, {updated-at} = {now}]
            """ + AS_SEEN;

    private static final String RETRY_ONLY = """
            update {table:id}
            set {status} = {pending}, {next-attempt-at} = {fromNow}[, {updated-at} = {now}]
            """ + AS_SEEN;

    private static final String DEAD_ONLY = """
            update {table:id}
            set {status} = {dead}, {next-attempt-at} = null[, {updated-at} = {now}]
            """ + AS_SEEN;

    private final RowSql sql;
    private final EventTable layout;
    private final String retry;
    private final String dead;
    private final String retryOnly;
    private final String deadOnly;

    private Refusals(RowSql sql, String statuses) {
        this.sql = sql;
        this.layout = sql.layout;
        this.retry = sql.text(RETRY.formatted(statuses));
        this.dead = sql.text(DEAD.formatted(statuses));
        this.retryOnly = sql.text(RETRY_ONLY.formatted(statuses));
        this.deadOnly = sql.text(DEAD_ONLY.formatted(statuses));
    }

    /** For refusals by the broker: a relay's events are pending. */
    static Refusals byBroker(RowSql sql) {
        return new Refusals(sql, "pending");
    }

    /** For refusals by a consumer: its events may already be known to be published. */
    static Refusals byConsumer(RowSql sql) {
        return new Refusals(sql, "pending, published");
    }

    PreparedStatement prepareRetry(Connection connection) throws SQLException {
        return sql.prepare(connection, retry);
    }

    PreparedStatement prepareDead(Connection connection) throws SQLException {
        return sql.prepare(connection, dead);
    }

    void bind(PreparedStatement statement, Verdict.Refused refusal, @Nullable String error) throws SQLException {
        int next = 1;
        statement.setInt(next++, Verdict.oneMore(refusal.seen().attempts()));
        if (layout.has(Column.LAST_ERROR)) {
            statement.setString(next++, error == null ? null : ErrorText.cut(error, layout.length(Column.LAST_ERROR)));
        }
        bindDelayAndRow(statement, next, refusal);
    }

    /** For a row that refuses the rest: only its status and its next attempt. */
    int writeStatusOnly(Connection connection, Verdict.Refused refusal) throws SQLException {
        try (PreparedStatement statement =
                sql.prepare(connection, refusal instanceof Verdict.Dead ? deadOnly : retryOnly)) {
            bindDelayAndRow(statement, 1, refusal);
            return statement.executeUpdate();
        }
    }

    private void bindDelayAndRow(PreparedStatement statement, int first, Verdict.Refused refusal) throws SQLException {
        int next = first;
        if (refusal instanceof Verdict.Retry retry) {
            statement.setLong(next++, retry.delay().toNanos() / 1000);
        }
        statement.setInt(next++, refusal.seen().attempts());
        if (layout.has(Column.GENERATION)) {
            statement.setObject(next++, refusal.seen().generation(), Types.INTEGER);
        }
        statement.setLong(next, refusal.id());
    }
}
