package dev.posthaste.stories;

import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;

/** What the stories have in common: a shop, and its database. */
final class Shop {
    static final Duration LONG = Duration.ofMinutes(1);

    record Order(String id, String product, int amount) {}

    record Price(String product, int cents) {}

    private Shop() {}

    /** A new H2 database with the shop's tables and the catalog's. */
    static DataSource database(Catalog catalog) throws SQLException {
        DataSource database =
                JdbcConnectionPool.create("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", "");
        Schema.create(database, catalog);
        try (Connection connection = database.getConnection()) {
            execute(connection, "create table orders (id varchar(36), product varchar(36), amount int)");
            execute(connection, "create table reservations (product varchar(36), amount int)");
            execute(connection, "create table prices (product varchar(36) primary key, cents int)");
        }
        return database;
    }

    static void insert(Connection connection, Order order) throws SQLException {
        execute(connection, "insert into orders values (?, ?, ?)", order.id(), order.product(), order.amount());
    }

    static void reserve(Connection connection, Order order) throws SQLException {
        execute(connection, "insert into reservations values (?, ?)", order.product(), order.amount());
    }

    static int reserved(DataSource database) throws SQLException {
        return number(database, "select coalesce(sum(amount), 0) from reservations");
    }

    static int number(DataSource database, String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql);
                ResultSet rows = statement.executeQuery()) {
            rows.next();
            return rows.getInt(1);
        }
    }

    static void execute(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.execute();
        }
    }

    /** What a program does in its own transaction. */
    interface Work {
        void in(Connection connection) throws Exception;
    }

    static void commit(DataSource database, Work work) throws Exception {
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            work.in(connection);
            connection.commit();
        }
    }

    static Map<Status, Long> counts(DataSource database, Catalog catalog, String outbox) {
        return Admin.of(database, catalog).outbox(outbox).counts();
    }
}
