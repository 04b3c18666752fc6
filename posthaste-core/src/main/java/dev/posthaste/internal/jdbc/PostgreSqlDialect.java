package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.List;

/** PostgreSQL 13 and later. */
final class PostgreSqlDialect extends Dialect {
    /** What shows a time on the clock of a table whose columns store no zone; empty for those that do. */
    private final String atZone;

    PostgreSqlDialect() {
        this("");
    }

    private PostgreSqlDialect(String atZone) {
        this.atZone = atZone;
    }

    /**
     * For columns of type {@code timestamp}. Unless told otherwise, the server converts these by the session's zone,
     * like all others. An offset is written as an interval: as a text, its sign would mean the opposite.
     */
    @Override
    Dialect inZone(String zone) {
        return switch (zone) {
            case "", "session" -> this;
            case "UTC" -> new PostgreSqlDialect(" at time zone 'UTC'");
            default -> new PostgreSqlDialect(" at time zone interval '" + zone + "'");
        };
    }

    /** {@code time} as the table's columns store times. */
    private String stored(String time) {
        return atZone.isEmpty() ? time : "(" + time + atZone + ")";
    }

    @Override
    public String name() {
        return "postgresql";
    }

    @Override
    String now() {
        return stored("clock_timestamp()");
    }

    @Override
    String fromNow() {
        return stored("clock_timestamp()") + " + ? * interval '1 microsecond'";
    }

    @Override
    String nanosUntil(String column) {
        return "(extract(epoch from (" + column + " - " + stored("now()") + ")) * 1000000000)::bigint";
    }

    @Override
    String nanosSince(String column) {
        return "(extract(epoch from (" + stored("now()") + " - " + column + ")) * 1000000000)::bigint";
    }

    @Override
    String micros(String column) {
        String instant = atZone.isEmpty() ? column + "::timestamptz" : "(" + column + atZone + ")";
        return "case when isfinite(" + column + ") then (extract(epoch from " + instant + ") * 1000000)::bigint end";
    }

    @Override
    String atMicros() {
        return stored("(timestamptz 'epoch' + ? * interval '1 microsecond')");
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
     * A number that the planner cannot see. When it expects fewer rows than the limit, as with stale statistics after a
     * burst, it reads and sorts all of them; not knowing the limit, it keeps to the index's order.
     */
    @Override
    String limit() {
        return "limit (select ?::bigint)";
    }

    @Override
    String limitWaits(long silence, long lock) {
        return "set local idle_in_transaction_session_timeout = '" + silence + "s'; set local lock_timeout = '" + lock
                + "s'; set transaction isolation level read committed";
    }

    @Override
    String beforeNote(long silence, long lock) {
        return "";
    }

    /** All in one round trip. The handler's statements wait for locks as the session is configured. */
    @Override
    String note(String insert, long silence, long lock) {
        return """
                select set_config('posthaste.lock_timeout', current_setting('lock_timeout'), true);
                select set_config('lock_timeout', '%ds', true)%s;
                %s;
                select set_config('lock_timeout', current_setting('posthaste.lock_timeout'), true);
                savepoint %s
                """.formatted(lock, idleInTransactionTimeout(silence), insert, NOTE)
                .strip();
    }

    private static String idleInTransactionTimeout(long seconds) {
        return seconds == 0
                ? ""
                : ", set_config('idle_in_transaction_session_timeout', '%ds', true)".formatted(seconds);
    }

    @Override
    List<String> afterNote(String unlimit) {
        return List.of();
    }

    /** This avoids asking for the level, for which the driver asks the server each time. */
    @Override
    boolean beginsReadCommitted() {
        return true;
    }

    @Override
    String octets(String column, boolean standard) {
        return standard ? "octet_length(" + column + ")" : "octet_length(" + column + "::text)";
    }

    @Override
    String start(String column, boolean standard, int characters) {
        return "left(" + column + (standard ? "" : "::text") + ", " + characters + ")";
    }

    /** By the clock of {@link #nanosUntil}. */
    @Override
    String isDue(String column) {
        return "(" + column + " is null or " + column + " <= " + stored("now()") + ")";
    }

    @Override
    String withinDecades(String column) {
        String now = stored("now()");
        return "least(greatest(" + column + ", " + now + " - interval '30000 days'), " + now
                + " + interval '30000 days')";
    }

    @Override
    boolean bindsRanges() {
        return true;
    }

    @Override
    String unlimitWaits() {
        return "";
    }

    /** As a text of unknown type, which the server converts to the column's. */
    @Override
    void bindText(PreparedStatement statement, int parameter, String text) throws SQLException {
        statement.setObject(parameter, text, Types.OTHER);
    }

    /** None: the pending index is partial and on an expression, so it is the only one that serves the statement. */
    @Override
    String statusHint(EventTable layout, Status status) {
        return "";
    }

    @Override
    List<WriteLockSource> writeLockSources(EventTable layout) {
        return List.of(new WriteLockSource.OfPostgres(quoteTable(layout.table())));
    }

    @Override
    String lockShared() {
        return "for share";
    }

    /** A duplicate's error would make the whole transaction unusable here. */
    @Override
    String ignoringDuplicates(String insert) {
        return insert + " on conflict do nothing";
    }

    @Override
    String ignoringDuplicates(String insert, String column) {
        return insert + " on conflict (" + column + ") do nothing";
    }

    @Override
    boolean bindsArrays() {
        return true;
    }

    @Override
    String binaryType() {
        return "bytea";
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
    DatabaseChecks checks() {
        return new PostgreSqlChecks();
    }

    @Override
    Duration oldestTransaction(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("""
                        select coalesce(max((extract(epoch from (clock_timestamp() - began)) * 1000)::bigint), 0) from (
                            select xact_start as began from pg_stat_activity where pid <> pg_backend_pid()
                            union all
                            select prepared from pg_prepared_xacts
                        ) open
                        """)) {
            rows.next();
            return Duration.ofMillis(Math.max(0, rows.getLong(1)));
        }
    }

    /** The first line names the constraint, and PostgreSQL names a primary key's in this way. */
    @Override
    boolean isDuplicateOfPrimaryKey(SQLException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("").contains("_pkey");
    }
}
