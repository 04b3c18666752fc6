package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.servers.Processes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's sentence: kill the process and start it again; nothing is lost. The demo, as a newcomer starts it, is killed
 * in its first second, while its writers write, and while its history is recorded.
 */
class KilledDemoTest {
    private static final int KILLS = 10;
    private static final int CHANGES_A_START = 1_000;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path home;

    private final Random random = new Random();
    private long made;
    private long ended;
    private @Nullable Process demo;

    private Process start(long changes) {
        demo = Processes.java(
                "demo",
                home,
                Map.of(),
                Demo.class,
                "--data",
                home.resolve("data").toString(),
                "--changes",
                Long.toString(changes),
                "--exit",
                "--resume");
        return demo;
    }

    @AfterEach
    void end() throws Exception {
        if (demo != null) {
            demo.destroyForcibly().waitFor();
        }
    }

    /** Reads without a connection that stays: nobody else has the file open when the demo is killed. */
    private long count(String sql) {
        String url = DatabaseSettings.sqlite(home.resolve("data"), Settings.SQLITE_FILE)
                        .url() + "&open_mode=1";
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getLong(1) : 0;
        } catch (SQLException e) {
            return 0; // not created yet
        }
    }

    private long changes() {
        return count("select sum(version - 1) from config where version > 0");
    }

    private long recorded() {
        return count("select count(*) from config_history");
    }

    /** What was made and ended before the last kill is known; the demo may be about to open the file. */
    private void awaitKillMoment(int kill) {
        long moment = random.nextInt(CHANGES_A_START / 2);
        if (kill == 0) {
            long at = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(200_000 + moment * 1_600);
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> System.nanoTime() - at > 0);
        } else if (kill % 2 == 0) {
            long enough = made + moment;
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> changes() > enough);
        } else {
            long enough = ended + moment;
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> recorded() > enough);
        }
    }

    @Test
    void nothingIsLostDeadDoubledOrOutOfOrderHoweverOftenTheDemoIsKilled() throws Exception {
        for (int kill = 0; kill < KILLS; kill++) {
            Process process = start(made + CHANGES_A_START);
            awaitKillMoment(kill);
            made = Math.max(made, changes());
            ended = Math.max(ended, recorded());
            assertThat(process.isAlive()).as("alive before kill %d", kill).isTrue();
            process.destroyForcibly().waitFor();
        }
        Process last = start(made + CHANGES_A_START);
        assertThat(last.waitFor(2, TimeUnit.MINUTES)).isTrue();
        List<String> printed = Files.readAllLines(home.resolve("demo.log"));
        String tally = printed.get(printed.size() - 1);
        System.out.println("After " + KILLS + " kills: " + tally);
        assertThat(last.exitValue()).as(tally).isZero();
        assertThat(tally)
                .startsWith("{\"written\":")
                .contains("\"duplicates\":0,\"lost\":0,\"phantoms\":0,\"outOfOrder\":0,\"dead\":0,");
        assertThat(made).isGreaterThan(CHANGES_A_START);
    }
}
