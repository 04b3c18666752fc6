package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Schema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.servers.WallClock;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The effect of a paused process or a stepped clock on relays in separate processes. */
class ProcessTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    Path home;

    private final JdbcOutbox outbox = JdbcOutbox.of(RelayProcess.CATALOG);
    private TestDatabase database;

    @BeforeEach
    void open() throws SQLException {
        database = DatabaseServer.of(Database.POSTGRESQL).createDatabase();
        Schema.create(database.dataSource(), RelayProcess.CATALOG);
        TableBroker.createTable(database);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private void write(Event... events) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            outbox.write(connection, List.of(events));
            connection.commit();
        }
    }

    private String owner() {
        return database.query("select owner from posthaste_lease where expires_at > now()").stream()
                .findFirst()
                .orElse("");
    }

    private long pending() {
        return database.count("select count(*) from orders where status = 'pending'");
    }

    @Test
    void H08_aProcessThatIsStoppedForThreeLeasesNeitherLosesNorReordersAnything() throws Exception {
        Map<String, Process> relays = Map.of(
                "first", RelayProcess.start("first", database, home, Map.of()),
                "second", RelayProcess.start("second", database, home, Map.of()));
        try {
            await().atMost(LONG).until(() -> relays.containsKey(owner()));
            for (int round = 0; round < 3; round++) {
                String owner = owner();
                for (int i = 0; i < 400; i++) {
                    write(Event.of(RelayProcess.TYPE, "key-" + i % 10, "%d-%03d".formatted(round, i)));
                }
                Processes.signal("STOP", relays.get(owner).pid());
                long until =
                        System.nanoTime() + RelayProcess.LEASE.multipliedBy(3).toNanos();
                await("the other takes over")
                        .atMost(LONG)
                        .until(() -> relays.containsKey(owner()) && !owner().equals(owner));
                await().atMost(LONG).until(() -> System.nanoTime() > until);
                Processes.signal("CONT", relays.get(owner).pid());
                await().atMost(LONG).until(() -> pending() == 0);
                await().atMost(LONG).until(() -> relays.containsKey(owner()));
            }
        } finally {
            relays.values().forEach(Process::destroyForcibly);
        }
        Map<String, List<String>> arrived = TableBroker.firstArrivals(database);
        for (int key = 0; key < 10; key++) {
            int mine = key;
            List<String> written = IntStream.range(0, 3)
                    .boxed()
                    .flatMap(round -> IntStream.range(0, 400)
                            .filter(i -> i % 10 == mine)
                            .mapToObj(i -> "%d-%03d".formatted(round, i)))
                    .toList();
            assertThat(arrived.get("key-" + key)).containsExactlyElementsOf(written);
        }
    }

    /** The process reads the file of its stepped clock once a second. */
    private static void awaitTheStep() {
        long seen = System.nanoTime() + Duration.ofMillis(1_500).toNanos();
        await().atMost(LONG).until(() -> System.nanoTime() > seen);
    }

    @Test
    void H07_aClockThatIsSteppedByTwoHoursChangesNeitherOrderNorDueTimes() throws Exception {
        WallClock clock = new WallClock(home.resolve("clock"));
        Process relay = RelayProcess.start("shifted", database, home, clock.environment());
        try {
            await().atMost(LONG).until(() -> owner().equals("shifted"));
            for (String step : List.of("+2h", "-2h", "+0s")) {
                clock.step(step);
                awaitTheStep();
                write(
                        Event.of(RelayProcess.TYPE, "now", step + " a"),
                        Event.of(RelayProcess.TYPE, "now", step + " b"),
                        Event.of(RelayProcess.TYPE, "later", step).delay(Duration.ofSeconds(2)));
                await().atMost(LONG).until(() -> pending() == 0);
            }
        } finally {
            relay.destroyForcibly();
        }
        assertThat(TableBroker.firstArrivals(database).get("now"))
                .containsExactlyElementsOf(Stream.of("+2h", "-2h", "+0s")
                        .flatMap(step -> Stream.of(step + " a", step + " b"))
                        .toList());
        assertThat(database.query("""
                        select arrivals.at - created_at >= interval '2 seconds' from arrivals
                        join orders on orders.payload = arrivals.payload where arrivals.event_key = 'later'
                        """))
                .as("each event waited two seconds by the database's clock")
                .containsExactly("t", "t", "t");
    }
}
