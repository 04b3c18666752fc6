package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.RowReceipts;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.lang.reflect.InvocationTargetException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What real databases do to relays: interrupted commits, paused clients, weak settings, small pools. */
class DatabaseHazardsTest extends WithOrders {
    // --- 8 -----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void H08_whoStandsStillInTheMiddleOfSettlingKeepsNobodyFromTakingOver(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            write(database, Event.of(TYPE, "k", "x"));
            Dialect dialect;
            try (Connection connection = database.dataSource().getConnection()) {
                dialect = Dialect.of(connection);
            }
            LeaseTable leases = new LeaseTable(database.dataSource(), dialect);
            Claim old = Objects.requireNonNull(leases.take("orders", "old", null, Duration.ofSeconds(1)));
            CountDownLatch stands = new CountDownLatch(1);
            CountDownLatch goesOn = new CountDownLatch(1);
            DataSource still = standingStill(DataSource.class, database.dataSource(), "update", stands, goesOn);
            CompletableFuture<Settled> settled = CompletableFuture.supplyAsync(
                    () -> new RowStore(still, dialect, RelayProcess.CATALOG.outbox("orders"))
                            .settle(old, List.of(new Verdict.Published(1, 0))));
            stands.await();
            if (kind == Database.SQLITE) { // its session is not ended, and blocks all writers
                assertThatThrownBy(() ->
                                leases.take("orders", "new", leases.leases().get(0), Duration.ofMinutes(1)))
                        .isInstanceOf(StoreException.class);
                goesOn.countDown();
                assertThat(settled.join()).isEqualTo(new Settled(1, Set.of()));
                assertThat(leases.take("orders", "new", leases.leases().get(0), Duration.ofMinutes(1)))
                        .isNotNull();
                return;
            }
            await().atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> leases.take("orders", "new", leases.leases().get(0), Duration.ofMinutes(1)) != null);
            goesOn.countDown();
            assertThatThrownBy(settled::join)
                    .satisfies(thrown -> assertThat(thrown.getCause())
                            .isInstanceOfAny(StoreException.class, LeaseLostException.class));
            assertThat(store(database).counts()).containsEntry(Status.PENDING, 1L);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void aConsumerThatStandsStillBeforeItsCommitHoldsUpOnlyItsOwnEvent(Database kind) throws Exception {
        OutboxDefinition tracked =
                RelayProcess.CATALOG.outbox("orders").table("tracked_orders").tracked(true);
        try (TestDatabase database = open(kind);
                Connection consumer = database.pool(1).getConnection()) {
            Schema.create(database.dataSource(), Catalog.of(tracked));
            Dialect dialect = Dialect.of(consumer);
            try (Connection connection = database.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                JdbcOutbox.of(Catalog.of(tracked))
                        .write(
                                connection,
                                List.of(
                                        Event.of(TYPE, null, "x").id("a"),
                                        Event.of(TYPE, null, "x").id("b")));
                connection.commit();
            }
            LeaseTable leases = new LeaseTable(database.dataSource(), dialect);
            Claim claim = Objects.requireNonNull(leases.take("orders", "me", null, Duration.ofMinutes(1)));
            consumer.setAutoCommit(false);
            assertThat(new RowReceipts(dialect, tracked).markConsumed(consumer, new Receipt.Consumed("orders", 1, "a")))
                    .isTrue();
            RowStore store = new RowStore(database.dataSource(), dialect, tracked);
            CompletableFuture<Settled> settled = CompletableFuture.supplyAsync(
                    () -> store.settle(claim, List.of(new Verdict.Published(1, 0), new Verdict.Published(2, 0))));
            if (kind == Database.SQLITE) { // it blocks every writer, and each fails in time
                assertThatThrownBy(() -> settled.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(StoreException.class);
                consumer.rollback();
                assertThat(store.settle(claim, List.of(new Verdict.Published(1, 0), new Verdict.Published(2, 0))))
                        .isEqualTo(new Settled(2, Set.of()));
                return;
            }
            assertThat(settled.get(20, TimeUnit.SECONDS)).isEqualTo(new Settled(1, Set.of(1L)));
            consumer.rollback();
            assertThat(store.counts()).containsEntry(Status.PENDING, 1L).containsEntry(Status.PUBLISHED, 1L);
        }
    }

    /** A client that pauses before it prepares a statement with this beginning. */
    private static <T> T standingStill(
            Class<T> type, T target, String statement, CountDownLatch stands, CountDownLatch goesOn) {
        return type.cast(java.lang.reflect.Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    if (method.getName().equals("prepareStatement") && ((String) arguments[0]).startsWith(statement)) {
                        stands.countDown();
                        goesOn.await();
                    }
                    Object result;
                    try {
                        result = method.invoke(target, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    return result instanceof Connection connection
                            ? standingStill(Connection.class, connection, statement, stands, goesOn)
                            : result;
                }));
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void aRelayEndsWithinItsBoundThoughTheDatabaseStandsStill(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Proxy proxy = new Proxy(database.port())) {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(database.url().replace(":" + database.port() + "/", ":" + proxy.port() + "/"));
            HikariDataSource pool = new HikariDataSource(config);
            Relay relay = Relay.builder(pool, RelayProcess.CATALOG, new RecordingBroker())
                    .stopTimeout(Duration.ofSeconds(1))
                    .build()
                    .start();
            await().atMost(Duration.ofSeconds(30)).until(() -> !relay.owned().isEmpty());
            proxy.hold(true, true);
            CompletableFuture<Void> closed = CompletableFuture.runAsync(relay::close);
            closed.get(30, TimeUnit.SECONDS);
            proxy.heal();
            pool.close();
        }
    }

    @Test
    void aRelayEndsWithinItsBoundThoughSomebodyHoldsSqlitesWriteLock() throws Exception {
        try (TestDatabase database = open(Database.SQLITE);
                HikariDataSource pool = database.pool(4);
                Connection other = database.dataSource().getConnection();
                Statement statement = other.createStatement()) {
            Relay relay = Relay.builder(pool, RelayProcess.CATALOG, new RecordingBroker())
                    .stopTimeout(Duration.ofSeconds(1))
                    .build()
                    .start();
            await().atMost(Duration.ofSeconds(30)).until(() -> !relay.owned().isEmpty());
            statement.execute("begin immediate");
            CompletableFuture.runAsync(relay::close).get(30, TimeUnit.SECONDS);
            statement.execute("rollback");
        }
    }

    // --- 12 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void H12_settingsThatLoseCommitsAreNamedAtTheStart(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            assertThat(warnings(database)).as("with durable settings").isEmpty();
            if (kind == Database.SQLITE) {
                try (HikariDataSource fast = pool(database.url().replace("synchronous=FULL", "synchronous=NORMAL"))) {
                    assertThat(DatabaseSchema.check(fast, RelayProcess.CATALOG.outboxes())
                                    .warnings())
                            .singleElement()
                            .asString()
                            .contains("synchronous is NORMAL", "power failure");
                }
                return;
            }
            DatabaseServer server = DatabaseServer.of(kind);
            boolean postgres = kind == Database.POSTGRESQL;
            server.execute(
                    postgres
                            ? "alter database " + database.name() + " set synchronous_commit = off"
                            : "set global innodb_flush_log_at_trx_commit = 2");
            try {
                assertThat(warnings(database))
                        .singleElement()
                        .asString()
                        .contains(postgres ? "synchronous_commit" : "innodb_flush_log_at_trx_commit");
            } finally {
                if (!postgres) {
                    server.execute("set global innodb_flush_log_at_trx_commit = 1");
                }
            }
        }
    }

    private static HikariDataSource pool(String url) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        return new HikariDataSource(config);
    }

    private static List<String> warnings(TestDatabase database) throws SQLException {
        try (var fresh = database.pool(1)) {
            return DatabaseSchema.check(fresh, RelayProcess.CATALOG.outboxes()).warnings();
        }
    }

    // --- 13 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void H13_aWriteWhoseCommitWasCutOffIsRepeatedWithoutADouble(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Proxy proxy = new Proxy(database.port())) {
            String url = database.url().replaceFirst(":" + database.port() + "/", ":" + proxy.port() + "/");
            String id = Event.newId();
            Event event = Event.of(TYPE, "k", "once").id(id);
            try (Connection connection = DriverManager.getConnection(url)) {
                connection.setAutoCommit(false);
                outbox.write(connection, event);
                proxy.cutAnswers(true);
                assertThatThrownBy(connection::commit).isInstanceOf(SQLException.class);
            }
            proxy.cutAnswers(false);
            await().until(() -> database.count("select count(*) from orders") == 1);
            assertThatThrownBy(() -> write(database, event)).isInstanceOf(DuplicateEventException.class);
            assertThat(database.query("select event_id from orders")).containsExactly(id);
        }
    }

    // --- 32 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void H32_aPoolOfTwoSharedWithTheApplicationOutlastsAFrozenBroker(Database kind) throws Exception {
        RecordingBroker broker = new RecordingBroker();
        broker.hold();
        try (TestDatabase database = open(kind);
                var pool = database.pool(2);
                Relay relay = Relay.builder(pool, RelayProcess.CATALOG, broker)
                        .build()
                        .start()) {
            for (int i = 0; i < 200; i++) {
                try (Connection connection = pool.getConnection()) {
                    write(connection, Event.of(TYPE, "key-" + i, "x"));
                    connection.setAutoCommit(true);
                }
                relay.wake("orders");
            }
            // A broker that has not answered yet gets a first window.
            await().atMost(Duration.ofSeconds(30)).until(() -> broker.heldCount() == 64);
            broker.release();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> store(database).backlog().pending() == 0);
        }
    }
}
