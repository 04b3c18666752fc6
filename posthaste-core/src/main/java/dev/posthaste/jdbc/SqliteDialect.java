package dev.posthaste.jdbc;

import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * SQLite 3.43 and later, with the driver {@code org.xerial:sqlite-jdbc}. Times are milliseconds since 1970, as the driver
 * writes and reads them.
 *
 * <p>There is one writer at a time in the whole database, across processes. Its lock takes the place of row locks; ids
 * become visible in order, and none that is missing below a visible one turns up later.
 *
 * <p>Posthaste's own transactions begin with {@code begin immediate}, which waits for the writer; the driver's would do so
 * when auto-commit is turned off or, by its default mode, not before they write, and then fail at once if they have read.
 */
final class SqliteDialect extends Dialect {
    private static final String NOW = "cast(round(unixepoch('now', 'subsec') * 1000) as integer)";
    private static final String DAYS_30000 = "2592000000000";

    /** Which has octet_length; sub-second times and strict tables are older. */
    private static final int MIN_MINOR_VERSION = 43;

    private static final Pattern VERSION = Pattern.compile("^3\\.(\\d+)\\b.*");
    private static final Pattern AUTOINCREMENT = Pattern.compile("(?is).*\\bautoincrement\\b.*");
    private static final int RECOMMENDED_BUSY_MILLIS = 5_000;

    @Override
    public String name() {
        return "sqlite";
    }

    // --- Times -------------------------------------------------------------------------------------------------------

    @Override
    String now() {
        return NOW;
    }

    /** Rounded up, so that nothing is due too early. */
    @Override
    String fromNow() {
        return NOW + " + (? + 999) / 1000";
    }

    @Override
    String nanosUntil(String column) {
        return "(" + column + " - " + NOW + ") * 1000000";
    }

    @Override
    String nanosSince(String column) {
        return "(" + NOW + " - " + column + ") * 1000000";
    }

    @Override
    String micros(String column) {
        return column + " * 1000";
    }

    @Override
    String atMicros() {
        return "(? / 1000.0)";
    }

    @Override
    String withinDecades(String column) {
        return "min(max(" + column + ", " + NOW + " - " + DAYS_30000 + "), " + NOW + " + " + DAYS_30000 + ")";
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    /** Pending and dead rows have an index of their own each. Published ones do in tracked outboxes only. */
    @Override
    String statusHint(TableLayout layout, Status status) {
        String index = Objects.requireNonNull(layout.pendingIndex());
        return switch (status) {
            case PENDING -> "indexed by " + quote(index);
            case DEAD -> "indexed by " + quote(layout.simpleName() + "_dead");
            default -> "";
        };
    }

    @Override
    boolean indexesEveryStatus() {
        return false;
    }

    /** The id is the row's own number, which no index leads to. */
    @Override
    String primaryKeyHint() {
        return "not indexed";
    }

    @Override
    boolean idIsRowNumber() {
        return true;
    }

    @Override
    String deleteFrom(String table, String byId) {
        return "delete from " + byId;
    }

    @Override
    String isWithoutIndex(String column, List<String> literals) {
        return isOneOf(column, literals);
    }

    /** It would read the whole index. */
    @Override
    boolean unitesRanges() {
        return false;
    }

    @Override
    String start(String column, boolean standard, int characters) {
        return "substr(" + column + ", 1, " + characters + ")";
    }

    @Override
    String ignoringDuplicates(String insert) {
        return insert + " on conflict do nothing";
    }

    @Override
    String quote(String identifier) {
        return '"' + identifier + '"';
    }

    @Override
    String textType(int length) {
        return "text";
    }

    @Override
    String binaryType() {
        return "blob";
    }

    @Override
    int streamingFetchSize() {
        return 0;
    }

    @Override
    boolean streamsInTransactionOnly() {
        return false;
    }

    // --- Locks -------------------------------------------------------------------------------------------------------

    @Override
    String share() {
        return "";
    }

    @Override
    boolean locksRows() {
        return false;
    }

    @Override
    boolean commitsInIdOrder() {
        return true;
    }

    /** Nobody ends the session of a process that is silent. */
    @Override
    String limitWaits(long silence, long lock) {
        return "pragma busy_timeout = " + lock * 1000;
    }

    @Override
    String unlimitWaits() {
        return "";
    }

    @Override
    boolean limitsStatements() {
        return true;
    }

    @Override
    String limit(Connection connection, long silence, long lock) throws SQLException {
        int before = Integer.parseInt(pragma(connection, "busy_timeout"));
        if (before == lock * 1000) {
            return "";
        }
        Transactions.execute(connection, limitWaits(silence, lock));
        return "pragma busy_timeout = " + before;
    }

    @Override
    String limitNote(Connection connection, long silence, long lock) throws SQLException {
        return limit(connection, silence, lock);
    }

    @Override
    List<String> afterNote(String unlimit) {
        return List.of(unlimit, "savepoint " + NOTE);
    }

    // --- Transactions ------------------------------------------------------------------------------------------------

    /** All isolation levels are one: a transaction sees what was committed when it first read, and writers take turns. */
    @Override
    boolean beginsReadCommitted() {
        return true;
    }

    @Override
    String begin() {
        return "begin immediate";
    }

    @Override
    boolean commitsByStatement() {
        return true;
    }

    /** The driver's own commit begins the next transaction at once, and fails when it cannot have the lock for that. */
    @Override
    void commit(Connection connection, boolean autoCommitBefore) throws SQLException {
        if (!autoCommitBefore) {
            connection.commit();
            return;
        }
        try {
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            rollback(connection);
            connection.setAutoCommit(true); // the driver has turned it on already, and now a pool knows it too
            throw e;
        }
    }

    /** The driver's own rollback fails where SQLite has rolled back by itself, and begins the next transaction. */
    @Override
    void rollback(Connection connection) throws SQLException {
        try {
            Transactions.execute(connection, "rollback");
        } catch (SQLException e) {
            if (!SqliteErrors.isNoTransaction(e)) {
                throw e;
            }
        }
        if (!connection.getAutoCommit()) {
            Transactions.execute(connection, "begin"); // which takes no lock, and which the driver ends
        }
    }

    /**
     * The driver turns auto-commit off before it begins the transaction, and fails to roll back what SQLite has rolled back
     * by itself. Then there is no transaction, and a pool may hand the connection out again: its user's statements commit
     * one by one. This leaves it in auto-commit mode, as pools expect.
     */
    @Override
    public void requireTransaction(Connection connection) throws SQLException {
        try {
            Transactions.execute(connection, "begin");
        } catch (SQLException e) {
            if (SqliteErrors.isWithinTransaction(e)) {
                return;
            }
            throw e;
        }
        connection.setAutoCommit(true); // which ends what was just begun
        throw new SQLException(
                "No transaction is open on this connection, though auto-commit is off: what was written on it"
                        + " has been committed statement by statement. SQLite's driver leaves a connection so after an error such as"
                        + " SQLITE_FULL or SQLITE_IOERR, and when setAutoCommit(false) fails with SQLITE_BUSY in transaction_mode"
                        + " IMMEDIATE or EXCLUSIVE. Have the pool evict connections with such errors, and leave transaction_mode at"
                        + " DEFERRED; docs/COMPATIBILITY.md says how");
    }

    @Override
    public boolean isDuplicate(SQLException e) {
        return SqliteErrors.isDuplicate(e);
    }

    @Override
    Duration oldestTransaction(Connection connection) {
        return Duration.ZERO;
    }

    // --- Checks ------------------------------------------------------------------------------------------------------

    private static String pragma(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("pragma " + name)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        }
    }

    @Override
    List<String> durabilityWarnings(Connection connection) throws SQLException {
        List<String> warnings = new ArrayList<>();
        String synchronous = pragma(connection, "synchronous");
        if (synchronous.equals("0") || synchronous.equals("1")) {
            warnings.add("synchronous is " + (synchronous.equals("0") ? "OFF" : "NORMAL")
                    + ": a power failure loses commits that others have seen, so a published event may have no change"
                    + " behind it. Set synchronous=FULL in the JDBC URL of everybody who writes");
        }
        String journal = pragma(connection, "journal_mode").toLowerCase(Locale.ROOT);
        if (journal.equals("off") || journal.equals("memory")) {
            warnings.add(
                    "journal_mode is " + journal + ": a process that is killed while it writes leaves a corrupt file,"
                            + " or none. Set journal_mode=WAL");
        } else if (!journal.equals("wal")) {
            warnings.add("journal_mode is " + journal
                    + ": readers and the writer wait for each other. Set journal_mode=WAL in the JDBC URL");
        }
        return warnings;
    }

    @Override
    void checkServer(Connection connection, Schema.Findings findings) throws SQLException {
        String version = connection.getMetaData().getDatabaseProductVersion();
        Matcher minor = VERSION.matcher(version);
        if (minor.matches() && Integer.parseInt(minor.group(1)) < MIN_MINOR_VERSION) {
            findings.faults()
                    .add("SQLite is " + version + ", and Posthaste requires 3." + MIN_MINOR_VERSION
                            + " or later. Use a later sqlite-jdbc");
        }
        if (pragma(connection, "locking_mode").equalsIgnoreCase("exclusive")) {
            findings.faults()
                    .add("locking_mode is EXCLUSIVE: one connection keeps all others out. Set locking_mode=NORMAL");
        }
        if (pragma(connection, "read_uncommitted").equals("1")) {
            findings.warnings()
                    .add(
                            "read_uncommitted is on: with a shared cache, relays read events whose transaction may still be"
                                    + " rolled back. Turn it off");
        }
        String busy = pragma(connection, "busy_timeout");
        if (busy.matches("\\d{1,9}") && Integer.parseInt(busy) < RECOMMENDED_BUSY_MILLIS) {
            findings.warnings()
                    .add("busy_timeout is " + busy
                            + " ms: a writer that finds another one writing fails after that with"
                            + " SQLITE_BUSY. Set busy_timeout=10000 in the JDBC URL of everybody who writes");
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
        String unlimit = limit(connection, 0, 1);
        try {
            rollback(connection);
            Transactions.execute(connection, "delete from posthaste_lease where false");
            return false;
        } catch (SQLException e) {
            return SqliteErrors.isReadOnly(e); // other errors show elsewhere
        } finally {
            rollback(connection);
            Transactions.execute(connection, unlimit);
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
            pragma(connection, "wal_checkpoint(passive)");
            return false;
        } catch (SQLException e) {
            if (SqliteErrors.isBusy(e)) {
                return true;
            }
            throw e;
        } finally {
            rollback(connection);
            connection.setAutoCommit(autoCommitBefore);
        }
    }

    @Override
    void checkIds(Connection connection, String schema, TableLayout layout, Schema.Findings findings)
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
                                    + " Create the table anew with AUTOINCREMENT, and copy its rows");
                }
            }
        }
    }

    /** Of ids that are not numbers, something else is said. */
    private boolean isNumber(Connection connection, String schema, TableLayout layout) throws SQLException {
        ColumnChecks.Facts id = columns(connection, schema, layout.simpleName())
                .get(layout.column(Column.ID).toLowerCase(Locale.ROOT));
        return id != null && id.type().contains("int");
    }

    /** The latest rows tell: a column takes any value, whatever its type. */
    @Override
    void checkTimes(Connection connection, ColumnChecks.Facts column, Schema.Findings findings) throws SQLException {
        String name = quote(column.name());
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select typeof(" + name + ") from (select " + name + " from "
                        + quote(column.table()) + " order by rowid desc limit 100) where typeof(" + name
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
                    String name = row.getString(1);
                    String type = String.valueOf(row.getString(2)).toLowerCase(Locale.ROOT);
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
                "(select c = %2$s from (select " + quote(column.name()) + " as c from " + quote(column.table())
                        + " where false union all select %1$s))");
    }

    @Override
    String byteCollation(Connection connection) {
        return "the collation BINARY";
    }
}
