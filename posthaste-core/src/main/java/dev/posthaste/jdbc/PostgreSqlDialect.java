package dev.posthaste.jdbc;

import dev.posthaste.Status;
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
    private static final String PERMANENT = "p";

    /** What shows a time on the clock of a table whose columns store no zone; empty for those that do. */
    private final String atZone;

    PostgreSqlDialect() {
        this("");
    }

    private PostgreSqlDialect(String atZone) {
        this.atZone = atZone;
    }

    /**
     * For columns of type {@code timestamp}. The server converts these by the session's zone as it does all others when
     * nothing else is said. An offset is written as an interval: as a text its sign would mean the opposite.
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
     * A number that the planner cannot see. When it thinks that fewer rows than the limit are there, as with stale
     * statistics after a burst, it reads and sorts all of them; not knowing the limit, it keeps to the index's order.
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

    /** All in one round trip. The handler's statements wait for locks as the session says. */
    @Override
    String note(String insert, long silence, long lock) {
        return """
                select set_config('posthaste.lock_timeout', current_setting('lock_timeout'), true);
                select set_config('lock_timeout', '%ds', true),
                    set_config('idle_in_transaction_session_timeout', '%ds', true);
                %s;
                select set_config('lock_timeout', current_setting('posthaste.lock_timeout'), true);
                savepoint %s
                """.formatted(lock, silence, insert, NOTE).strip();
    }

    @Override
    List<String> afterNote(String unlimit) {
        return List.of();
    }

    /** Which spares asking for the level: the driver asks the server each time. */
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

    /** As a text of no known type, which the server makes what the column needs. */
    @Override
    void bindText(PreparedStatement statement, int parameter, String text) throws SQLException {
        statement.setObject(parameter, text, Types.OTHER);
    }

    /** None: the pending index is partial and on an expression, so it is the only one that serves the statement. */
    @Override
    String statusHint(TableLayout layout, Status status) {
        return "";
    }

    @Override
    List<WriteLockSource> writeLockSources(TableLayout layout) {
        return List.of(new WriteLockSource.OfPostgres(quoteTable(layout.table())));
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
    void checkServer(Connection connection, Schema.Findings findings) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("""
                        select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
                            current_setting('server_encoding')
                        """)) {
            row.next();
            if (row.getBoolean(1)) {
                findings.warnings()
                        .add(
                                "the server is a standby (pg_is_in_recovery): it accepts no writes, so nothing is published"
                                        + " until it is promoted. Connect to the primary");
            } else if (row.getBoolean(2)) {
                findings.warnings()
                        .add(
                                "transactions are read-only (default_transaction_read_only, or the pool): nothing is published"
                                        + " from here. Set it to off for this user");
            }
            if (!"UTF8".equals(row.getString(3))) {
                findings.warnings()
                        .add("server_encoding is " + row.getString(3)
                                + ": the database refuses characters that it does not"
                                + " have, in events and in the error texts that relays write. Use a database in UTF8");
            }
        }
    }

    @Override
    void checkTable(Connection connection, String schema, String table, Schema.Findings findings) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select c.relpersistence::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = ? and c.relname = ?
                """)) {
            statement.setString(1, schema);
            statement.setString(2, table);
            try (ResultSet row = statement.executeQuery()) {
                if (row.next() && !PERMANENT.equals(row.getString(1))) {
                    findings.warnings()
                            .add("table " + table
                                    + " is unlogged or temporary: the server empties it after a crash, and the"
                                    + " events in it are lost. Run: alter table " + table + " set logged");
                }
            }
        }
    }

    /** Either the column owns the sequence, or its default draws from it. */
    @Override
    void checkIds(Connection connection, String schema, TableLayout layout, Schema.Findings findings)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select distinct s.oid::regclass::text, q.seqcache, q.seqincrement, q.seqcycle
                from pg_namespace n
                join pg_class t on t.relnamespace = n.oid
                join pg_attribute a on a.attrelid = t.oid
                left join pg_attrdef f on f.adrelid = t.oid and f.adnum = a.attnum
                join pg_depend d
                    on d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
                        and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.refobjsubid = a.attnum
                    or d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass
                join pg_class s on s.relkind = 'S'
                    and s.oid = case d.classid when 'pg_class'::regclass then d.objid else d.refobjid end
                join pg_sequence q on q.seqrelid = s.oid
                where n.nspname = ? and t.relname = ? and a.attname = ?
                """)) {
            statement.setString(1, schema);
            statement.setString(2, layout.simpleName());
            statement.setString(3, layout.column(TableLayout.Column.ID));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String of = "sequence " + row.getString(1) + " of table " + layout.table();
                    checkSequence(row, of, layout.isStandard() ? findings.faults() : findings.warnings(), findings);
                }
            }
        }
    }

    /** @param disorder where to say that the order of ids is not the order of writes */
    private static void checkSequence(ResultSet row, String of, List<String> disorder, Schema.Findings findings)
            throws SQLException {
        String alter = ". Run: alter sequence " + row.getString(1);
        if (row.getLong(2) > 1) {
            disorder.add(of + " has CACHE " + row.getLong(2)
                    + ": each session draws ids from a block of its own, so events of"
                    + " one key are published in another order than they were written" + alter + " cache 1");
        }
        if (row.getBoolean(4)) {
            disorder.add(
                    of + " has CYCLE: when it starts again, new events get lower ids than old ones and are published"
                            + " before them" + alter + " no cycle");
        }
        if (row.getLong(3) < 0) {
            disorder.add(of + " has INCREMENT " + row.getLong(3)
                    + ": later events get lower ids and are published first" + alter + " increment 1");
        } else if (row.getLong(3) != 1) {
            findings.warnings()
                    .add(of + " has INCREMENT " + row.getLong(3)
                            + ": a program that fills the steps from blocks of its own"
                            + " writes ids out of order, and every id leaves a gap that relays look at again" + alter
                            + " increment 1");
        }
    }

    @Override
    List<String> equalTexts(Connection connection, ColumnChecks.Facts column) throws SQLException {
        if (column.type().equals("character")) {
            return List.of(BLANK_AT_END);
        }
        try (PreparedStatement statement = connection.prepareStatement("""
                select t.typname, quote_ident(cn.nspname) || '.' || quote_ident(c.collname), c.collisdeterministic
                from pg_namespace n
                join pg_class r on r.relnamespace = n.oid
                join pg_attribute a on a.attrelid = r.oid
                join pg_type t on t.oid = a.atttypid
                left join pg_collation c on c.oid = a.attcollation
                left join pg_namespace cn on cn.oid = c.collnamespace
                where n.nspname = ? and r.relname = ? and a.attname = ?
                """)) {
            statement.setString(1, column.schema());
            statement.setString(2, column.table());
            statement.setString(3, column.name());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return List.of();
                }
                if ("citext".equals(row.getString(1))) {
                    return List.of("'K' and 'k'");
                }
                return row.getString(2) == null || row.getBoolean(3)
                        ? List.of()
                        : ask(connection, "%s::text collate " + row.getString(2) + " = %s::text");
            }
        }
    }

    @Override
    String byteCollation(Connection connection) {
        return "a deterministic collation, such as \"C\"";
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
}
