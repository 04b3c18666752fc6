package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.AfterDead;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.Broker;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The outbox {@code orders} in a test's own database, with the broker that its relays publish to. */
final class TestOutbox implements AutoCloseable {
    static final String TYPE = "order.placed";
    static final Duration LONG = Duration.ofSeconds(60);
    static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types(TYPE);
    static final UnaryOperator<OutboxDefinition> PATIENT =
            o -> o.retry(RetryPolicy.fixed(Duration.ofMillis(50)).attempts(3));
    static final UnaryOperator<OutboxDefinition> BLOCK = o -> o.afterDead(AfterDead.BLOCK);
    static final Duration QUICK_LEASE = Duration.ofSeconds(2);
    static final Duration QUICK_PUBLISH = Duration.ofMillis(900);

    final Catalog catalog;
    final TestDatabase database;
    final RecordingBroker broker = new RecordingBroker();
    private final JdbcOutbox outbox;

    private TestOutbox(Database kind, Catalog catalog) throws SQLException {
        this.catalog = catalog;
        this.outbox = JdbcOutbox.of(catalog);
        this.database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), catalog);
    }

    static TestOutbox on(Database kind) throws SQLException {
        return on(kind, ORDERS);
    }

    static TestOutbox on(Database kind, OutboxDefinition... outboxes) throws SQLException {
        return new TestOutbox(kind, Catalog.of(outboxes));
    }

    /** A relay with its own pool; rejected events are tried three times, 50 ms apart. */
    Relay.Builder relay(String name) throws SQLException {
        return relay(name, PATIENT);
    }

    /** A relay with its own pool, to another broker. */
    Relay.Builder relay(String name, Broker broker) throws SQLException {
        return Relay.builder(database.pool(4), catalog.all(PATIENT), broker).name(name);
    }

    /** A relay with its own pool, whose outboxes are configured by {@code policy}. */
    Relay.Builder relay(String name, UnaryOperator<OutboxDefinition> policy) throws SQLException {
        return Relay.builder(database.pool(4), catalog.all(policy), broker).name(name);
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    /** An event whose id and payload are {@code name}. */
    static Event event(String key, String name) {
        return Event.of(TYPE, key, name).id(name);
    }

    Connection begin() throws SQLException {
        Connection connection = database.dataSource().getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    void write(Connection connection, Event... events) throws SQLException {
        outbox.write(connection, List.of(events));
    }

    void write(Event... events) throws SQLException {
        try (Connection connection = begin()) {
            write(connection, events);
            connection.commit();
        }
    }

    /** Writes and commits one event, whose id and payload are {@code name}. */
    void write(String key, String name) throws SQLException {
        write(event(key, name));
    }

    /**
     * Many rows, written in a single SQL statement. Their event ids and payloads are {@code NAME-1}, {@code NAME-2} and
     * so on.
     *
     * @param key an SQL expression, in which {@code i} is the row's number
     * @param dueInSeconds how long they are delayed
     * @param destination null for the route's destination
     */
    record Rows(
            String name,
            int count,
            String key,
            String payload,
            String status,
            int dueInSeconds,
            @Nullable String destination) {
        /** Pending rows that are due now, each with its event id as its key. */
        static Rows of(String name, int count) {
            String id = "concat('" + name + "-', i)";
            return new Rows(name, count, id, id, "pending", 0, null);
        }

        Rows withCount(int count) {
            return new Rows(name, count, key, payload, status, dueInSeconds, destination);
        }

        /** The same rows, all with one key. */
        Rows withKey(String key) {
            return withKeys("'" + key + "'");
        }

        Rows withKeys(String expression) {
            return new Rows(name, count, expression, payload, status, dueInSeconds, destination);
        }

        Rows withPayload(String expression) {
            return new Rows(name, count, key, expression, status, dueInSeconds, destination);
        }

        Rows withStatus(String status) {
            return new Rows(name, count, key, payload, status, dueInSeconds, destination);
        }

        Rows delayed(Duration delay) {
            return new Rows(name, count, key, payload, status, (int) delay.toSeconds(), destination);
        }

        Rows to(String destination) {
            return new Rows(name, count, key, payload, status, dueInSeconds, destination);
        }
    }

    void fill(Rows rows) throws SQLException {
        try (Connection connection = begin()) {
            fill(connection, rows);
            connection.commit();
        }
    }

    void fill(Connection connection, Rows rows) throws SQLException {
        boolean postgres = database.kind() == Database.POSTGRESQL;
        String now = postgres ? "clock_timestamp()" : "utc_timestamp(6)";
        String due = rows.dueInSeconds() == 0
                ? "null"
                : now + " + interval " + (postgres ? "'" + rows.dueInSeconds() + "'" : rows.dueInSeconds()) + " second";
        try (Statement statement = connection.createStatement()) {
            if (database.kind() == Database.MYSQL) {
                statement.execute("set session cte_max_recursion_depth = 10000000");
            }
            statement.execute("""
                    insert into orders (event_id, event_type, event_key, payload, status, next_attempt_at, created_at,
                      updated_at, published_at, last_error, destination)
                    select concat('%s-', i), '%s', %s, %s, '%s', %s, %s, %7$s, %s, %s, %s from %s order by i
                    """.formatted(
                            rows.name(),
                            TYPE,
                            rows.key(),
                            rows.payload(),
                            rows.status(),
                            due,
                            now,
                            rows.status().equals("published") ? now : "null",
                            rows.status().equals("dead") ? "'refused'" : "null",
                            rows.destination() == null ? "null" : "'" + rows.destination() + "'",
                            numbers(rows.count())));
        }
    }

    private String numbers(int count) {
        return switch (database.kind()) {
            case POSTGRESQL -> "generate_series(1, " + count + ") as n (i)";
            case MARIADB -> "(select seq as i from seq_1_to_" + count + ") as n";
            default ->
                "(with recursive r (i) as (select 1 union all select i + 1 from r where i < " + count
                        + ") select i from r) as n";
        };
    }

    /** Requeues an event as an operator would. */
    void requeue(String eventId) {
        OutboxAdmin orders = Admin.of(database.dataSource(), catalog).outbox("orders");
        EventFilter event = EventFilter.status(Status.DEAD).eventId(eventId);
        assertThat(orders.requeue(
                                event,
                                Change.by("operator", "it has been repaired").expecting(1))
                        .events())
                .isEqualTo(1);
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    /** The status by event id; a search by payload would read the whole table. */
    String status(String eventId) {
        return database.query("select status from orders where event_id = '" + eventId + "'")
                .get(0);
    }

    long count(String where) {
        return database.count("select count(*) from orders where " + where);
    }

    void awaitStatus(String eventId, String status, Duration within) {
        await(eventId + " is " + status)
                .atMost(within)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> status(eventId).equals(status));
    }

    void awaitPublished(String eventId, Duration within) {
        awaitStatus(eventId, "published", within);
    }

    void awaitNothingPending(Duration within) {
        await("nothing is pending").atMost(within).until(() -> count("status = 'pending'") == 0);
    }

    @Override
    public void close() {
        database.close();
    }
}
