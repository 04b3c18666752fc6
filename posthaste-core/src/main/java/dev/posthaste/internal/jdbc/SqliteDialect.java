package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * SQLite 3.43 and later, with the driver {@code org.xerial:sqlite-jdbc}. Times are milliseconds since 1970, as the driver
 * writes and reads them.
 *
 * <p>There is one writer at a time in the whole database, across processes. Its lock takes the place of row locks; ids
 * become visible in order, and none that is missing below a visible one turns up later.
 *
 * <p>Posthaste's own transactions begin with {@code begin immediate}, which waits for the writer; the driver's would do
 * so when auto-commit is turned off or, in its default mode, only when they write, and would then fail immediately if
 * they have read.
 */
final class SqliteDialect extends Dialect {
    private static final String NOW = "cast(round(unixepoch('now', 'subsec') * 1000) as integer)";
    private static final String DAYS_30000 = "2592000000000";

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

    /** Pending and dead rows each have their own index. Published ones have one only in tracked outboxes. */
    @Override
    String statusHint(EventTable layout, Status status) {
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
        return SqlTemplate.isOneOf(column, literals);
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
    String lockShared() {
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

    /** Nothing ends the session of a process that is silent. */
    @Override
    String limitWaits(long silence, long lock) {
        return "pragma busy_timeout = " + lock * 1000;
    }

    @Override
    String unlimitWaits() {
        return "";
    }

    @Override
    boolean limitsUpdates() {
        return true;
    }

    @Override
    String limit(Connection connection, long silence, long lock) throws SQLException {
        int before = Integer.parseInt(pragma(connection, "busy_timeout"));
        if (before == lock * 1000) {
            return "";
        }
        JdbcTransactions.execute(connection, limitWaits(silence, lock));
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

    @Override
    void closeAborted(Connection connection) throws SQLException {
        if (connection.isWrapperFor(Connection.class)) {
            connection.unwrap(Connection.class).close(); // the driver does not know abort
        }
    }

    /**
     * The driver's own commit begins the next transaction immediately, and fails when it cannot get the lock for that.
     */
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

    /** The driver's own rollback fails where SQLite has already rolled back, and begins the next transaction. */
    @Override
    void rollback(Connection connection) throws SQLException {
        try {
            JdbcTransactions.execute(connection, "rollback");
        } catch (SQLException e) {
            if (!SqliteErrors.isNoTransaction(e)) {
                throw e;
            }
        }
        if (!connection.getAutoCommit()) {
            JdbcTransactions.execute(connection, "begin"); // which takes no lock, and which the driver ends
        }
    }

    /**
     * The driver turns auto-commit off before it begins the transaction, and fails to roll back what SQLite has already
     * rolled back. Then there is no transaction, and a pool may hand the connection out again: its user's statements
     * commit one by one. This leaves it in auto-commit mode, as pools expect.
     */
    @Override
    public void requireTransaction(Connection connection) throws SQLException {
        try {
            JdbcTransactions.execute(connection, "begin");
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
    DatabaseChecks checks() {
        return new SqliteChecks();
    }

    @Override
    Duration oldestTransaction(Connection connection) {
        return Duration.ZERO;
    }

    static String pragma(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("pragma " + name)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        }
    }

    @Override
    boolean isDuplicateOfPrimaryKey(SQLException e) {
        return SqliteErrors.isDuplicateOfPrimaryKey(e);
    }
}
