package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Schema;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.Attempts;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writers, a relay and a consumer as three processes on one SQLite file, each of them killed or paused at random. */
class SqliteProcessesTest {
    private static final Duration LONG = Duration.ofSeconds(120);
    private static final int FAULTS = 15;
    private static final int KEYS = 10;
    private static final Map<String, Class<?>> ROLES =
            Map.of("writers", Writers.class, "relay", RelayOnTheFile.class, "consumer", ConsumerOfTheFile.class);

    @TempDir
    Path home;

    @Test
    void threeProcessesOnOneFileThatAreKilledAtRandomLoseDoubleAndReorderNothing() throws Exception {
        try (TestDatabase database = DatabaseServer.of(Database.SQLITE).createDatabase()) {
            Schema.create(database.dataSource(), RelayProcess.CATALOG);
            database.execute("create table counters (name text primary key, version integer not null)");
            for (int key = 0; key < KEYS; key++) {
                database.execute("insert into counters values ('key-" + key + "', 0)");
            }
            database.execute("create table changes (name text, version integer, primary key (name, version))");
            database.execute("create table queue (id integer primary key autoincrement, event_id text, name text,"
                    + " payload text)");
            database.execute("create table effects (id integer primary key autoincrement, name text, version integer)");
            Map<String, Process> running = new HashMap<>();
            try {
                ROLES.keySet().forEach(role -> running.put(role, start(role, database)));
                await().atMost(LONG).until(() -> database.count("select count(*) from effects") > 0);
                strike(running, database);
                running.get("writers").destroyForcibly().waitFor();
                await().atMost(LONG)
                        .until(() -> database.count("select (select count(*) from changes) - (select count(*) from"
                                        + " effects) + (select count(*) from orders where status <> 'published')")
                                == 0);
            } finally {
                running.values().forEach(Process::destroyForcibly);
                for (Process each : running.values()) {
                    each.waitFor();
                }
            }
            assertThat(database.query("pragma integrity_check")).containsExactly("ok");
            assertThat(database.count("select sum(version) from counters"))
                    .as("every change has its event")
                    .isEqualTo(database.count("select count(*) from orders"))
                    .isGreaterThan(100);
            assertThat(database.count("select count(*) from orders where attempts > 0"))
                    .isZero();
            Map<String, Long> last = new HashMap<>();
            for (String effect : database.query("select name, version from effects order by id")) {
                String[] words = effect.split("\\|");
                assertThat(Long.parseLong(words[1]))
                        .as("the next effect of %s", words[0])
                        .isEqualTo(last.merge(words[0], 1L, Long::sum));
            }
        }
    }

    private Process start(String role, TestDatabase database) {
        return Processes.java(role, home, Map.of(), ROLES.get(role), database.url());
    }

    private void strike(Map<String, Process> running, TestDatabase database) throws Exception {
        List<String> roles = new ArrayList<>(ROLES.keySet());
        Random random = new Random();
        for (int i = 0; i < FAULTS; i++) {
            Thread.sleep(random.nextInt(700)); // a random moment
            String role = roles.get(i % roles.size());
            Process victim = running.get(role);
            if (i % 5 == 4) { // perhaps while it has the write lock
                Processes.signal("STOP", victim.pid());
                Thread.sleep(RelayProcess.LEASE.multipliedBy(2).toMillis());
                Processes.signal("CONT", victim.pid());
            } else {
                victim.destroyForcibly().waitFor();
                running.put(role, start(role, database));
            }
            long before = database.count("select count(*) from effects");
            await("everything continues after " + role)
                    .atMost(LONG)
                    .until(() -> database.count("select count(*) from effects") > before + 20);
        }
    }

    private static HikariDataSource pool(String url, int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(size);
        return new HikariDataSource(config);
    }

    /** Three threads, each of which changes a counter and records the change together with its event. */
    static final class Writers {
        public static void main(String[] arguments) throws Exception {
            DataSource dataSource = pool(arguments[0], 2);
            JdbcOutbox outbox = JdbcOutbox.of(RelayProcess.CATALOG);
            for (int i = 0; i < 3; i++) {
                new Thread(() -> {
                            while (true) {
                                write(
                                        dataSource,
                                        outbox,
                                        "key-" + ThreadLocalRandom.current().nextInt(KEYS));
                            }
                        })
                        .start();
            }
        }

        private static void write(DataSource dataSource, JdbcOutbox outbox, String key) {
            try (Connection connection = dataSource.getConnection()) {
                connection.setAutoCommit(false);
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate("update counters set version = version + 1 where name = '" + key + "'");
                    statement.executeUpdate(
                            "insert into changes select name, version from counters where name = '" + key + "'");
                    long version = version(statement, key);
                    outbox.write(
                            connection,
                            Event.of(RelayProcess.TYPE, key, Long.toString(version))
                                    .id(key + "-" + version));
                }
                connection.commit();
                Thread.sleep(5);
            } catch (SQLException | InterruptedException e) {
                System.out.println("a writer failed: " + e); // the end of the test shows it: no version may be missing
            }
        }

        private static long version(Statement statement, String key) throws SQLException {
            try (ResultSet row = statement.executeQuery("select version from counters where name = '" + key + "'")) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /** Publishes into a table. */
    static final class RelayOnTheFile {
        public static void main(String[] arguments) throws Exception {
            Relay relay = Relay.builder(
                            pool(arguments[0], 4), RelayProcess.CATALOG, new QueueInATable(pool(arguments[0], 1)))
                    .name("relay-" + ProcessHandle.current().pid())
                    .lease(RelayProcess.LEASE)
                    .publishTimeout(Duration.ofMillis(900))
                    .build()
                    .start();
            Thread.currentThread().join();
            relay.close();
        }
    }

    private record QueueInATable(DataSource dataSource) implements Broker {
        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            try (Connection connection = dataSource.getConnection();
                    PreparedStatement insert = connection.prepareStatement(
                            "insert into queue (event_id, name, payload) values (?, ?, ?)")) {
                insert.setString(1, message.eventId());
                insert.setString(2, message.key());
                insert.setString(3, new String(message.body(), StandardCharsets.UTF_8));
                insert.executeUpdate();
                callback.accept(Outcome.acknowledged());
            } catch (SQLException e) {
                callback.accept(Outcome.unknown(e.toString()));
            }
        }

        @Override
        public boolean healthy() {
            return true;
        }

        @Override
        public void close() {}
    }

    /** Reads the table from its beginning, then new rows. */
    static final class ConsumerOfTheFile {
        public static void main(String[] arguments) throws Exception {
            HikariDataSource dataSource = pool(arguments[0], 2);
            Attempts inbox = Attempts.of(Inbox.builder("effects", dataSource)
                    .on(RelayProcess.TYPE, String.class, ConsumerOfTheFile::handle));
            long last = 0;
            while (true) {
                List<Message> messages = new ArrayList<>();
                try (Connection connection = dataSource.getConnection();
                        Statement statement = connection.createStatement();
                        ResultSet row =
                                statement.executeQuery("select id, event_id, name, payload from queue where id > "
                                        + last + " order by id limit 100")) {
                    while (row.next()) {
                        last = row.getLong(1);
                        messages.add(Message.of("orders-topic", row.getString(4).getBytes(StandardCharsets.UTF_8))
                                .key(row.getString(3))
                                .headers(Map.of(
                                        MessageHeaders.EVENT_ID,
                                        row.getString(2),
                                        MessageHeaders.EVENT_TYPE,
                                        RelayProcess.TYPE)));
                    }
                }
                for (Message message : messages) {
                    Attempts.Result result;
                    do {
                        result = inbox.handle(message);
                    } while (result instanceof Attempts.Result.Postponed
                            || result instanceof Attempts.Result.Unavailable);
                    if (!(result instanceof Attempts.Result.Handled || result instanceof Attempts.Result.Duplicate)) {
                        throw new IllegalStateException(message + ": " + result);
                    }
                }
                Thread.sleep(messages.isEmpty() ? 20 : 0);
            }
        }

        private static void handle(String version, EventContext context) throws SQLException {
            try (PreparedStatement insert =
                    context.connection().prepareStatement("insert into effects (name, version) values (?, ?)")) {
                insert.setString(1, context.message().key());
                insert.setLong(2, Long.parseLong(version));
                insert.executeUpdate();
            }
        }
    }
}
