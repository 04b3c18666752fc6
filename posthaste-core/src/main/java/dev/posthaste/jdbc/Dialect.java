package dev.posthaste.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

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
public abstract sealed class Dialect permits PostgreSqlDialect, MySqlDialect, H2Dialect {
    private static final Set<String> TRANSIENT_STATES = Set.of("40001", "40P01", "55P03", "57014");
    private static final Set<Integer> TRANSIENT_CODES = Set.of(1205, 1213, 3572, 50200);

    public static final Dialect POSTGRESQL = new PostgreSqlDialect();
    public static final Dialect MYSQL = MySqlDialect.mysql();
    public static final Dialect MARIADB = MySqlDialect.mariadb();
    public static final Dialect H2 = new H2Dialect();

    Dialect() {}

    /**
     * The dialect of the database behind a connection.
     *
     * @throws SQLException if it is none of PostgreSQL, MySQL, MariaDB and H2
     */
    public static Dialect of(Connection connection) throws SQLException {
        String product = connection.getMetaData().getDatabaseProductName();
        String version = connection.getMetaData().getDatabaseProductVersion();
        return switch (product.toLowerCase(Locale.ROOT)) {
            case "postgresql" -> POSTGRESQL;
            case "mariadb" -> MARIADB;
            case "mysql" -> version.toLowerCase(Locale.ROOT).contains("mariadb") ? MARIADB : MYSQL;
            case "h2" -> H2;
            default -> throw new SQLException("Posthaste knows PostgreSQL, MySQL, MariaDB and H2, not " + product);
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

    /** What makes the planner use the pending index whatever its statistics say. */
    abstract String pendingHint(TableLayout layout);

    /** What makes the planner use the primary key; empty where it cannot be told. */
    String primaryKeyHint() {
        return "";
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
     * {@code seconds} in the middle of one: it may stand still for hours, and nobody else could settle or take over.
     * Empty where there is no server.
     */
    abstract String limitSilence(long seconds);

    /** Takes {@link #limitSilence} back after the transaction; empty where it ends with the transaction. */
    abstract String unlimitSilence();

    /** At most so many rows, the number being a parameter. */
    String limit() {
        return "limit ?";
    }

    abstract String share();

    /** What locks the rows that nobody else has locked and leaves the others out; empty where there is no such thing. */
    String lockFree() {
        return "for update skip locked";
    }

    /** Whether a list of ids is one array parameter; otherwise the numbers stand in the statement. */
    boolean bindsArrays() {
        return false;
    }

    /** Prepares {@code template}, whose {@code %s} stands for a comparison of the id with the list, its only parameter. */
    final PreparedStatement prepareWithIds(Connection connection, String template, Collection<Long> ids)
            throws SQLException {
        if (bindsArrays()) {
            PreparedStatement statement = connection.prepareStatement(template.formatted("= any(?)"));
            statement.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
            return statement;
        }
        String list = ids.stream().map(String::valueOf).collect(Collectors.joining(",", "in (", ")"));
        return connection.prepareStatement(template.formatted(list));
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

    /** How long the oldest open transaction has been open; zero where the database does not tell this user. */
    abstract Duration oldestTransaction(Connection connection) throws SQLException;

    /** Whether a unique or primary key refused the row. */
    public boolean isDuplicate(SQLException e) {
        return "23505".equals(e.getSQLState()) || e.getErrorCode() == 1062;
    }

    /** Whether this user may change rows and yet not lock them; the transaction goes on. */
    boolean mayNotLock(SQLException e) {
        return false;
    }

    /** Whether the same transaction may succeed when it is run again: deadlock, lock wait, serialisation. */
    public static boolean isTransient(Throwable e) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (each instanceof SQLException sql
                    && (TRANSIENT_STATES.contains(String.valueOf(sql.getSQLState()))
                            || TRANSIENT_CODES.contains(sql.getErrorCode()))) {
                return true;
            }
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
