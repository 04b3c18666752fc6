package dev.posthaste.fuzz;

import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/**
 * A database for one target. SQL is written with double quotes around names, whatever the database's own quotes are.
 */
final class FuzzDatabase implements AutoCloseable {
    private final TestDatabase database;
    private final Dialect dialect;

    FuzzDatabase(Database kind) throws SQLException {
        database = DatabaseServer.of(kind).createDatabase();
        try (Connection connection = dataSource().getConnection()) {
            dialect = Dialect.of(connection);
        }
    }

    DataSource dataSource() {
        return database.dataSource();
    }

    Dialect dialect() {
        return dialect;
    }

    String url() {
        return database.url();
    }

    /** Whether tables can be created with H2's SQL. */
    boolean isH2() {
        return database.kind() == Database.H2;
    }

    String sql(String text) {
        boolean hasBackticks = database.kind() == Database.MYSQL || database.kind() == Database.MARIADB;
        return hasBackticks ? text.replace('"', '`') : text;
    }

    void execute(String... statements) throws SQLException {
        try (Connection connection = dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            for (String each : statements) {
                statement.execute(sql(each));
            }
        }
    }

    /** Deletes what a change or a relay left in Posthaste's own tables. */
    void forget() throws SQLException {
        execute("delete from posthaste_lease", "delete from posthaste_relay", "delete from posthaste_audit");
    }

    @Override
    public void close() {
        database.close();
    }
}
