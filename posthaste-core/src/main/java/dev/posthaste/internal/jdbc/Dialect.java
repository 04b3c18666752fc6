package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What differs between databases. Statements are written once, as {@link SqlTemplate templates}.
 *
 * <p>Immutable and thread-safe.
 */
public abstract sealed class Dialect permits PostgreSqlDialect, MySqlDialect, SqliteDialect, H2Dialect {
    /** The savepoint right after an inbox's note. */
    static final String NOTE = "posthaste_note";

    public static final Dialect POSTGRESQL = new PostgreSqlDialect();
    public static final Dialect MYSQL = MySqlDialect.mysql();
    public static final Dialect MARIADB = MySqlDialect.mariadb();
    public static final Dialect SQLITE = new SqliteDialect();
    public static final Dialect H2 = new H2Dialect();

    Dialect() {}

    /**
     * The dialect of the database behind a connection.
     *
     * @throws SQLException if it is none of PostgreSQL, MySQL, MariaDB, SQLite and H2
     */
    public static Dialect of(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        String product = data.getDatabaseProductName();
        return switch (product.toLowerCase(Locale.ROOT)) {
            case "postgresql" -> POSTGRESQL;
            case "mariadb" -> MARIADB;
            case "mysql" ->
                data.getDatabaseProductVersion().toLowerCase(Locale.ROOT).contains("mariadb") ? MARIADB : MYSQL;
            case "sqlite" -> SQLITE;
            case "h2" -> H2;
            default ->
                throw new SQLException("Posthaste knows PostgreSQL, MySQL, MariaDB, SQLite and H2, not " + product);
        };
    }

    /** @throws IllegalArgumentException if no dialect has this name */
    public static Dialect named(String name) {
        List<Dialect> all = List.of(POSTGRESQL, MYSQL, MARIADB, SQLITE, H2);
        return all.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("No database is named '" + name + "'; there are " + all));
    }

    /** The directory of this dialect's scripts. */
    public abstract String name();

    abstract String now();

    abstract String fromNow();

    abstract String nanosUntil(String column);

    abstract String nanosSince(String column);

    abstract String micros(String column);

    abstract String atMicros();

    /**
     * What makes the planner use the index of Posthaste's script that leads to rows of {@code status}, whatever its
     * statistics say.
     */
    abstract String statusHint(EventTable layout, Status status);

    /** What makes the planner use the primary key; empty where there is no such hint. */
    String primaryKeyHint() {
        return "";
    }

    /** Whether the planner must be told which index finds a row by its id. */
    boolean hintsIdIndex() {
        return !primaryKeyHint().isEmpty();
    }

    /** Whether an id is the number by which rows are stored, in every table, so that no index leads to it. */
    boolean idIsRowNumber() {
        return false;
    }

    /** {@code hint} where this database accepts hints; otherwise nothing. */
    String afterHint(String hint) {
        return hintsIdIndex() ? " " + hint : "";
    }

    /** The beginning of a DELETE from {@code table}, which is read in the way of {@code byId}. */
    String deleteFrom(String table, String byId) {
        return "delete from " + table;
    }

    /** A comparison of {@code column} with the status codes, spelt so that no index on that column serves it. */
    String isWithoutIndex(String column, List<String> literals) {
        String text = "(" + column + " || '')"; // an expression, which no index on the column knows
        List<String> codes = literals.stream()
                .map(each -> each.startsWith("'") ? each : "'" + each + "'")
                .toList();
        return SqlTemplate.isOneOf(text, codes);
    }

    /** How many bytes a column's value has. */
    String octets(String column, boolean standard) {
        return "octet_length(" + column + ")";
    }

    /** The beginning of a column's text. */
    String start(String column, boolean standard, int characters) {
        return "left(" + column + ", " + characters + ")";
    }

    /** Whether an event whose next attempt is in this column is due, by the clock of {@link #nanosUntil}. */
    String isDue(String column) {
        return "(" + column + " is null or " + column + " <= " + now() + ")";
    }

    /** A column's time, or 30,000 days before or after now where it is further away; null where the column is. */
    abstract String withinDecades(String column);

    /** Whether ranges of ids are two array parameters; otherwise the numbers are in the statement. */
    boolean bindsRanges() {
        return false;
    }

    /** Whether one statement finds many ranges of ids by an index; otherwise each needs its own. */
    boolean unitesRanges() {
        return true;
    }

    /** A row's position in the pending index, computed from its id. */
    String pendingPosition(String id) {
        return id;
    }

    /** Whether the pending index holds the rows of every status, in this order. */
    boolean indexesEveryStatus() {
        return true;
    }

    /** The order of the pending index, among pending rows. */
    String pendingOrder(String id, String status) {
        return pendingPosition(id);
    }

    /** The same dialect for a table whose times show the clock of {@code zone}; see {@link EventTable}. */
    Dialect inZone(String zone) {
        return this;
    }

    /** Binds a text to a column that need not be one of text: a UUID, JSON. */
    void bindText(PreparedStatement statement, int parameter, String text) throws SQLException {
        statement.setString(parameter, text);
    }

    /**
     * Tells the server to end the session, and with it the transaction and its locks, when the client is silent for
     * {@code silence} seconds in the middle of one: a paused process could otherwise keep others from settling or
     * taking over for hours. Also tells it to give up on a statement that waits for a lock for {@code lock} seconds.
     * Empty where the server cannot.
     */
    abstract String limitWaits(long silence, long lock);

    /** Whether {@link #limitWaits} also makes the transaction one at READ COMMITTED. */
    boolean beginsReadCommitted() {
        return false;
    }

    /** Reverts {@link #limitWaits} after the transaction; empty where it ends with the transaction. */
    abstract String unlimitWaits();

    /** Whether updates outside a transaction are limited too. */
    boolean limitsUpdates() {
        return false;
    }

    /**
     * Executes {@link #limitWaits}.
     *
     * @return the statement that reverts it; empty where there is nothing to revert
     */
    String limit(Connection connection, long silence, long lock) throws SQLException {
        JdbcTransactions.execute(connection, limitWaits(silence, lock));
        return unlimitWaits();
    }

    /** What limits the session before an inbox's note. */
    String beforeNote(long silence, long lock) {
        return limitWaits(silence, lock);
    }

    /**
     * Like {@link #limit}, before an inbox's note.
     *
     * @param silence 0 leaves it as it is
     */
    String limitNote(Connection connection, long silence, long lock) throws SQLException {
        String limits = beforeNote(silence, lock);
        JdbcTransactions.execute(connection, limits);
        return limits.isEmpty() ? "" : unlimitNote();
    }

    /** The INSERT of an inbox's note, alone or together with the statements around it. */
    String note(String insert, long silence, long lock) {
        return insert;
    }

    /**
     * What makes the transaction ready for a handler: its own lock wait, and the savepoint that is proof.
     *
     * @param unlimit what {@link #limitNote} returned
     */
    List<String> afterNote(String unlimit) {
        return List.of("savepoint " + NOTE);
    }

    /** Reverts {@link #beforeNote}, before or after {@link #afterNote}. */
    String unlimitNote() {
        return unlimitWaits();
    }

    /** After a note, what makes a savepoint before it proof. */
    String signNote(String savepoint) {
        return "";
    }

    /** Fails unless the transaction is still the one that took the note, and this savepoint. */
    String proveNote(String savepoint) {
        return "release savepoint " + savepoint;
    }

    /** Forgets a savepoint that was rolled back to. */
    String releaseNote(String savepoint) {
        return "release savepoint " + savepoint;
    }

    /** At most as many rows as a parameter allows. */
    String limit() {
        return "limit ?";
    }

    /** What makes a query lock the rows that it reads against change. */
    abstract String lockShared();

    /** Whether a transaction locks the rows that it changes, and not the whole database. */
    boolean locksRows() {
        return true;
    }

    /** What makes a query lock the rows that it reads. */
    String forUpdate() {
        return locksRows() ? "for update" : "";
    }

    /** The same, leaving out rows that another transaction has locked. */
    String skipLocked() {
        return locksRows() ? "for update skip locked" : "";
    }

    /**
     * Whether transactions commit in the order of their events' ids: then an id that is missing below a visible one stays
     * missing.
     */
    boolean commitsInIdOrder() {
        return false;
    }

    // --- Transactions ------------------------------------------------------------------------------------------------

    /**
     * The statement that begins one of Posthaste's own transactions on a connection in auto-commit mode; empty where
     * the driver begins it when auto-commit is turned off. Such a transaction ends by a {@code commit} or {@code
     * rollback} of the same kind.
     */
    String begin() {
        return "";
    }

    /**
     * Whether statements are committed one by one after a statement has ended the transaction, although auto-commit is
     * off.
     */
    boolean commitsByStatement() {
        return false;
    }

    /** Ends a transaction of an inbox. {@code autoCommitBefore}: whether auto-commit was on before it. */
    void commit(Connection connection, boolean autoCommitBefore) throws SQLException {
        connection.commit();
    }

    /** Rolls a transaction of an inbox back, if there is still one. */
    void rollback(Connection connection) throws SQLException {
        connection.rollback();
    }

    /**
     * Fails unless a transaction is open on a connection whose auto-commit is off.
     *
     * @throws SQLException if there is none, whatever the driver thinks
     */
    public void requireTransaction(Connection connection) throws SQLException {}

    /** Closes what the driver's {@code abort} leaves open. */
    void closeAborted(Connection connection) throws SQLException {}

    /** Where this database lists the transactions that hold a write lock on a table; the best first. */
    List<WriteLockSource> writeLockSources(EventTable layout) {
        return List.of();
    }

    /** Whether a list of ids is one array parameter; otherwise the numbers are written into the statement. */
    boolean bindsArrays() {
        return false;
    }

    /** An INSERT that skips a row that already exists, where its error would do more than fail. */
    String ignoringDuplicates(String insert) {
        return insert;
    }

    /**
     * Whether an INSERT that meets a duplicate locks that row's neighbourhood in the index until the transaction ends, so
     * that it is better to look first.
     */
    boolean duplicatesLockTheirNeighbours() {
        return false;
    }

    /** Like {@link #ignoringDuplicates(String)}, only for rows with the same value in one column. */
    String ignoringDuplicates(String insert, String column) {
        return insert;
    }

    abstract String quote(String identifier);

    /** What {@link java.sql.Statement#setFetchSize} needs to read row by row instead of everything at once. */
    abstract int streamingFetchSize();

    /** Whether rows only stream inside a transaction. */
    abstract boolean streamsInTransactionOnly();

    /** The type of a column for texts of at most {@code length} characters. */
    String textType(int length) {
        return "varchar(" + length + ")";
    }

    /** The type of a column for bytes. */
    abstract String binaryType();

    /** What is to be checked before a start. */
    abstract DatabaseChecks checks();

    /**
     * How long the oldest open transaction has been open, prepared ones included; zero where this user may not know.
     */
    abstract Duration oldestTransaction(Connection connection) throws SQLException;

    /** Whether a unique or primary key refused the row. */
    public boolean isDuplicate(SQLException e) {
        return "23505".equals(e.getSQLState()) || e.getErrorCode() == 1062;
    }

    /** Whether a {@linkplain #isDuplicate duplicate} is the primary key's, as far as the server's message shows. */
    abstract boolean isDuplicateOfPrimaryKey(SQLException e);

    /** Whether this user may change rows and yet not lock them; the transaction continues. */
    boolean isLockDenied(SQLException e) {
        return false;
    }

    final String quoteTable(String table) {
        return List.of(table.split("\\.", 2)).stream().map(this::quote).collect(Collectors.joining("."));
    }

    /** {@code template} in one line, with its placeholders replaced. */
    final String sql(String template) {
        return SqlTemplate.fill(template, this);
    }

    @Override
    public String toString() {
        return name();
    }
}
