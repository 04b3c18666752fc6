package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.Outbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.StatusJournal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contracts on a database share: an empty database for each test, one outbox named {@code orders} in it, and
 * small helpers. A subclass says where the database comes from.
 */
public abstract class DatabaseContract {
    protected static final String TYPE = "order.placed";
    protected final OutboxDefinition orders = OutboxDefinition.of("orders", Route.to("orders-topic"), TYPE);
    protected final Catalog catalog = Catalog.of(orders);
    protected final Outbox outbox = new Outbox(catalog);
    protected DataSource dataSource;
    protected Dialect dialect;
    protected StatusJournal journal;

    /** A new, empty database. */
    protected abstract DataSource newDatabase() throws Exception;

    /** Drops what {@link #newDatabase} made. */
    protected abstract void dropDatabase() throws Exception;

    @BeforeEach
    void openDatabase() throws Exception {
        dataSource = newDatabase();
        try (Connection connection = dataSource.getConnection()) {
            dialect = Dialect.of(connection);
        }
        Schema.create(dataSource, catalog.outboxes());
        journal = new StatusJournal(dataSource, dialect, orders);
    }

    @AfterEach
    void closeDatabase() throws Exception {
        dropDatabase();
    }

    /** Writes and commits one event, whose payload is {@code text}. */
    protected void write(String key, String text) throws SQLException {
        write(Event.of(TYPE, key, text));
    }

    protected void write(Event... events) throws SQLException {
        try (Connection connection = begin()) {
            outbox.write(connection, List.of(events));
            connection.commit();
        }
    }

    /** A connection in a transaction; whoever closes it without a commit rolls back. */
    protected Connection begin() throws SQLException {
        Connection connection = dataSource.getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    protected void execute(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(true);
            statement.execute(sql);
        }
    }

    /** Every row, its columns as text, joined by a bar. */
    protected List<String> query(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(String.valueOf(rows.getString(i)));
                }
                found.add(String.join("|", row));
            }
            return found;
        }
    }

    /** The outbox's table, quoted as this database wants it. */
    protected String table() {
        String quote = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB ? "`" : "\"";
        return quote + orders.table().table() + quote;
    }

    protected List<String> statuses() throws SQLException {
        return query("select status from " + table() + " order by id");
    }

    /** Runs {@code step} until {@code done}, for 30 seconds at most. */
    protected static void until(String what, Runnable step, BooleanSupplier done) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("Not within 30 s: " + what);
            }
            step.run();
        }
    }
}
