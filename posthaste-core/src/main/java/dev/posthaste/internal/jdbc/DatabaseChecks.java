package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Finds out, before a start, what a database's settings and a table's own kind endanger. {@link DatabaseSchema} and
 * {@link ColumnChecks} hold what is the same everywhere. Immutable.
 */
abstract sealed class DatabaseChecks permits PostgreSqlChecks, MySqlChecks, SqliteChecks, H2Checks {
    /** The pair of {@link #ask} that differs only in a trailing blank. */
    static final String BLANK_AT_END = "'K' and 'K '";

    /** What follows from a wrong zone. */
    static final String WRONG_TIMES = ": events would become due, and be deleted, hours too early or too late. ";

    /** Which durability settings of the server fall short of what no-loss and no-phantom need; one sentence each. */
    abstract List<String> durabilityWarnings(Connection connection) throws SQLException;

    /** Adds what the server's settings endanger besides durability. */
    void checkServer(Connection connection, DatabaseSchema.Findings findings) throws SQLException {}

    /** Adds what a table's own kind endangers: its engine, its persistence. */
    void checkTable(Connection connection, String schema, String table, DatabaseSchema.Findings findings)
            throws SQLException {}

    /** Adds what the source of a table's ids endangers. */
    void checkIds(Connection connection, String schema, EventTable layout, DatabaseSchema.Findings findings)
            throws SQLException {}

    /**
     * Adds what is wrong with a column of times. The statements compute times by the layout's zone and the column's type,
     * which must belong together.
     */
    abstract void checkTimes(
            Connection connection, String zone, ColumnChecks.Facts column, DatabaseSchema.Findings findings)
            throws SQLException;

    /** A table's columns by their names in lower case. */
    Map<String, ColumnChecks.Facts> columns(Connection connection, String schema, String table) throws SQLException {
        return ColumnChecks.fromInformationSchema(connection, schema, table);
    }

    /** Which different texts the database considers equal in a column; empty where it compares bytes. */
    abstract List<String> equalTexts(Connection connection, ColumnChecks.Facts column) throws SQLException;

    /** What to use for a column that compares bytes. */
    abstract String byteCollation(Connection connection) throws SQLException;

    /** Which of some pairs are equal by {@code comparison}, where each {@code %s} is one of a pair. */
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
}
