package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.StoreException;
import dev.posthaste.TableLayout;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.LeaseTable.Renewal;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Audit findings about the store that a contract for every database cannot show. */
class StoreAuditTest {
    private static final String TYPE = "order.placed";
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("t"))
            .types(TYPE);

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.of(ORDERS));
        return database;
    }

    private static Dialect dialect(TestDatabase database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return Dialect.of(connection);
        }
    }

    private static void write(TestDatabase database, String... payloads) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            JdbcOutbox outbox = JdbcOutbox.of(Catalog.of(ORDERS));
            for (String payload : payloads) {
                outbox.write(connection, Event.of(TYPE, "key", payload));
            }
            connection.commit();
        }
    }

    // --- Fail-over ---------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void B08_connectionsToAServerThatBecameReadOnlyAreReplaced(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                HikariDataSource pool = database.pool(4)) {
            write(database, "x");
            List<Connection> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Connection connection = pool.getConnection();
                all.add(connection);
                try (Statement statement = connection.createStatement()) {
                    statement.execute(
                            kind == Database.POSTGRESQL
                                    ? "set session characteristics as transaction read only"
                                    : "set session transaction read only");
                }
            }
            for (Connection connection : all) {
                connection.close();
            }
            LeaseTable leases = new LeaseTable(pool, dialect(database));
            RowStore store = new RowStore(pool, dialect(database), ORDERS);
            int failures = 0;
            Claim claim = null;
            for (int i = 0; i < 10 && claim == null; i++) {
                try {
                    claim = leases.take("orders", "me", null, Duration.ofMinutes(1));
                } catch (StoreException e) {
                    failures++; // both connections that it tried were stale
                }
            }
            assertThat(failures).isLessThanOrEqualTo(2);
            Claim taken = Objects.requireNonNull(claim);
            for (int i = 0; i < 10; i++) {
                try {
                    store.requeue(List.of(1L));
                    assertThat(leases.renew(taken, Duration.ofMinutes(1))).isEqualTo(Renewal.RENEWED);
                } catch (StoreException e) {
                    failures++;
                }
            }
            assertThat(failures).as("each stale connection fails only once").isLessThanOrEqualTo(2);
            assertThat(store.settle(taken, List.of(new Verdict.Published(1, 0))))
                    .isEqualTo(new Settled(1, Set.of()));
            List<Connection> now = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                now.add(pool.getConnection());
            }
            int old = 0;
            for (Connection connection : now) {
                try (Statement statement = connection.createStatement();
                        ResultSet row = statement.executeQuery(
                                kind == Database.POSTGRESQL
                                        ? "show default_transaction_read_only"
                                        : kind == Database.MYSQL
                                                ? "select @@session.transaction_read_only"
                                                : "select @@session.tx_read_only")) {
                    row.next();
                    old += Set.of("on", "1").contains(row.getString(1)) ? 1 : 0;
                }
                connection.close();
            }
            assertThat(old)
                    .as("stale connections that are left although they failed")
                    .isLessThanOrEqualTo(4 - 2 * failures);
        }
    }

    // --- Memory and wire ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void B09_whatDoesNotFitIsNotSent(Database kind) throws Exception {
        int events = 400;
        for (int size : new int[] {50_000, 10_000}) {
            try (TestDatabase database = open(kind);
                    HikariDataSource pool = database.pool(1)) {
                String[] payloads = new String[events];
                java.util.Arrays.fill(payloads, "x".repeat(size));
                write(database, payloads);
                RowStore store = new RowStore(pool, dialect(database), ORDERS);
                long before = sent(pool);
                long after = Long.MIN_VALUE;
                int read = 0;
                int most = 0;
                while (read < events) {
                    List<Pending> some = store.fetch(after, 1_000, 3_000_000);
                    assertThat(some).isNotEmpty().allMatch(each -> each instanceof PendingEvent);
                    most = Math.max(most, some.size());
                    read += some.size();
                    after = some.get(some.size() - 1).id();
                }
                assertThat(most).isEqualTo(Math.min(events, 3_000_000 / size));
                assertThat(sent(pool) - before)
                        .as("bytes that the server sent, events of " + size + " bytes")
                        .isLessThan((long) (1.5 * events * size));
            }
        }
    }

    private static long sent(DataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show session status like 'Bytes_sent'")) {
            row.next();
            return row.getLong(2);
        }
    }

    // --- Rows of other programs --------------------------------------------------------------------------------------

    private static Map<String, String> layout(String payload) {
        Map<String, String> layout = new HashMap<>(Map.of(
                "table", "theirs",
                "column.id", "id",
                "column.type", "type",
                "column.key", "k",
                "column.payload", "payload",
                "column.status", "status",
                "column.attempts", "attempts",
                "column.next-attempt-at", "next_attempt_at"));
        layout.putAll(Map.of(
                "status.pending", "0",
                "status.published", "1",
                "status.dead", "2",
                "column.last-error", "err",
                "payload", payload));
        return layout;
    }

    /** A query for the missing column once ended all housekeeping, so that nothing was deleted either. */
    @ParameterizedTest
    @EnumSource
    void C27_aTableThatNeverSaysWhenItsEventsWerePublishedHasNoUnconsumedOnes(Database kind) throws Exception {
        Map<String, String> layout = layout("text");
        layout.remove("column.last-error");
        layout.put("status.consumed", "3");
        OutboxDefinition theirs = OutboxDefinition.named("theirs")
                .table("theirs")
                .route(Route.to("t"))
                .types("t")
                .layout(TableLayout.mapped(EventTable.text(layout)))
                .tracked(true);
        try (TestDatabase database = open(kind)) {
            boolean innodb = kind == Database.MARIADB || kind == Database.MYSQL;
            String q = innodb ? "`" : "\"";
            database.execute(("create table `theirs` (`id` bigint primary key, `type` varchar(9), `k` varchar(9),"
                            + " `payload` varchar(9), `status` int, `attempts` int, `next_attempt_at` timestamp"
                            + (innodb ? " null" : "") + ")")
                    .replace("`", q));
            for (String row : List.of("1, 't', 'k', '', 1, 0", "2, 't', 'k', '', 3, 0")) {
                database.execute(("insert into `theirs` (`id`, `type`, `k`, `payload`, `status`, `attempts`) values ("
                                + row + ")")
                        .replace("`", q));
            }
            RowStore store = new RowStore(database.dataSource(), dialect(database), theirs);
            assertThat(store.unconsumed(Duration.ofMillis(1)).events()).isZero();
            assertThat(store.passedOver(Duration.ofMillis(1), Long.MIN_VALUE, 10))
                    .isEmpty();
            assertThat(store.forget(new RetentionRule(Duration.ofMillis(1), false), Long.MIN_VALUE, 10)
                            .events())
                    .isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void B03_aRowThatNoProgramCouldReadIsOneDefectiveEvent(Database kind) throws Exception {
        OutboxDefinition theirs = OutboxDefinition.named("theirs")
                .table("theirs")
                .route(Route.to("t"))
                .types("t")
                .layout(TableLayout.mapped(EventTable.text(layout("envelope"))));
        try (TestDatabase database = open(kind)) {
            boolean innodb = kind == Database.MARIADB || kind == Database.MYSQL;
            String q = innodb ? "`" : "\"";
            String blob = kind == Database.POSTGRESQL ? "bytea" : kind == Database.H2 ? "blob" : "longblob";
            String text = innodb ? "longtext" : kind == Database.H2 ? "clob" : "text";
            database.execute(("create table `theirs` (`id` bigint primary key, `type` " + text + ", `k` " + text
                            + ", `payload` " + blob + ", `status` int, `attempts` int, `next_attempt_at` timestamp"
                            + (innodb ? " null" : "") + ", `err` varchar(100))")
                    .replace("`", q));
            String deep = "{\"a\":".repeat(50_000);
            byte[][] payloads = {
                "{\"payload\":{\"good\":1}}".getBytes(StandardCharsets.UTF_8),
                "{\"event_id\":\"1\",\"payload\":{\"a\":1}}".getBytes(StandardCharsets.UTF_16LE),
                "{\"event_id\":\"1\",\"payload\":{\"a\":1}}".getBytes(StandardCharsets.UTF_16),
                "{\"payload\":1}".getBytes(java.nio.charset.Charset.forName("UTF-32")),
                ("{\"payload\":" + deep).getBytes(StandardCharsets.UTF_8),
                null,
                "{\"payload\":{\"good\":2}}".getBytes(StandardCharsets.UTF_8),
                "{\"payload\":{\"good\":3}}".getBytes(StandardCharsets.UTF_8),
            };
            try (Connection connection = database.dataSource().getConnection();
                    PreparedStatement insert = connection.prepareStatement(
                            "insert into `theirs` (`id`, `type`, `k`, `payload`, `status`, `attempts`) values (?, 't', ?, ?, 0, 0)"
                                    .replace("`", q))) {
                for (int i = 0; i < payloads.length; i++) {
                    insert.setLong(1, i + 1);
                    insert.setString(2, i == 6 ? "k".repeat(3_000_000) : "k");
                    insert.setBytes(3, payloads[i]);
                    insert.executeUpdate();
                }
            }
            RowStore store = new RowStore(database.dataSource(), dialect(database), theirs);
            List<Pending> found = store.fetch(Long.MIN_VALUE, 100, 1_000_000);
            assertThat(found).extracting(Pending::id).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
            assertThat(found)
                    .filteredOn(each ->
                            each instanceof PendingEvent event && event.event().defect() == null)
                    .extracting(Pending::id)
                    .containsExactly(1L, 8L);
            assertThat(((PendingEvent) found.get(6)).event().defect()).contains("3000001 bytes");
            assertThat(store.scan(Long.MIN_VALUE, Long.MAX_VALUE, 100))
                    .hasSize(8)
                    .allSatisfy(mark -> assertThat(String.valueOf(mark.key())).hasSizeLessThan(100));
            Claim claim = Objects.requireNonNull(new LeaseTable(database.dataSource(), dialect(database))
                    .take("theirs", "me", null, Duration.ofMinutes(1)));
            List<Verdict> verdicts = found.stream()
                    .<Verdict>map(each -> new Verdict.Dead(each.id(), 0, "no"))
                    .toList();
            assertThat(store.settle(claim, verdicts).written()).isEqualTo(8);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void B04_anErrorOfCharactersThatTheColumnDoesNotKnowIsWrittenInPlainOnes(Database kind) throws Exception {
        for (String set : List.of("utf8", "latin1")) {
            try (TestDatabase database = open(kind)) {
                write(database, "x", "y");
                database.execute("alter table orders modify last_error varchar(2000) character set " + set);
                RowStore store = new RowStore(database.dataSource(), dialect(database), ORDERS);
                Claim claim = Objects.requireNonNull(new LeaseTable(database.dataSource(), dialect(database))
                        .take("orders", "me", null, Duration.ofMinutes(1)));
                String error = "no \uD83D\uDE00 \u6f22";
                assertThat(store.settle(
                                claim, List.of(new Verdict.Dead(1, 0, error), new Verdict.Dead(2, 0, "fine \u00e9"))))
                        .isEqualTo(new Settled(2, Set.of()));
                assertThat(database.query("select last_error from orders order by id"))
                        .containsExactly("no ? ?", "fine \u00e9");
            }
        }
    }

    // --- Rights ------------------------------------------------------------------------------------------------------

    @Test
    void A03_aUserWhoMayNotListLocksGetsNoListAndEverythingElse() throws Exception {
        try (TestDatabase database = open(Database.MYSQL)) {
            write(database, "x");
            String user = "plain_" + database.name();
            database.execute("create user " + user + " identified by 'x'");
            database.execute("grant select, insert, update, delete on " + database.name() + ".* to " + user);
            String url = database.url().replace("user=root&password=", "user=" + user + "&password=x");
            RowStore store = new RowStore(source(url), Dialect.MYSQL, ORDERS);
            assertThat(store.writers()).isNull();
            assertThat(store.fetch(Long.MIN_VALUE, 10, 1_000)).hasSize(1);
            database.execute("grant select on performance_schema.metadata_locks to " + user);
            database.execute("grant xa_recover_admin on *.* to " + user);
            assertThat(new RowStore(source(url), Dialect.MYSQL, ORDERS).writers())
                    .isNotNull();
            assertThat(store.writers()).as("asked again after a minute").isNull();
            database.execute("drop user " + user);
        }
    }

    private static DataSource source(String url) {
        return (DataSource) java.lang.reflect.Proxy.newProxyInstance(
                DataSource.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> java.sql.DriverManager.getConnection(url));
    }

    /** Pending rows that are not due are fetched as references even if they are large, and take no memory. */
    @Test
    void A07_marksOfDelayedEventsTakeNoRoom() throws Exception {
        try (TestDatabase database = open(Database.POSTGRESQL)) {
            write(database, "x".repeat(100_000), "x".repeat(100_000), "y");
            database.execute("update orders set next_attempt_at = now() + interval '1 hour' where id < 3");
            RowStore store = new RowStore(database.dataSource(), Dialect.POSTGRESQL, ORDERS);
            assertThat(store.fetch(0, 10, 10)).hasSize(3).element(0).isInstanceOf(PendingRef.class);
            assertThatThrownBy(() -> store.settle(new Claim("orders", "nobody", 1), List.of()))
                    .hasMessageContaining("nobody");
        }
    }
}
