package dev.posthaste.testkit;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.Outbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Journal.DeadEvent;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contracts on a database share: an empty database for each test, one outbox named {@code orders} in it, and
 * small helpers. A subclass says where the database comes from.
 */
public abstract class DatabaseContract {
    protected static final String TYPE = "order.placed";
    protected final OutboxDefinition orders = definition();
    protected final Catalog catalog = Catalog.of(orders);
    protected final Outbox outbox = new Outbox(catalog);
    protected DataSource dataSource;
    protected Dialect dialect;
    protected StatusJournal journal;

    /** The outbox {@code orders}, whose route is {@code orders-topic}; in the standard table unless a subclass wants another. */
    protected OutboxDefinition definition() {
        return OutboxDefinition.of("orders", Route.to("orders-topic"), TYPE);
    }

    /** Creates Posthaste's tables, and the outbox's; a subclass whose table has no script of Posthaste's creates it. */
    protected void createTables() throws Exception {
        Schema.create(dataSource, catalog.outboxes());
    }

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
        createTables();
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

    /**
     * Whether one transaction at a time writes in the whole database. What elsewhere happens beside an open transaction then
     * waits for it, or gives up and says so, and happens when it has ended.
     */
    protected boolean hasOneWriter() {
        return dialect == Dialect.SQLITE;
    }

    /** Runs {@code work} while {@code open} has written something, ends that, and waits for the work. */
    protected static <T> T behind(Connection open, boolean commit, Callable<T> work) throws Exception {
        FutureTask<T> waiting = new FutureTask<>(work);
        Thread thread = new Thread(waiting, "behind");
        thread.start();
        try {
            waiting.get(300, TimeUnit.MILLISECONDS);
            throw new AssertionError("It did not wait for the other transaction");
        } catch (TimeoutException e) {
            // as it should
        }
        if (commit) {
            open.commit();
        } else {
            open.rollback();
        }
        open.close();
        return waiting.get(30, TimeUnit.SECONDS);
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
        return quoted(orders.table().table());
    }

    private String quoted(String name) {
        String quote = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB ? "`" : "\"";
        return quote + name + quote;
    }

    /** A column of the outbox's table, quoted where its layout quotes it; SQL's null where the table has none. */
    protected String column(Column column) {
        if (!orders.table().has(column)) {
            return "null";
        }
        String name = orders.table().column(column);
        return orders.table().isStandard() ? name : quoted(name);
    }

    /** A status as the outbox's table spells it, for SQL. */
    protected String code(Status status) {
        String code = orders.table().code(status);
        return code.matches("[0-9]+") ? code : "'" + code + "'";
    }

    protected List<String> statuses() throws SQLException {
        List<String> found = new ArrayList<>();
        for (String code :
                query("select " + column(Column.STATUS) + " from " + table() + " order by " + column(Column.ID))) {
            found.add(Stream.of(Status.values())
                    .filter(status ->
                            status != Status.CONSUMED || orders.table().tracksConsumption())
                    .filter(status -> orders.table().code(status).equals(code))
                    .findFirst()
                    .orElseThrow()
                    .code());
        }
        return found;
    }

    /** Every pending event with its contents, due or not. */
    protected List<PendingEvent> pending() {
        List<Long> ids = journal.scan(Long.MIN_VALUE, Long.MAX_VALUE, 10_000).stream()
                .map(PendingMark::id)
                .toList();
        return ids.isEmpty() ? List.of() : journal.load(ids, Long.MAX_VALUE);
    }

    /** Puts every dead event back to pending; returns how many there were. */
    protected int requeueAll() {
        return journal.requeue(
                journal.dead(Long.MIN_VALUE, 10_000).stream().map(DeadEvent::id).toList());
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
