package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** What is checked on PostgreSQL. */
final class PostgreSqlChecks extends DatabaseChecks {
    private static final String PERMANENT = "p";

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
                warnings.add(rows.getString("name")
                        + " is off: a committed change may be lost after its event was published,"
                        + " or a committed event lost, when the server crashes. Set " + rows.getString("name")
                        + " = on");
            }
        }
        return warnings;
    }

    @Override
    void checkServer(Connection connection, DatabaseSchema.Findings findings) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("""
                        select pg_is_in_recovery() as standby,
                            current_setting('transaction_read_only') = 'on' as read_only,
                            current_setting('server_encoding') as encoding
                        """)) {
            row.next();
            if (row.getBoolean("standby")) {
                findings.warnings()
                        .add(
                                "the server is a standby (pg_is_in_recovery): it accepts no writes, so nothing is published"
                                        + " until it is promoted. Connect to the primary");
            } else if (row.getBoolean("read_only")) {
                findings.warnings()
                        .add(
                                "transactions are read-only (default_transaction_read_only, or the pool): nothing is published"
                                        + " from here. Set it to off for this user");
            }
            if (!"UTF8".equals(row.getString("encoding"))) {
                findings.warnings()
                        .add("server_encoding is " + row.getString("encoding")
                                + ": the database refuses characters that it does not"
                                + " have, in events and in the error texts that relays write. Use a database in UTF8");
            }
        }
    }

    @Override
    void checkTable(Connection connection, String schema, String table, DatabaseSchema.Findings findings)
            throws SQLException {
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
    void checkIds(Connection connection, String schema, EventTable layout, DatabaseSchema.Findings findings)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("""
                select distinct s.oid::regclass::text as sequence, q.seqcache, q.seqincrement, q.seqcycle
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
            statement.setString(3, layout.column(EventTable.Column.ID));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String of = "sequence " + row.getString("sequence") + " of table " + layout.table();
                    checkSequence(row, of, layout.isStandard() ? findings.faults() : findings.warnings(), findings);
                }
            }
        }
    }

    /** @param disorder where to report that the order of ids is not the order of writes */
    private static void checkSequence(ResultSet row, String of, List<String> disorder, DatabaseSchema.Findings findings)
            throws SQLException {
        String alter = ". Run: alter sequence " + row.getString("sequence");
        if (row.getLong("seqcache") > 1) {
            disorder.add(of + " has CACHE " + row.getLong("seqcache")
                    + ": each session draws ids from a block of its own, so events of"
                    + " one key are published in another order than they were written" + alter + " cache 1");
        }
        if (row.getBoolean("seqcycle")) {
            disorder.add(
                    of + " has CYCLE: when it starts again, new events get lower ids than old ones and are published"
                            + " before them" + alter + " no cycle");
        }
        if (row.getLong("seqincrement") < 0) {
            disorder.add(of + " has INCREMENT " + row.getLong("seqincrement")
                    + ": later events get lower ids and are published first" + alter + " increment 1");
        } else if (row.getLong("seqincrement") != 1) {
            findings.warnings()
                    .add(of + " has INCREMENT " + row.getLong("seqincrement")
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
                select t.typname, quote_ident(cn.nspname) || '.' || quote_ident(c.collname) as collation_name,
                    c.collisdeterministic
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
                if ("citext".equals(row.getString("typname"))) {
                    return List.of("'K' and 'k'");
                }
                return row.getString("collation_name") == null || row.getBoolean("collisdeterministic")
                        ? List.of()
                        : ask(connection, "%s::text collate " + row.getString("collation_name") + " = %s::text");
            }
        }
    }

    @Override
    void checkTimes(Connection connection, String zone, ColumnChecks.Facts column, DatabaseSchema.Findings findings) {
        if (column.type().equals("timestamp without time zone") && zone.isEmpty()) {
            findings.faults()
                    .add(column + " stores no time zone, and the layout does not say whose clock it shows" + WRONG_TIMES
                            + "State zone = UTC, session or an offset in the layout, or make it a timestamptz");
        } else if (column.type().equals("timestamp with time zone") && !zone.isEmpty() && !zone.equals("session")) {
            findings.faults()
                    .add(column + " stores the time zone itself, and the layout states zone = " + zone + WRONG_TIMES
                            + "Leave zone out of the layout");
        }
    }

    @Override
    String byteCollation(Connection connection) {
        return "a deterministic collation, such as \"C\"";
    }
}
