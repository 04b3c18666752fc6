package dev.posthaste.jdbc;

import dev.posthaste.Status;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What differs between databases. Statements are written once, with these marks in braces:
 *
 * <ul>
 *   <li>{@code {now}} the database's clock, {@code {fromNow}} the same plus a parameter in microseconds
 *   <li>{@code {nanosUntil:COLUMN}} from the database's clock to a column, {@code {nanosSince:COLUMN}} the other way
 *   <li>{@code {micros:COLUMN}} a column's time in microseconds since 1970, {@code {atMicros}} such a parameter as a time
 *   <li>{@code {share}} what locks a row that was read against change
 * </ul>
 *
 * Immutable and thread-safe.
 */
public abstract sealed class Dialect permits PostgreSqlDialect, MySqlDialect, SqliteDialect, H2Dialect {
    private static final Set<String> TRANSIENT_STATES = Set.of("40001", "40P01", "55P03", "57014");
    /** A trigger's own errors. */
    private static final Set<String> REFUSED_STATES = Set.of("45000", "P0001");
    /** Of MySQL and MariaDB, whose states do not tell: wrong characters, too long, out of range, cut, no JSON, checks. */
    private static final Set<Integer> REFUSED_CODES =
            Set.of(1264, 1265, 1267, 1292, 1366, 1406, 3140, 3819, 3854, 3988, 4025);
    /** Of MySQL and MariaDB: read_only, a read-only transaction, InnoDB read-only. */
    private static final Set<Integer> READ_ONLY_CODES = Set.of(1290, 1792, 1836);

    private static final Set<String> SHUTDOWN_STATES = Set.of("57P01", "57P02", "57P03");
    private static final int LONGEST_LIST = 500;
    private static final int MAX_CAUSES = 100;
    /** Of MySQL and MariaDB: disk full, table full, too many connections of the server or of this user. */
    private static final Set<Integer> FULL_CODES = Set.of(1021, 1040, 1114, 1203, 1226);

    /** Disk full, too many connections; not 53200 and 53400, which a single statement can bring about each time. */
    private static final Set<String> FULL_STATES = Set.of("53100", "53300");

    private static final Set<String> CONTENTION_STATES = Set.of("40001", "40P01", "55P03");
    private static final Set<Integer> TRANSIENT_CODES = Set.of(1205, 1213, 3572, 50200);

    /** The savepoint right after an inbox's note. */
    static final String NOTE = "posthaste_note";

    /** The pair of {@link #ask} that differs in a blank at the end. */
    static final String BLANK_AT_END = "'K' and 'K '";

    private static final Set<Integer> DENIED_CODES = Set.of(1044, 1142, 1143, 1227, 1370);

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
    abstract String statusHint(TableLayout layout, Status status);

    /** What makes the planner use the primary key; empty where it cannot be told. */
    String primaryKeyHint() {
        return "";
    }

    /** Whether the planner must be told which index leads to a row by its id. */
    boolean hintsIdIndex() {
        return !primaryKeyHint().isEmpty();
    }

    /** Whether an id is the number by which rows are stored, in every table, so that no index leads to it. */
    boolean idIsRowNumber() {
        return false;
    }

    /** {@code hint} where this database takes hints; otherwise nothing. */
    String afterHint(String hint) {
        return hintsIdIndex() ? " " + hint : "";
    }

    /** The beginning of a DELETE from {@code table}, which is read as {@code byId} says. */
    String deleteFrom(String table, String byId) {
        return "delete from " + table;
    }

    /** A comparison of {@code column} with the status codes, spelt so that no index on that column serves it. */
    String isWithoutIndex(String column, List<String> literals) {
        String text = "(" + column + " || '')"; // an expression, which no index on the column knows
        List<String> codes = literals.stream()
                .map(each -> each.startsWith("'") ? each : "'" + each + "'")
                .toList();
        return isOneOf(text, codes);
    }

    static String isOneOf(String what, List<String> literals) {
        return literals.size() == 1
                ? what + " = " + literals.get(0)
                : what + " in (" + String.join(", ", literals) + ")";
    }

    /** How many bytes a column's value has. */
    String octets(String column, boolean standard) {
        return "octet_length(" + column + ")";
    }

    /** The beginning of a column's text. */
    String start(String column, boolean standard, int characters) {
        return "left(" + column + ", " + characters + ")";
    }

    /** Whether an event is due whose next attempt a column holds, by the clock that {@link #nanosUntil} goes by. */
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

    /** A row's position in the pending index, made of its id. */
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

    /** The same dialect for a table whose times show the clock of {@code zone}; see {@link TableLayout}. */
    Dialect inZone(String zone) {
        return this;
    }

    /** Binds a text to a column that need not be one of text: a UUID, JSON. */
    void bindText(PreparedStatement statement, int parameter, String text) throws SQLException {
        statement.setString(parameter, text);
    }

    /**
     * Tells the server to end the session, and with it the transaction and its locks, when the client says nothing for
     * {@code silence} seconds in the middle of one: a paused process could otherwise keep others from settling or taking
     * over for hours. And to give a statement up that waits for a lock for {@code lock} seconds. Empty where the server
     * cannot.
     */
    abstract String limitWaits(long silence, long lock);

    /** Whether {@link #limitWaits} also makes the transaction one at READ COMMITTED. */
    boolean beginsReadCommitted() {
        return false;
    }

    /** Takes {@link #limitWaits} back after the transaction; empty where it ends with the transaction. */
    abstract String unlimitWaits();

    /** Whether statements outside a transaction are limited too. */
    boolean limitsStatements() {
        return false;
    }

    /**
     * Executes {@link #limitWaits}.
     *
     * @return the statement that takes it back; empty where there is nothing to take back
     */
    String limit(Connection connection, long silence, long lock) throws SQLException {
        Transactions.execute(connection, limitWaits(silence, lock));
        return unlimitWaits();
    }

    /** What limits the session before an inbox's note. */
    String beforeNote(long silence, long lock) {
        return limitWaits(silence, lock);
    }

    /** As {@link #limit}, before an inbox's note. */
    String limitNote(Connection connection, long silence, long lock) throws SQLException {
        String limits = beforeNote(silence, lock);
        Transactions.execute(connection, limits);
        return limits.isEmpty() ? "" : unlimitNote();
    }

    /** The INSERT of an inbox's note, alone or together with what else surrounds it. */
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

    /** Takes {@link #beforeNote} back, before or after {@link #afterNote}. */
    String unlimitNote() {
        return unlimitWaits();
    }

    /** Whether a savepoint does not exist, since the transaction that made it has ended. */
    static boolean isNoSavepoint(SQLException e) {
        return "3B001".equals(e.getSQLState())
                || e.getErrorCode() == 1305
                || e.getErrorCode() == 90063
                || SqliteErrors.isNoSavepoint(e);
    }

    /** Fails unless the transaction is still the one that took the note. */
    String proveNote() {
        return "release savepoint " + NOTE;
    }

    /** At most so many rows, the number being a parameter. */
    String limit() {
        return "limit ?";
    }

    abstract String share();

    /** Whether a transaction locks the rows that it changes, and not the whole database. */
    boolean locksRows() {
        return true;
    }

    /** What makes a query lock the rows that it reads. */
    String forUpdate() {
        return locksRows() ? " for update" : "";
    }

    /** The same, leaving out rows that another transaction has locked. */
    String skipLocked() {
        return locksRows() ? " for update skip locked" : "";
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
     * The statement that begins a transaction of Posthaste's own on a connection in auto-commit mode; empty where the
     * driver begins it when auto-commit is turned off. Such a transaction ends by a {@code commit} or {@code rollback} of
     * the same kind.
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

    /** Where this database lists the transactions that hold a write lock on a table; the best first. */
    List<WriteLockSource> writeLockSources(TableLayout layout) {
        return List.of();
    }

    /** Whether a list of ids is one array parameter; otherwise the numbers stand in the statement. */
    boolean bindsArrays() {
        return false;
    }

    /** Prepares {@code template}, whose {@code %s} is the comparison of the id with the list, its only parameter. */
    final PreparedStatement prepareWithIds(Connection connection, String template, Collection<Long> ids)
            throws SQLException {
        if (bindsArrays()) {
            PreparedStatement statement = connection.prepareStatement(template.replace("%s", "= any(?)"));
            statement.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
            return statement;
        }
        int end = template.indexOf(" %s");
        int start = template.lastIndexOf(' ', end - 1) + 1;
        return connection.prepareStatement(template.substring(0, start)
                + inLists(template.substring(start, end), List.copyOf(ids))
                + template.substring(end + 3));
    }

    /** In short lists: MariaDB makes a join of a list of a thousand, and then reads the whole table. */
    private static String inLists(String id, List<Long> ids) {
        List<String> lists = new ArrayList<>();
        for (int from = 0; from < ids.size(); from += LONGEST_LIST) {
            lists.add(ids.subList(from, Math.min(from + LONGEST_LIST, ids.size())).stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",", id + " in (", ")")));
        }
        return "(" + String.join(" or ", lists) + ")";
    }

    /** An INSERT that passes over a row that is there already, where its error would do more than fail. */
    String ignoringDuplicates(String insert) {
        return insert;
    }

    abstract String quote(String identifier);

    /** What {@link java.sql.Statement#setFetchSize} needs to read row by row instead of everything at once. */
    abstract int streamingFetchSize();

    /** Whether rows only stream inside a transaction. */
    abstract boolean streamsInTransactionOnly();

    /** Which durability settings of the server are not what no-loss and no-phantom need; one sentence each. */
    abstract List<String> durabilityWarnings(Connection connection) throws SQLException;

    /** Adds what the server's settings endanger beside durability. */
    void checkServer(Connection connection, Schema.Findings findings) throws SQLException {}

    /** Adds what a table's own kind endangers: its engine, its persistence. */
    void checkTable(Connection connection, String schema, String table, Schema.Findings findings) throws SQLException {}

    /** Adds what the source of a table's ids endangers. */
    void checkIds(Connection connection, String schema, TableLayout layout, Schema.Findings findings)
            throws SQLException {}

    /** Adds what is wrong with the values of a column of times, where its type does not say. */
    void checkTimes(Connection connection, ColumnChecks.Facts column, Schema.Findings findings) throws SQLException {}

    /** A table's columns by their names in lower case. */
    Map<String, ColumnChecks.Facts> columns(Connection connection, String schema, String table) throws SQLException {
        return ColumnChecks.fromInformationSchema(connection, schema, table);
    }

    /** The type of a column for texts of at most {@code length} characters. */
    String textType(int length) {
        return "varchar(" + length + ")";
    }

    /** The type of a column for bytes. */
    abstract String binaryType();

    /** Which different texts the database holds equal in a column; empty where it compares bytes. */
    abstract List<String> equalTexts(Connection connection, ColumnChecks.Facts column) throws SQLException;

    /** What to use for a column that compares bytes. */
    abstract String byteCollation(Connection connection) throws SQLException;

    /** Which of some pairs are equal by {@code comparison}, where each {@code %s} stands for one of a pair. */
    static List<String> ask(Connection connection, String comparison) throws SQLException {
        List<List<String>> pairs = List.of(List.of("'K'", "'k'"), List.of("'e'", "'é'"), List.of("'K'", "'K '"));
        String sql = pairs.stream()
                .map(pair -> comparison.formatted(pair.get(0), pair.get(1)))
                .collect(Collectors.joining(", ", "select ", ""));
        List<String> equal = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            for (int i = 0; i < pairs.size(); i++) {
                if (row.getBoolean(i + 1)) {
                    equal.add(String.join(" and ", pairs.get(i)));
                }
            }
        }
        return equal;
    }

    /** Whether this user may not see what was asked. */
    static boolean isDenied(SQLException e) {
        return "42501".equals(e.getSQLState()) || DENIED_CODES.contains(e.getErrorCode());
    }

    /** How long the oldest open transaction has been open, prepared ones included; zero where the database does not tell this user. */
    abstract Duration oldestTransaction(Connection connection) throws SQLException;

    /** Whether a unique or primary key refused the row. */
    public boolean isDuplicate(SQLException e) {
        return "23505".equals(e.getSQLState()) || e.getErrorCode() == 1062;
    }

    /** Whether it is the connection that failed, and not the statement. */
    static boolean isDisconnected(SQLException e) {
        return String.valueOf(e.getSQLState()).startsWith("08")
                || e instanceof SQLRecoverableException
                || e instanceof SQLNonTransientConnectionException
                || SqliteErrors.isUnreachable(e);
    }

    /** Whether the table, or a trigger on it, refused a value: it would be refused again. */
    static boolean isRefused(@Nullable Throwable e) {
        if (!(e instanceof SQLException sql)) {
            return false;
        }
        String state = String.valueOf(sql.getSQLState());
        return state.startsWith("22")
                || state.startsWith("23")
                || REFUSED_STATES.contains(state)
                || REFUSED_CODES.contains(sql.getErrorCode())
                || SqliteErrors.isRefused(sql);
    }

    /** Whether the server takes no changes, as one that is a replica now; it has done nothing then. */
    static boolean isReadOnly(SQLException e) {
        return "25006".equals(e.getSQLState())
                || READ_ONLY_CODES.contains(e.getErrorCode())
                || SqliteErrors.isReadOnly(e);
    }

    /** Whether it is no use to send anything more through the same connection. */
    static boolean isWrongServer(SQLException e) {
        return isReadOnly(e) || SHUTDOWN_STATES.contains(String.valueOf(e.getSQLState())) || isDisconnected(e);
    }

    /** Whether the server gave up waiting for another transaction's lock; this transaction must be rolled back. */
    static boolean isLockWait(SQLException e) {
        return "55P03".equals(e.getSQLState())
                || e.getErrorCode() == 1205
                || e.getErrorCode() == 50200
                || SqliteErrors.isBusy(e);
    }

    /** Whether this user may change rows and yet not lock them; the transaction goes on. */
    boolean mayNotLock(SQLException e) {
        return false;
    }

    /** Whether the same transaction may succeed when it is run again: deadlock, lock wait, serialisation. */
    public static boolean isTransient(Throwable e) {
        return isCausedBy(
                e,
                sql -> TRANSIENT_STATES.contains(String.valueOf(sql.getSQLState()))
                        || TRANSIENT_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isBusy(sql));
    }

    /** Whether other transactions were in the way: a deadlock, a lock wait, a serialization failure. */
    static boolean isContention(Throwable e) {
        return isCausedBy(
                e,
                sql -> CONTENTION_STATES.contains(String.valueOf(sql.getSQLState()))
                        || TRANSIENT_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isBusy(sql));
    }

    /** Whether the server has no room left: on its disk, or for connections. */
    static boolean isFull(Throwable e) {
        return isCausedBy(
                e,
                sql -> FULL_STATES.contains(String.valueOf(sql.getSQLState()))
                        || FULL_CODES.contains(sql.getErrorCode())
                        || SqliteErrors.isFull(sql));
    }

    /** Whether a throwable or one of its causes is an error of a database that {@code test} knows. */
    static boolean isCausedBy(@Nullable Throwable e, Predicate<SQLException> test) {
        Throwable each = e;
        for (int i = 0; each != null && i < MAX_CAUSES; i++) { // causes may go in a circle
            if (each instanceof SQLException sql && test.test(sql)) {
                return true;
            }
            each = each.getCause();
        }
        return false;
    }

    final String quoteTable(String table) {
        return List.of(table.split("\\.", 2)).stream().map(this::quote).collect(Collectors.joining("."));
    }

    /** {@code template} with its marks replaced. */
    final String sql(String template) {
        StringBuilder sql = new StringBuilder();
        int from = 0;
        for (int open = template.indexOf('{'); open >= 0; open = template.indexOf('{', from)) {
            int close = template.indexOf('}', open);
            sql.append(template, from, open).append(mark(template.substring(open + 1, close)));
            from = close + 1;
        }
        return sql.append(template.substring(from)).toString();
    }

    private String mark(String mark) {
        int colon = mark.indexOf(':');
        String argument = mark.substring(colon + 1);
        return switch (colon < 0 ? mark : mark.substring(0, colon)) {
            case "now" -> now();
            case "fromNow" -> fromNow();
            case "nanosUntil" -> nanosUntil(argument);
            case "nanosSince" -> nanosSince(argument);
            case "micros" -> micros(argument);
            case "atMicros" -> atMicros();
            case "share" -> share();
            default -> throw new IllegalStateException("Unknown mark {" + mark + "} in a statement");
        };
    }

    @Override
    public String toString() {
        return name();
    }
}
