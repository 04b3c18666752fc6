package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What real databases do to relays under load: deadlocks, large payloads, long transactions, cleaning up. */
class DatabaseLoadTest extends WithOrders {
    // --- 25 ----------------------------------------------------------------------------------------------------------

    /** MariaDB and MySQL in parallel, for a minute. */
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
            OutboxStore store = store(database);
            try (var pool = database.pool(4);
                    Relay relay = Relay.builder(
                                    pool,
                                    RelayProcess.CATALOG.all(o -> o.retry(RetryPolicy.fixed(Duration.ofMillis(20))
                                            .attempts(1_000))),
                                    broker)
                            .build()
                            .start()) {
                start.countDown();
                while (System.nanoTime() < end) {
                    store.forget(new RetentionRule(Duration.ofMillis(500), false), 0, 200);
                }
                for (Thread writer : writers) {
                    writer.join();
                }
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> store.backlog().pending() == 0);
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
                    Relay relay = Relay.builder(fresh, RelayProcess.CATALOG, broker)
                            .build()
                            .start()) {
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> store(database).backlog().pending() == 0);
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
            OutboxStore store = store(database);
            RecordingBroker broker = new RecordingBroker();
            try (Relay relay =
                    Relay.builder(pool, RelayProcess.CATALOG, broker).build().start()) {
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
                        .until(() -> store.backlog().pending() == 0);
                assertThat(relay.owned()).containsExactly("orders");
            }
            assertThat(store.backlog().oldestTransaction()).isPositive();
            write(database, Event.of(TYPE, "last", "x"));
            long last = database.count("select max(id) from orders");
            assertThat(buffersOfAFetchAfter(database, last - 1)).isLessThan(50);
            old.rollback();
        }
    }

    private static long buffersOfAFetchAfter(TestDatabase database, long after) throws SQLException {
        String fetch = new dev.posthaste.internal.jdbc.RowReads(
                        Dialect.POSTGRESQL, RelayProcess.CATALOG.outbox("orders"))
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
            PurgeProcess.purge(store(database));
            assertThat(database.count("select count(*) from orders")).isEqualTo(kept);
            assertThat(database.count(unfinished)).isEqualTo(kept);
        }
    }

    /** Deletes published events in small batches. */
    static final class PurgeProcess {
        public static void main(String[] arguments) throws SQLException {
            com.zaxxer.hikari.HikariConfig config = new com.zaxxer.hikari.HikariConfig();
            config.setJdbcUrl(arguments[0]);
            try (var pool = new com.zaxxer.hikari.HikariDataSource(config);
                    Connection connection = pool.getConnection()) {
                purge(new RowStore(pool, Dialect.of(connection), RelayProcess.CATALOG.outbox("orders")));
            }
        }

        static void purge(OutboxStore store) {
            long next = 0;
            OutboxStore.Forgotten purged;
            do {
                purged = store.forget(new RetentionRule(Duration.ZERO, false), next, 20);
                next = purged.next();
            } while (purged.more());
        }
    }

    @ParameterizedTest
    @EnumSource
    void H31_aTableUnderConstantLoadStopsGrowing(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                var pool = database.pool(4)) {
            RowStore store = store(database);
            long start = System.nanoTime();
            long end = start + Duration.ofSeconds(6).toNanos();
            long limit = start + Duration.ofSeconds(60).toNanos(); // a slow machine has written little after six
            int written = 0;
            long most = 0;
            try (Relay relay = Relay.builder(pool, RelayProcess.CATALOG, new RecordingBroker())
                    .build()
                    .start()) {
                while (System.nanoTime() < end
                        || ((written < 600 || most >= written / 2) && System.nanoTime() < limit)) {
                    write(database, Event.of(TYPE, "key-" + written % 20, "x"));
                    if (++written % 100 == 0) {
                        relay.wake("orders");
                        store.forget(new RetentionRule(Duration.ofMillis(300), false), 0, 1_000);
                        most = Math.max(
                                most,
                                store.counts().values().stream()
                                        .mapToLong(Long::longValue)
                                        .sum());
                    }
                }
            }
            assertThat(most)
                    .as("rows in the table at a time, of %d written", written)
                    .isLessThan(written / 2);
        }
    }
}
