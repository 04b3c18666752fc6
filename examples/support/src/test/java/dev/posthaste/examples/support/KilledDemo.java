package dev.posthaste.examples.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's claim: kill the process and restart it; nothing is lost. A demo, started as a newcomer would, is killed
 * while its writers write, and while its handlers work.
 */
public abstract class KilledDemo {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Class<?> demo;
    private final String sqliteFile;
    private final String load;
    private final int kills;
    private final int loadOfAStart;
    private final Random random = new Random();
    private long made;
    private long ended;
    private @Nullable Process running;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path home;

    /**
     * @param load the option for how much the demo writes
     * @param loadOfAStart how much more to write, each time it is started
     */
    protected KilledDemo(Class<?> demo, String sqliteFile, String load, int kills, int loadOfAStart) {
        this.demo = demo;
        this.sqliteFile = sqliteFile;
        this.load = load;
        this.kills = kills;
        this.loadOfAStart = loadOfAStart;
    }

    /** How much the writers have written, according to the tables. */
    protected abstract long made();

    /** How much of it the handlers have done. */
    protected abstract long ended();

    private Process start() {
        running = Processes.java(
                "demo",
                home,
                Map.of(),
                demo,
                "--data",
                home.resolve("data").toString(),
                load,
                Long.toString(made + loadOfAStart),
                "--exit",
                "--resume");
        return running;
    }

    @AfterEach
    final void end() throws Exception {
        if (running != null) {
            running.destroyForcibly().waitFor();
        }
    }

    /** Reads without keeping a connection: no other process has the file open when the demo is killed. */
    protected final long count(String sql) {
        String url = DatabaseSettings.sqlite(home.resolve("data"), sqliteFile).url() + "&open_mode=1";
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getLong(1) : 0;
        } catch (SQLException e) {
            return 0; // not created yet
        }
    }

    /**
     * Waits for more than was made or ended before the last kill: those counts are known, and the demo may not have
     * opened the file yet.
     *
     * @param moment how much more to wait for
     */
    protected void awaitKillMoment(int kill, int moment) {
        if (kill % 2 == 0) {
            long enough = made + moment;
            awaitKillMoment(() -> made() > enough);
        } else {
            long enough = ended + moment;
            awaitKillMoment(() -> ended() > enough);
        }
    }

    protected final void awaitKillMoment(BooleanSupplier come) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(come::getAsBoolean);
    }

    @Test
    void nothingIsLostDeadDoubledOrOutOfOrderHoweverOftenTheDemoIsKilled() throws Exception {
        for (int kill = 0; kill < kills; kill++) {
            Process process = start();
            awaitKillMoment(kill, random.nextInt(loadOfAStart / 2));
            made = Math.max(made, made());
            ended = Math.max(ended, ended());
            assertThat(process.isAlive()).as("alive before kill %d", kill).isTrue();
            process.destroyForcibly().waitFor();
        }
        Process last = start();
        assertThat(last.waitFor(2, TimeUnit.MINUTES)).isTrue();
        List<String> printed = Files.readAllLines(home.resolve("demo.log"));
        String tally = printed.get(printed.size() - 1);
        System.out.println("After " + kills + " kills: " + tally);
        assertThat(last.exitValue()).as(tally).isZero();
        assertThat(tally)
                .startsWith("{")
                .contains("\"written\":", "\"duplicates\":0,\"lost\":0,\"phantoms\":0,\"outOfOrder\":0,\"dead\":0")
                .doesNotContainPattern("\"(duplicates|lost|phantoms|outOfOrder|dead)\":[1-9]");
        assertThat(made).isGreaterThan(loadOfAStart);
    }
}
