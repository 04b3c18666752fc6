package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.examples.support.DatabaseSettings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A SQLite file has one writer at a time; the others wait for it. */
class OneWriterTest {
    private static final int WRITERS = 30;
    private static final int CHANGES = 30;

    @TempDir
    Path data;

    private static void change(Application application, Config config, AtomicInteger made) throws Exception {
        Config current = config;
        for (int i = 0; i < CHANGES; i++) {
            String value = Reconciliation.value(current.version() + 1, false);
            current = application.configs().update(new Config.Change(current.id(), current.version(), "ada", value));
            made.incrementAndGet();
        }
    }

    /**
     * Writes compete with the relay and the history's consumer, and first with another program that locks the file for
     * two seconds.
     */
    @Test
    void thirtyWritersWaitForTheirTurnAndNoneFails() throws Exception {
        Settings settings = new Settings(DatabaseSettings.sqlite(data, Settings.SQLITE_FILE), null);
        try (Application application = Application.start(settings)) {
            List<Config> configs = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                configs.add(CenterTest.released(application, "key-" + i));
            }
            ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
            AtomicInteger made = new AtomicInteger();
            List<Future<?>> running = new ArrayList<>();
            try (Connection holder =
                            DriverManager.getConnection(settings.database().url());
                    Statement statement = holder.createStatement()) {
                holder.setAutoCommit(false);
                statement.executeUpdate("update config set version = version");
                for (Config config : configs) {
                    running.add(writers.submit(() -> {
                        change(application, config, made);
                        return null;
                    }));
                }
                await().during(Duration.ofSeconds(2)).until(() -> made.get() == 0);
                holder.rollback();
            }
            writers.shutdown();
            assertThat(writers.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
            for (Future<?> each : running) {
                each.get();
            }
            assertThat(made).hasValue(WRITERS * CHANGES);
            await().atMost(CenterTest.LONG)
                    .until(() ->
                            Reconciliation.of(application.database(), "module").complete());
        }
    }
}
