package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.TableLayout;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Times mean the same in sessions of any time zone: those in tables without zones, and those of open transactions. */
class ClocksTest {
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("t"))
            .types("order.placed");

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.of(ORDERS));
        return database;
    }

    /** A pool whose sessions are in a zone. */
    private static HikariDataSource in(TestDatabase database, String zone) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.url());
        config.setMaximumPoolSize(2);
        config.setConnectionInitSql(
                (database.kind() == Database.POSTGRESQL ? "set time zone '" : "set time_zone = '") + zone + "'");
        return new HikariDataSource(config);
    }

    private static OutboxDefinition foreign(String zone) {
        return ORDERS.table("events")
                .layout(TableLayout.mapped(EventTable.text(Map.ofEntries(
                        Map.entry("table", "events"),
                        Map.entry("column.id", "id"),
                        Map.entry("column.event-id", "uid"),
                        Map.entry("column.type", "kind"),
                        Map.entry("column.payload", "body"),
                        Map.entry("column.status", "state"),
                        Map.entry("column.attempts", "tries"),
                        Map.entry("column.next-attempt-at", "due"),
                        Map.entry("column.created-at", "made"),
                        Map.entry("column.updated-at", "changed"),
                        Map.entry("status.pending", "0"),
                        Map.entry("status.published", "1"),
                        Map.entry("status.dead", "2"),
                        Map.entry("due", "now"),
                        Map.entry("zone", zone)))));
    }

    /**
     * The database's own programs write times of its zone, whatever their sessions' zones; {@code clock} is the
     * expression.
     */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UTC     | now() at time zone 'UTC'           | Asia/Tokyo    | America/Lima",
                "+08:00  | now() at time zone 'Asia/Shanghai' | Asia/Shanghai | UTC",
                "-05:00  | now() at time zone 'America/Lima'  | UTC           | Asia/Tokyo",
                "session | now()                              | Asia/Tokyo    | Asia/Tokyo"
            })
    void B16_eventsInColumnsWithoutAZoneAreDueAndOldWhenTheyAre(
            String zone, String clock, String writers, String relays) throws Exception {
        OutboxDefinition outbox = foreign(zone);
        try (TestDatabase database = DatabaseServer.of(Database.POSTGRESQL).createDatabase();
                HikariDataSource writing = in(database, writers);
                HikariDataSource relaying = in(database, relays);
                Connection connection = writing.getConnection();
                Statement statement = connection.createStatement()) {
            database.execute(
                    "create table events (id bigserial primary key, uid varchar(64), kind varchar(128), body text,"
                            + " state int default 0, tries int default 0, due timestamp, made timestamp, changed timestamp)");
            connection.setAutoCommit(false);
            statement.execute(
                    "insert into events (uid, kind, body, due, made, changed) values ('e-1', 'order.placed', '1', "
                            + clock + ", " + clock + ", " + clock + ")");
            JdbcOutbox.of(Catalog.of(outbox))
                    .write(
                            connection,
                            List.of(
                                    Event.of("order.placed", null, "2"),
                                    Event.of("order.placed", null, "3").delay(Duration.ofSeconds(100))));
            connection.commit();
            RowStore store = new RowStore(relaying, Dialect.POSTGRESQL, outbox);
            List<PendingEvent> found = store.load(List.of(1L, 2L, 3L), Long.MAX_VALUE);
            assertThat(found).hasSize(3);
            for (PendingEvent now : found.subList(0, 2)) {
                assertThat(Duration.ofNanos(now.waitNanos())).isBetween(Duration.ofSeconds(-60), Duration.ZERO);
                assertThat(Duration.ofNanos(now.ageNanos())).isBetween(Duration.ZERO, Duration.ofSeconds(60));
            }
            assertThat(Duration.ofNanos(found.get(2).waitNanos()))
                    .isBetween(Duration.ofSeconds(40), Duration.ofSeconds(100));
            assertShownAndPurgedByTheRightTime(relaying, outbox, store);
        }
    }

    private static void assertShownAndPurgedByTheRightTime(DataSource relaying, OutboxDefinition outbox, RowStore store)
            throws SQLException {
        StoreOutboxAdmin admin = Stores.in(relaying).admin(Catalog.of(outbox)).outbox("orders");
        Instant now = Instant.now();
        for (long row = 1; row <= 3; row++) {
            assertThat(admin.find(row).orElseThrow().createdAt())
                    .isCloseTo(now, org.assertj.core.api.Assertions.within(60, ChronoUnit.SECONDS));
        }
        assertThat(admin.search(EventFilter.all().from(now.minusSeconds(60)).to(now.plusSeconds(60)))
                        .events())
                .hasSize(3);
        try (Connection connection = relaying.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(true);
            statement.execute("update events set state = 1");
        }
        assertThat(store.forget(new RetentionRule(Duration.ofMinutes(5), false), 0, 10)
                        .events())
                .as("deleted within five minutes")
                .isZero();
        assertThat(store.forget(new RetentionRule(Duration.ZERO, false), 0, 10).events())
                .isEqualTo(3);
    }

    // --- Open transactions -------------------------------------------------------------------------------------------

    private static Duration oldest(DataSource dataSource, Database kind) throws SQLException {
        Dialect dialect = kind == Database.POSTGRESQL
                ? Dialect.POSTGRESQL
                : kind == Database.MYSQL ? Dialect.MYSQL : Dialect.MARIADB;
        return new RowStore(dataSource, dialect, ORDERS).backlog().oldestTransaction();
    }

    private static void insert(Statement statement) throws SQLException {
        statement.execute("insert into orders (event_id, event_type, payload, created_at, updated_at)"
                + " values ('e-1', 'order.placed', '1', current_timestamp, current_timestamp)");
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"}) // they do not list transactions
    void B18_theOldestTransactionsAgeIsTheSameInEveryZone(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                HikariDataSource east = in(database, "+08:00");
                HikariDataSource west = in(database, "-05:00");
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            insert(statement);
            for (DataSource each : List.of(east, west)) {
                await().atMost(Duration.ofSeconds(20))
                        .until(() -> oldest(each, kind).compareTo(Duration.ZERO) > 0);
                assertThat(oldest(each, kind)).isLessThan(Duration.ofMinutes(1));
            }
            connection.rollback();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MYSQL", "MARIADB"})
    void B18_aPreparedTransactionIsSeenAfterItsClientIsGone(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            String xid = "'" + database.name() + "'";
            try (Connection connection = DriverManager.getConnection(database.url());
                    Statement statement = connection.createStatement()) {
                statement.execute("xa start " + xid);
                insert(statement);
                statement.execute("xa end " + xid);
                statement.execute("xa prepare " + xid);
            }
            try {
                await().atMost(Duration.ofSeconds(20))
                        .until(() -> oldest(database.dataSource(), kind).compareTo(Duration.ZERO) > 0);
                assertThat(oldest(database.dataSource(), kind)).isLessThan(Duration.ofMinutes(1));
            } finally {
                await().atMost(Duration.ofSeconds(20)).ignoreExceptions().until(() -> {
                    database.execute("xa rollback " + xid);
                    return true;
                });
            }
        }
    }

    @Test
    void B18_aPreparedTransactionOfPostgresIsSeen() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            try (Connection connection = DriverManager.getConnection(database.url());
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                insert(statement);
                statement.execute("prepare transaction '" + database.name() + "'");
            }
            try {
                await().atMost(Duration.ofSeconds(20))
                        .until(() -> oldest(database.dataSource(), Database.POSTGRESQL)
                                        .compareTo(Duration.ZERO)
                                > 0);
            } finally {
                database.execute("rollback prepared '" + database.name() + "'");
            }
        }
    }

    @Test
    void B18_aUserWithoutRightsSeesNoAgeAndNoError() throws Exception {
        try (TestDatabase database = open(Database.MARIADB)) {
            String user = "'" + database.name() + "'@'127.0.0.1'";
            database.execute("create user " + user + " identified by 'x'");
            database.execute("grant select on " + database.name() + ".* to " + user);
            try {
                HikariConfig config = new HikariConfig();
                config.setJdbcUrl(database.url()
                        .replace("user=root", "user=" + database.name())
                        .replace("password=", "password=x"));
                try (HikariDataSource pool = new HikariDataSource(config)) {
                    assertThat(oldest(pool, Database.MARIADB)).isZero();
                    assertThat(DatabaseSchema.check(pool, List.of(ORDERS)).errors())
                            .isEmpty();
                }
            } finally {
                database.execute("drop user " + user);
            }
        }
    }
}
