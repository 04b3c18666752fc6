package dev.posthaste.examples.configcenter;

import dev.posthaste.examples.support.SqlScript;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The configuration centre's database: connections, transactions, and the differences in SQL. No
 * statement waits for a lock for longer than {@value #MAX_STATEMENT_SECONDS} seconds.
 */
final class Database {
    private static final int MAX_STATEMENT_SECONDS = 10;

    /** NOT NULL and CHECK violations of PostgreSQL and H2. */
    private static final Set<String> VALUE_STATES = Set.of("23502", "23513", "23514");
    /** NOT NULL violations of MySQL and MariaDB, and the CHECK violation of each. */
    private static final Set<Integer> VALUE_CODES = Set.of(1048, 3819, 4025);
    /** SQLite's driver has one code for all constraints, and no SQLState: the message decides. */
    private static final List<String> SQLITE_VALUE_ERRORS =
            List.of("[SQLITE_CONSTRAINT_NOTNULL]", "[SQLITE_CONSTRAINT_CHECK]", "[SQLITE_TOOBIG]");

    private final DataSource dataSource;
    private final DataSource reading;
    private final boolean mysql;
    private final boolean sqlite;

    /** @param reading for queries outside transactions */
    Database(DataSource dataSource, DataSource reading) throws SQLException {
        this.dataSource = dataSource;
        this.reading = reading;
        try (Connection connection = dataSource.getConnection()) {
            String product = connection.getMetaData().getDatabaseProductName().toLowerCase(Locale.ROOT);
            this.mysql = Set.of("mysql", "mariadb").contains(product);
            this.sqlite = product.equals("sqlite");
        }
    }

    /** Work to be done in a transaction. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        T run(Connection connection) throws SQLException;
    }

    /** Reads a row. */
    @FunctionalInterface
    interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    DataSource dataSource() {
        return dataSource;
    }

    /** Commits when {@code work} returns, rolls back when it throws. */
    <T extends @Nullable Object> T inTransaction(Work<T> work) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            boolean committed = false;
            try {
                T result = work.run(connection);
                connection.commit();
                committed = true;
                return result;
            } finally {
                if (!committed) {
                    connection.rollback();
                }
            }
        }
    }

    /** Whether there is no {@code for update}: there, a transaction that has written has locked the whole file. */
    boolean locksByWriting() {
        return sqlite;
    }

    <T> List<T> query(String sql, Row<T> row, @Nullable Object... parameters) throws SQLException {
        try (Connection connection = reading.getConnection()) {
            return query(connection, sql, row, parameters);
        }
    }

    <T> List<T> query(Connection connection, String sql, Row<T> row, @Nullable Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters);
                ResultSet rows = statement.executeQuery()) {
            List<T> read = new ArrayList<>();
            while (rows.next()) {
                read.add(row.read(rows));
            }
            return read;
        }
    }

    int update(Connection connection, String sql, @Nullable Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    long count(String sql, @Nullable Object... parameters) throws SQLException {
        return query(sql, row -> row.getLong(1), parameters).get(0);
    }

    private PreparedStatement prepare(Connection connection, String sql, @Nullable Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(mysql ? sql.replace('"', '`') : sql);
        try {
            statement.setQueryTimeout(MAX_STATEMENT_SECONDS);
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }

    /** Creates the tables of the configuration centre that do not exist yet. */
    void createTables() throws SQLException {
        SqlScript.beside(Database.class, mysql ? "mysql.sql" : sqlite ? "sqlite.sql" : "standard.sql")
                .run(dataSource);
    }

    boolean hasTable(String table) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                ResultSet tables = connection
                        .getMetaData()
                        .getTables(connection.getCatalog(), null, "%", new String[] {"TABLE"})) {
            while (tables.next()) {
                if (tables.getString("TABLE_NAME").equalsIgnoreCase(table)) {
                    return true;
                }
            }
            return false;
        }
    }

    void renameTable(String from, String to) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("alter table " + from + " rename to " + to);
        }
    }

    /** Whether the table refused the value itself and would always refuse it: too long, null, or violating a check. */
    static boolean refusesValue(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("22")
                || VALUE_STATES.contains(state)
                || VALUE_CODES.contains(e.getErrorCode())
                || SQLITE_VALUE_ERRORS.stream().anyMatch(String.valueOf(e.getMessage())::startsWith);
    }

    static LocalDateTime utc(Instant instant) {
        return LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
    }

    static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, LocalDateTime.class).toInstant(ZoneOffset.UTC);
    }
}
