package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is checked on SQLite. */
final class SqliteChecks extends DatabaseChecks {
    /** The first with octet_length; sub-second times and strict tables are older. */
    private static final int MIN_MINOR_VERSION = 43;

    private static final Pattern VERSION = Pattern.compile("^3\\.(\\d+)\\b.*");
    private static final Pattern AUTOINCREMENT = Pattern.compile("(?is).*\\bautoincrement\\b.*");
    private static final int RECOMMENDED_BUSY_MILLIS = 5_000;

    @Override
    List<String> durabilityWarnings(Connection connection) throws SQLException {
        List<String> warnings = new ArrayList<>();
        String synchronous = SqliteDialect.pragma(connection, "synchronous");
        if (synchronous.equals("0") || synchronous.equals("1")) {
            warnings.add("synchronous is " + (synchronous.equals("0") ? "OFF" : "NORMAL")
                    + ": a power failure loses commits that others have seen, so a published event may have no change"
                    + " behind it. Set synchronous=FULL in the JDBC URL of every writer");
        }
        String mode = SqliteDialect.pragma(connection, "journal_mode").toLowerCase(Locale.ROOT);
        if (mode.equals("off") || mode.equals("memory")) {
            warnings.add("journal_mode is " + mode + ": a process that is killed while it writes leaves a corrupt file,"
                    + " or none. Set journal_mode=WAL");
        } else if (!mode.equals("wal")) {
            warnings.add("journal_mode is " + mode
                    + ": readers and the writer wait for each other. Set journal_mode=WAL in the JDBC URL");
        }
        return warnings;
    }

    @Override
    void checkServer(Connection connection, DatabaseSchema.Findings findings) throws SQLException {
        String version = connection.getMetaData().getDatabaseProductVersion();
        Matcher minor = VERSION.matcher(version);
        if (minor.matches() && Integer.parseInt(minor.group(1)) < MIN_MINOR_VERSION) {
            findings.faults()
                    .add("SQLite is " + version + ", and Posthaste requires 3." + MIN_MINOR_VERSION
                            + " or later. Use a later sqlite-jdbc");
        }
        if (SqliteDialect.pragma(connection, "locking_mode").equalsIgnoreCase("exclusive")) {
            findings.faults()
                    .add("locking_mode is EXCLUSIVE: one connection keeps all others out. Set locking_mode=NORMAL");
        }
        if (SqliteDialect.pragma(connection, "read_uncommitted").equals("1")) {
            findings.warnings()
                    .add(
                            "read_uncommitted is on: with a shared cache, relays read events whose transaction may still be"
                                    + " rolled back. Turn it off");
        }
        String busy = SqliteDialect.pragma(connection, "busy_timeout");
        if (busy.matches("\\d{1,9}") && Integer.parseInt(busy) < RECOMMENDED_BUSY_MILLIS) {
            findings.warnings()
                    .add("busy_timeout is " + busy
                            + " ms: a writer that finds another one writing fails after that with"
                            + " SQLITE_BUSY. Set busy_timeout=10000 in the JDBC URL of every writer");
        }
        if (isReadOnly(connection)) {
            findings.warnings()
                    .add(
                            "the database is read-only for this connection, so nothing is published from here. Let this process"
                                    + " write to the file, its directory, and the files beside it that end in -wal and -shm");
            return;
        }
        if (locksAtBegin(connection)) {
            findings.warnings()
                    .add("transaction_mode is IMMEDIATE or EXCLUSIVE: SQLite's driver then takes the write lock when"
                            + " auto-commit is turned off and again in every commit, for a transaction that may never come."
                            + " When the lock is not to be had within busy_timeout, commit fails though it has committed;"
                            + " and a connection whose setAutoCommit(false) failed commits statement by statement when a"
                            + " pool hands it out again, so that a change may be there without its event. Leave"
                            + " transaction_mode at DEFERRED, and begin transactions with a statement that writes");
        }
    }

    private boolean isReadOnly(Connection connection) throws SQLException {
        String unlimit = Dialect.SQLITE.limit(connection, 0, 1);
        try {
            Dialect.SQLITE.rollback(connection);
            JdbcTransactions.execute(connection, "delete from posthaste_lease where false");
            return false;
        } catch (SQLException e) {
            return SqliteErrors.isReadOnly(e); // other errors show elsewhere
        } finally {
            Dialect.SQLITE.rollback(connection);
            JdbcTransactions.execute(connection, unlimit);
        }
    }

    /** A transaction that has not taken a lock yet lets its connection run a checkpoint. */
    private boolean locksAtBegin(Connection connection) throws SQLException {
        boolean autoCommitBefore = connection.getAutoCommit();
        try {
            if (autoCommitBefore) {
                connection.setAutoCommit(false);
            } else {
                connection.rollback();
            }
            SqliteDialect.pragma(connection, "wal_checkpoint(passive)");
            return false;
        } catch (SQLException e) {
            if (SqliteErrors.isBusy(e)) {
                return true;
            }
            throw e;
        } finally {
            Dialect.SQLITE.rollback(connection);
            connection.setAutoCommit(autoCommitBefore);
        }
    }

    @Override
    void checkIds(Connection connection, String schema, EventTable layout, DatabaseSchema.Findings findings)
            throws SQLException {
        if (layout.table().contains(".")) {
            findings.faults()
                    .add("table " + layout.table()
                            + " names a schema, and Posthaste takes none on SQLite: a transaction"
                            + " over attached files may be half committed after a power failure");
        }
        try (PreparedStatement statement = connection.prepareStatement(
                "select sql from sqlite_schema where type = 'table' and name = ? collate nocase")) {
            statement.setString(1, layout.simpleName());
            try (ResultSet row = statement.executeQuery()) {
                if (row.next()
                        && !AUTOINCREMENT
                                .matcher(String.valueOf(row.getString(1)))
                                .matches()
                        && isNumber(connection, schema, layout)) {
                    findings.faults()
                            .add("column " + layout.column(Column.ID) + " of table " + layout.table()
                                    + " is not an INTEGER PRIMARY KEY AUTOINCREMENT: SQLite then gives out again the ids of"
                                    + " rows that were deleted, and new events are published before older ones, or late."
                                    + " Recreate the table with AUTOINCREMENT, and copy its rows");
                }
            }
        }
    }

    /** Ids that are not numbers are reported differently. */
    private boolean isNumber(Connection connection, String schema, EventTable layout) throws SQLException {
        ColumnChecks.Facts id = columns(connection, schema, layout.simpleName())
                .get(layout.column(Column.ID).toLowerCase(Locale.ROOT));
        return id != null && id.type().contains("int");
    }

    /** Times are numbers in any zone. The latest rows show whether they are: a column accepts any value, whatever its type. */
    @Override
    void checkTimes(Connection connection, String zone, ColumnChecks.Facts column, DatabaseSchema.Findings findings)
            throws SQLException {
        String name = Dialect.SQLITE.quote(column.name());
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select typeof(" + name + ") from (select " + name + " from "
                        + Dialect.SQLITE.quote(column.table()) + " order by rowid desc limit 100) where typeof(" + name
                        + ") not in ('integer', 'null') limit 1")) {
            if (row.next()) {
                findings.faults()
                        .add(column + " holds times as " + row.getString(1)
                                + ", and Posthaste reads them as milliseconds since 1970, an integer: events would never be"
                                + " due. Store integers, such as cast(unixepoch('subsec') * 1000 as integer)");
            }
        }
    }

    @Override
    Map<String, ColumnChecks.Facts> columns(Connection connection, String schema, String table) throws SQLException {
        Map<String, ColumnChecks.Facts> columns = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement("select name, type from pragma_table_info(?)")) {
            statement.setString(1, table);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String name = row.getString("name");
                    String type = String.valueOf(row.getString("type")).toLowerCase(Locale.ROOT);
                    columns.put(
                            name.toLowerCase(Locale.ROOT),
                            new ColumnChecks.Facts(schema, table, name, type, Long.MAX_VALUE, null, null));
                }
            }
        }
        return columns;
    }

    /** A column keeps its collation through a query of itself and a text. */
    @Override
    List<String> equalTexts(Connection connection, ColumnChecks.Facts column) throws SQLException {
        return ask(
                connection,
                "(select c = %2$s from (select " + Dialect.SQLITE.quote(column.name()) + " as c from "
                        + Dialect.SQLITE.quote(column.table()) + " where false union all select %1$s))");
    }

    @Override
    String byteCollation(Connection connection) {
        return "the collation BINARY";
    }
}
