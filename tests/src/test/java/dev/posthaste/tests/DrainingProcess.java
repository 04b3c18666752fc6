package dev.posthaste.tests;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.sql.DataSource;

/**
 * A relay with default settings in a separate process, with its own heap. It exits with 0 when nothing is due in the
 * outbox {@code orders}, and with 3 when it runs out of memory.
 */
final class DrainingProcess {
    private static final Duration ANSWER = Duration.ofMillis(20);

    private DrainingProcess() {}

    /** Logs to {@code drain.log} in {@code home}. */
    static Process start(TestDatabase database, String heap, Path home) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx" + heap, "-XX:+ExitOnOutOfMemoryError"));
        command.addAll(Processes.QUICK_TO_START);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), DrainingProcess.class.getName()));
        command.add(database.url());
        return Processes.start("drain", home, home.resolve("drain.log"), Map.of(), command.toArray(String[]::new));
    }

    public static void main(String[] arguments) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[0]);
        config.setMaximumPoolSize(4);
        try (HikariDataSource pool = new HikariDataSource(config);
                SlowBroker broker = new SlowBroker();
                Relay relay = Relay.builder(pool, RelayProcess.CATALOG, broker)
                        .build()
                        .start()) {
            while (due(pool) > 0) {
                Thread.sleep(200);
            }
            System.out.println("relay " + relay.name() + " has published everything");
        }
    }

    private static long due(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select count(*) from orders where status = 'pending'" + " and next_attempt_at is null")) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Keeps messages for as long as a server would take to respond. */
    private static final class SlowBroker implements Broker {
        private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();

        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            thread.schedule(
                    () -> callback.accept(
                            message.body().length > 0 ? Outcome.acknowledged() : Outcome.rejected("no body")),
                    ANSWER.toMillis(),
                    TimeUnit.MILLISECONDS);
        }

        @Override
        public boolean healthy() {
            return true;
        }

        @Override
        public void close() {
            thread.shutdownNow();
        }
    }
}
