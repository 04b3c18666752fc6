package dev.posthaste.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** PostgreSQL 13 and later. */
final class PostgreSqlDialect extends Dialect {
    @Override
    public String name() {
        return "postgresql";
    }

    @Override
    String now() {
        return "clock_timestamp()";
    }

    @Override
    String fromNow() {
        return "clock_timestamp() + ? * interval '1 microsecond'";
    }

    @Override
    String nanosUntil(String column) {
        return "(extract(epoch from (" + column + " - now())) * 1000000000)::bigint";
    }

    @Override
    String nanosSince(String column) {
        return "(extract(epoch from (now() - " + column + ")) * 1000000000)::bigint";
    }

    @Override
    String micros(String column) {
        return "(extract(epoch from " + column + ") * 1000000)::bigint";
    }

    @Override
    String atMicros() {
        return "timestamptz 'epoch' + ? * interval '1 microsecond'";
    }

    /**
     * The primary key could serve {@code id > ?} too, and with stale statistics would read every published row; it cannot
     * serve an expression.
     */
    @Override
    String pendingPosition(String id) {
        return "(" + id + " + 0)";
    }

    /** Pending rows have one of their own, dead ones another. */
    @Override
    boolean indexesEveryStatus() {
        return false;
    }

    /**
     * A number that the planner cannot see. When it thinks that fewer rows than the limit are there, as with stale
     * statistics after a burst, it reads and sorts all of them; not knowing the limit, it keeps to the index's order.
     */
    @Override
    String limit() {
        return "limit (select ?::bigint)";
    }

    @Override
    String limitSilence(long seconds) {
        return "set local idle_in_transaction_session_timeout = '" + seconds + "s'";
    }

    @Override
    String unlimitSilence() {
        return "";
    }

    /** As a text of no known type, which the server makes what the column needs. */
    @Override
    void bindText(PreparedStatement statement, int parameter, String text) throws SQLException {
        statement.setObject(parameter, text, Types.OTHER);
    }

    /** None: the pending index is partial and on an expression, so it is the only one that serves the statement. */
    @Override
    String pendingHint(TableLayout layout) {
        return "";
    }

    @Override
    String share() {
        return "for share";
    }

    /** A duplicate's error would make the whole transaction unusable here. */
    @Override
    String ignoringDuplicates(String insert) {
        return insert + " on conflict do nothing";
    }

    @Override
    boolean bindsArrays() {
        return true;
    }

    @Override
    String quote(String identifier) {
        return '"' + identifier + '"';
    }

    @Override
    int streamingFetchSize() {
        return 250;
    }

    @Override
    boolean streamsInTransactionOnly() {
        return true;
    }

    @Override
    List<String> durabilityWarnings(Connection connection) throws SQLException {
        List<String> warnings = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select name, setting from pg_settings
                        where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off'
                        order by name
                        """)) {
            while (rows.next()) {
                warnings.add(rows.getString(1)
                        + " is off: a committed change may be lost after its event was published,"
                        + " or a committed event lost, when the server crashes. Set " + rows.getString(1) + " = on");
            }
        }
        return warnings;
    }

    @Override
    Duration oldestTransaction(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select coalesce(max((extract(epoch from (now() - xact_start)) * 1000)::bigint), 0)
                        from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid()
                        """)) {
            rows.next();
            return Duration.ofMillis(rows.getLong(1));
        }
    }
}
