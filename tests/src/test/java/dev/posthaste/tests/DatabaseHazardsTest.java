package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.EventId;
import dev.posthaste.Outbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.OutboxMarks;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Journal.Settled;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelaySettings;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.RecordingBroker;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What real databases do to relays: cut commits, deadlocks, long transactions, weak settings. */
class DatabaseHazardsTest {
    private static final String TYPE = RelayProcess.TYPE;
    private final Outbox outbox = new Outbox(RelayProcess.CATALOG);

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), RelayProcess.CATALOG.outboxes());
        return database;
    }

    private static StatusJournal journal(TestDatabase database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return new StatusJournal(
                    database.dataSource(), Dialect.of(connection), RelayProcess.CATALOG.outbox("orders"));
        }
    }

    private void write(Connection connection, Event event) throws SQLException {
        connection.setAutoCommit(false);
        outbox.write(connection, event);
        connection.commit();
    }

    private void write(TestDatabase database, Event event) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            write(connection, event);
        }
    }

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
                    () -> new StatusJournal(still, dialect, RelayProcess.CATALOG.outbox("orders"))
                            .settle(old, List.of(new Verdict.Published(1, 0))));
            stands.await();
            if (kind == Database.SQLITE) { // nobody ends its session; nobody else writes meanwhile, and nothing breaks
                assertThatThrownBy(() ->
                                leases.take("orders", "new", leases.leases().get(0), Duration.ofMinutes(1)))
                        .isInstanceOf(JournalException.class);
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
                            .isInstanceOfAny(JournalException.class, LeaseLostException.class));
            assertThat(journal(database).counts()).containsEntry(Status.PENDING, 1L);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void aConsumerThatStandsStillBeforeItsCommitHoldsUpOnlyItsOwnEvent(Database kind) throws Exception {
        OutboxDefinition tracked =
                RelayProcess.CATALOG.outbox("orders").inTable("tracked_orders").withReceipts();
        try (TestDatabase database = open(kind);
                Connection consumer = database.pool(1).getConnection()) {
            Schema.create(database.dataSource(), List.of(tracked));
            Dialect dialect = Dialect.of(consumer);
            try (Connection connection = database.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                new Outbox(Catalog.of(tracked))
                        .write(
                                connection,
                                List.of(
                                        Event.builder(TYPE).id("a").payload("x").build(),
                                        Event.builder(TYPE).id("b").payload("x").build()));
                connection.commit();
            }
            LeaseTable leases = new LeaseTable(database.dataSource(), dialect);
            Claim claim = Objects.requireNonNull(leases.take("orders", "me", null, Duration.ofMinutes(1)));
            consumer.setAutoCommit(false);
            assertThat(new OutboxMarks(dialect, tracked).markConsumed(consumer, new Receipt.Consumed("orders", 1, "a")))
                    .isTrue();
            StatusJournal journal = new StatusJournal(database.dataSource(), dialect, tracked);
            CompletableFuture<Settled> settled = CompletableFuture.supplyAsync(
                    () -> journal.settle(claim, List.of(new Verdict.Published(1, 0), new Verdict.Published(2, 0))));
            if (kind == Database.SQLITE) { // it holds up every writer, and each says so in time
                assertThatThrownBy(() -> settled.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(JournalException.class);
                consumer.rollback();
                assertThat(journal.settle(claim, List.of(new Verdict.Published(1, 0), new Verdict.Published(2, 0))))
                        .isEqualTo(new Settled(2, Set.of()));
                return;
            }
            assertThat(settled.get(20, TimeUnit.SECONDS)).isEqualTo(new Settled(1, Set.of(1L)));
            consumer.rollback();
            assertThat(journal.counts()).containsEntry(Status.PENDING, 1L).containsEntry(Status.PUBLISHED, 1L);
        }
    }

    /** Whoever prepares a statement that begins so stands still before it. */
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
            Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                    .broker(new RecordingBroker())
                    .settings(RelaySettings.defaults().withStopTimeout(Duration.ofSeconds(1)))
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
            Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                    .broker(new RecordingBroker())
                    .settings(RelaySettings.defaults().withStopTimeout(Duration.ofSeconds(1)))
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
                    assertThat(Schema.check(fast, RelayProcess.CATALOG.outboxes())
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
            return Schema.check(fresh, RelayProcess.CATALOG.outboxes()).warnings();
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
            String id = EventId.next();
            Event event = Event.builder(TYPE).id(id).key("k").payload("once").build();
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

    // --- 25 ----------------------------------------------------------------------------------------------------------

    /** Both InnoDBs at once, for a minute. */
    @Test
    void H25_aMinuteOfWritersRelayAndRetentionLetsNoDeadlockReachTheApplication() throws Exception {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = Stream.of(Database.MYSQL, Database.MARIADB)
                .map(kind -> new Thread(() -> {
                    try {
                        writeForAMinute(kind, failures);
                    } catch (Exception | AssertionError e) {
                        failures.add(e);
                    }
                }))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    private void writeForAMinute(Database kind, Queue<Throwable> failures) throws Exception {
        try (TestDatabase database = open(kind)) {
            RecordingBroker broker = new RecordingBroker();
            CountDownLatch start = new CountDownLatch(1);
            long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
            List<Thread> writers = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Random random = new Random(i);
                writers.add(new Thread(() -> {
                    try {
                        start.await();
                        while (System.nanoTime() < end) {
                            writeSome(database, random);
                        }
                    } catch (Exception e) {
                        failures.add(e);
                    }
                }));
            }
            writers.forEach(Thread::start);
            Journal journal = journal(database);
            try (var pool = database.pool(4);
                    Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                            .broker(broker)
                            .policy(OutboxPolicy.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(20), 1_000)))
                            .build()
                            .start()) {
                start.countDown();
                while (System.nanoTime() < end) {
                    journal.purge(0, Duration.ofMillis(500), Set.of(Status.PUBLISHED), 200);
                }
                for (Thread writer : writers) {
                    writer.join();
                }
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> journal.backlog().pending() == 0);
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
    }

    private void writeSome(TestDatabase database, Random random) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(
                    random.nextBoolean()
                            ? Connection.TRANSACTION_REPEATABLE_READ
                            : Connection.TRANSACTION_READ_COMMITTED);
            for (int i = random.nextInt(3); i >= 0; i--) {
                outbox.write(connection, Event.of(TYPE, "key-" + random.nextInt(50), "x"));
            }
            if (random.nextInt(10) == 0) {
                connection.rollback();
            } else {
                connection.commit();
            }
        }
    }

    // --- 27 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void H27_payloadsOfAMegabyteNeedNoRoomForSorting(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            if (kind != Database.SQLITE) {
                DatabaseServer.of(kind)
                        .execute(
                                kind == Database.POSTGRESQL
                                        ? "alter database " + database.name() + " set work_mem = '256kB'"
                                        : "set global sort_buffer_size = 262144");
            }
            int events = 40;
            for (int i = 0; i < events; i++) {
                write(database, Event.of(TYPE, "key-" + i % 3, i + "-" + "x".repeat(990_000)));
            }
            RecordingBroker broker = new RecordingBroker();
            try (var fresh = database.pool(4);
                    Relay relay = Relay.builder(fresh, RelayProcess.CATALOG)
                            .broker(broker)
                            .build()
                            .start()) {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> journal(database).backlog().pending() == 0);
                assertThat(relay.owned()).containsExactly("orders");
            }
            assertThat(broker.arrived()).hasSize(events);
        }
    }

    // --- 28 ----------------------------------------------------------------------------------------------------------

    @Test
    void H28_aLongTransactionDoesNotMakeFetchesReadWhatIsDone() throws Exception {
        int events = 200_000;
        try (TestDatabase database = open(Database.POSTGRESQL);
                var pool = database.pool(4);
                Connection old = database.dataSource().getConnection()) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            try (Statement statement = old.createStatement()) {
                statement.executeQuery("select count(*) from orders").close();
            }
            Journal journal = journal(database);
            RecordingBroker broker = new RecordingBroker();
            try (Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                    .broker(broker)
                    .build()
                    .start()) {
                try (Connection connection = database.dataSource().getConnection()) {
                    connection.setAutoCommit(false);
                    for (int i = 0; i < events; i += 1_000) {
                        List<Event> batch = new ArrayList<>();
                        for (int j = 0; j < 1_000; j++) {
                            batch.add(Event.of(TYPE, "key-" + j, "x"));
                        }
                        outbox.write(connection, batch);
                        connection.commit();
                    }
                }
                await().atMost(Duration.ofSeconds(120))
                        .until(() -> journal.backlog().pending() == 0);
                assertThat(relay.owned()).containsExactly("orders");
            }
            assertThat(journal.backlog().oldestTransaction()).isPositive();
            write(database, Event.of(TYPE, "last", "x"));
            long last = database.count("select max(id) from orders");
            assertThat(buffersOfAFetchAfter(database, last - 1)).isLessThan(50);
            old.rollback();
        }
    }

    private static long buffersOfAFetchAfter(TestDatabase database, long after) throws SQLException {
        String fetch = new dev.posthaste.jdbc.OutboxTable(Dialect.POSTGRESQL, RelayProcess.CATALOG.outbox("orders"))
                .fetchStatement()
                .replaceFirst("\\?", Long.toString(after))
                .replaceFirst("\\?", "1000");
        String hit = database.query("explain (analyze, buffers, timing off) " + fetch).stream()
                .filter(line -> line.contains("shared hit="))
                .findFirst()
                .orElseThrow();
        return Stream.of(hit.split("[^0-9]+"))
                .filter(each -> !each.isEmpty())
                .mapToLong(Long::parseLong)
                .sum();
    }

    // --- 31 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void H31_aCleanUpThatIsKilledHasTouchedOnlyWhatWasFinished(Database kind, @TempDir Path home) throws Exception {
        try (TestDatabase database = open(kind)) {
            database.execute("create table seeds (n int)");
            for (int i = 0; i < 50; i++) {
                database.execute("insert into seeds values (" + i + ")");
            }
            database.execute("insert into orders (event_id, event_type, event_version, payload, status, attempts,"
                    + " created_at, updated_at) select concat('e-', a.n, '-', b.n, '-', c.n), '" + TYPE
                    + "', 'v1', '{}', case b.n when 7 then 'pending' when 8 then 'dead' else 'published' end, 0,"
                    + " " + database.now() + ", " + database.now() + " from seeds a, seeds b, seeds c where c.n < 10");
            String unfinished = "select count(*) from orders where status <> 'published'";
            long kept = database.count(unfinished);
            long all = database.count("select count(*) from orders");
            Process cleaner = Processes.java("cleaner", home, Map.of(), PurgeProcess.class, database.url());
            await().atMost(Duration.ofSeconds(60))
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> database.count("select count(*) from orders") < all);
            cleaner.destroyForcibly().waitFor();
            assertThat(database.count("select count(*) from orders")).isBetween(kept + 1, all - 1);
            assertThat(database.count(unfinished)).isEqualTo(kept);
            PurgeProcess.purge(journal(database));
            assertThat(database.count("select count(*) from orders")).isEqualTo(kept);
            assertThat(database.count(unfinished)).isEqualTo(kept);
        }
    }

    /** Deletes whatever is published, in small batches. */
    static final class PurgeProcess {
        public static void main(String[] arguments) throws SQLException {
            com.zaxxer.hikari.HikariConfig config = new com.zaxxer.hikari.HikariConfig();
            config.setJdbcUrl(arguments[0]);
            try (var pool = new com.zaxxer.hikari.HikariDataSource(config);
                    Connection connection = pool.getConnection()) {
                purge(new StatusJournal(pool, Dialect.of(connection), RelayProcess.CATALOG.outbox("orders")));
            }
        }

        static void purge(Journal journal) {
            long next = 0;
            Journal.Purged purged;
            do {
                purged = journal.purge(next, Duration.ZERO, Set.of(Status.PUBLISHED), 20);
                next = purged.next();
            } while (purged.more());
        }
    }

    @ParameterizedTest
    @EnumSource
    void H31_aTableUnderConstantLoadStopsGrowing(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                var pool = database.pool(4)) {
            Journal journal = journal(database);
            long end = System.nanoTime() + Duration.ofSeconds(6).toNanos();
            int written = 0;
            long most = 0;
            try (Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                    .broker(new RecordingBroker())
                    .build()
                    .start()) {
                while (System.nanoTime() < end || written < 600) {
                    write(database, Event.of(TYPE, "key-" + written % 20, "x"));
                    if (++written % 100 == 0) {
                        relay.wake("orders");
                        journal.purge(0, Duration.ofMillis(300), Set.of(Status.PUBLISHED), 1_000);
                        most = Math.max(
                                most,
                                journal.counts().values().stream()
                                        .mapToLong(Long::longValue)
                                        .sum());
                    }
                }
            }
            assertThat(most).as("rows there at once, of %d written", written).isLessThan(written / 2);
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
                Relay relay = Relay.builder(pool, RelayProcess.CATALOG)
                        .broker(broker)
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
                    .until(() -> journal(database).backlog().pending() == 0);
        }
    }
}
