package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.InvalidEventException;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Every database stores unchanged what an outbox accepts, up to its limits; the rest is refused before any SQL. */
class WriteLimitsTest {
    private static final String TYPE = "order.placed";
    private static final String LONG = "漢".repeat(85); // 255 bytes in UTF-8, the limit of AMQP's short strings
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("t"))
            .types(TYPE)
            .allowedDestinations(LONG);
    private static final String EMOJI = "\uD83D\uDE00";

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.of(ORDERS));
        return database;
    }

    private static Event event() {
        return event("k", "{}");
    }

    private static Event event(String key, String payload) {
        return Event.of(TYPE, key, payload);
    }

    private static void assertRefused(Connection connection, Event event, String... words) {
        assertThatThrownBy(() -> JdbcOutbox.of(Catalog.of(ORDERS)).write(connection, event))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContainingAll(words);
    }

    @ParameterizedTest
    @EnumSource
    void A01_whatCouldNotBeSentIsRefusedBeforeAnySql(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            assertRefused(connection, event().routingKey(LONG + "x"), "routing key has 256 bytes", "255");
            assertRefused(connection, event().header("漢".repeat(86), "x"), "header name has 258 bytes", "255");
            String lone = "k-\uD83D";
            assertRefused(connection, event().id(lone), "id has half of a surrogate pair at index 2");
            assertRefused(connection, event(lone, "{}"), "key has half of a surrogate pair");
            assertRefused(connection, event().version("\uDE00"), "version has half of a surrogate pair");
            assertRefused(connection, event().routingKey(lone), "routing key has half");
            assertRefused(connection, event().header("a", lone), "header a has half");
            assertRefused(connection, event().header(lone, "a"), "header name has half");
            assertRefused(connection, event("k", "\"" + lone + "\""), "payload has half");
            Event headers = event();
            for (int i = 0; i < 40; i++) {
                headers = headers.header("header-" + i, "x".repeat(4096));
            }
            assertRefused(connection, headers, "headers have 164", "100000", "maxHeaderBytes");
            assertRefused(connection, event().delay(Duration.ofDays(40_000)), "delay", "100 years");
            JdbcOutbox.of(Catalog.of(ORDERS)).write(connection, event());
            connection.commit();
        }
    }

    /** Even if the server's mode is not strict and would truncate long values. */
    @ParameterizedTest
    @EnumSource
    void A01_whatIsAcceptedComesBackAsItWas(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            if (kind == Database.MYSQL || kind == Database.MARIADB) {
                statement.execute("set sql_mode = ''");
            }
            connection.setAutoCommit(false);
            Event event = event(" " + EMOJI.repeat(63) + " ", "{\"text\":\"" + "漢".repeat(333_329) + "\"}")
                    .id("漢".repeat(64))
                    .version("漢".repeat(16))
                    .destination(LONG)
                    .routingKey(LONG)
                    .header(LONG, "\"" + EMOJI + "\"");
            for (int i = 0; i < 24; i++) {
                event = event.header("header-" + i, (i % 2 == 0 ? "x" : " ").repeat(4096));
            }
            JdbcOutbox.of(Catalog.of(ORDERS)).write(connection, event);
            connection.commit();
            StoredRow stored = new RowStore(database.dataSource(), Dialect.of(connection), ORDERS)
                    .load(List.of(1L), Long.MAX_VALUE)
                    .get(0)
                    .event();
            assertThat(stored.eventId()).isEqualTo(event.id());
            assertThat(stored.key()).isEqualTo(event.key());
            assertThat(stored.version()).isEqualTo(event.version());
            assertThat(stored.destination()).isEqualTo(LONG);
            assertThat(stored.routingKey()).isEqualTo(LONG);
            Map<String, String> headers =
                    JsonMapper.shared().readValue(stored.headers(), new TypeReference<Map<String, String>>() {});
            assertThat(headers).isEqualTo(event.headers());
            assertThat(new String(stored.payload(), java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo(event.payload());
        }
    }

    /** The SQL of {@code RowInsert} for one kind of database is invalid on another. */
    @Test
    void A01_oneOutboxWritesToSeveralKindsOfDatabasesAtOnce() throws Exception {
        int events = 50;
        JdbcOutbox outbox = JdbcOutbox.of(Catalog.of(ORDERS));
        Map<Database, TestDatabase> databases = new LinkedHashMap<>();
        try {
            for (Database kind : Database.values()) {
                databases.put(kind, open(kind));
            }
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                for (TestDatabase database : databases.values()) {
                    writers.add(CompletableFuture.runAsync(() -> write(outbox, database, events)));
                }
            }
            for (int i = 0; i < 3; i++) {
                databases.values().forEach(database -> write(outbox, database, 1));
            }
            writers.forEach(CompletableFuture::join);
            for (TestDatabase database : databases.values()) {
                String table = database.kind() == Database.H2 ? "\"orders\"" : "orders";
                assertThat(database.count("select count(*) from " + table + " where next_attempt_at is not null"))
                        .as(database.kind().name())
                        .isEqualTo(2L * events + 3);
            }
        } finally {
            databases.values().forEach(TestDatabase::close);
        }
    }

    private static void write(JdbcOutbox outbox, TestDatabase database, int events) {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < events; i++) {
                outbox.write(connection, event().delay(Duration.ofHours(1)));
            }
            connection.commit();
        } catch (SQLException e) {
            throw new IllegalStateException(database.kind().name(), e);
        }
    }

    /** The driver turned auto-commit off but could not begin the transaction, and a pool does not notice. */
    @Test
    void aConnectionWithoutATransactionIsRefusedThoughItsAutoCommitIsOff() throws Exception {
        try (TestDatabase database = open(Database.SQLITE)) {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(
                    database.url().replace("busy_timeout=10000", "busy_timeout=50") + "&transaction_mode=IMMEDIATE");
            config.setMaximumPoolSize(1);
            JdbcOutbox outbox = JdbcOutbox.of(Catalog.of(ORDERS));
            try (HikariDataSource pool = new HikariDataSource(config);
                    Connection writer = database.dataSource().getConnection()) {
                writer.setAutoCommit(false);
                outbox.write(writer, event());
                try (Connection connection = pool.getConnection()) {
                    assertThatThrownBy(() -> connection.setAutoCommit(false)).hasMessageContaining("SQLITE_BUSY");
                }
                writer.commit();
                Connection again = pool.getConnection();
                again.setAutoCommit(false);
                assertThatThrownBy(() -> outbox.write(again, event()))
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("No transaction is open")
                        .hasMessageContaining("DEFERRED");
                again.close();
                try (Connection mended = pool.getConnection()) {
                    mended.setAutoCommit(false);
                    outbox.write(mended, event());
                    mended.rollback();
                }
            }
            assertThat(database.count("select count(*) from orders")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void A01_aWriteIsOneStatementAndAsksTheServerNothingElse(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection connection = database.dataSource().getConnection()) {
            JdbcOutbox outbox = JdbcOutbox.of(Catalog.of(ORDERS));
            connection.setAutoCommit(false);
            outbox.write(connection, event());
            long before = statements(connection);
            for (int i = 0; i < 10; i++) {
                outbox.write(connection, event());
            }
            assertThat(statements(connection) - before - 1).isEqualTo(10);
        }
    }

    private static long statements(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show session status like 'Questions'")) {
            row.next();
            return row.getLong(2);
        }
    }
}
