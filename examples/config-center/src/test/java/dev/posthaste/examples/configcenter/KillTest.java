package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.RabbitServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Writers, two relays and a consumer as processes, killed at random; then the demo's own checks. */
class KillTest extends CenterTest {
    private static final int KILLS = 16;
    private static final long WRITTEN_A_KILL = 25;
    private static final int CONFIGS = 40;
    private static final Map<String, Set<Application.Part>> ROLES = new LinkedHashMap<>(Map.of(
            "writer-1", Set.of(),
            "writer-2", Set.of(),
            "relay-1", Set.of(Application.Part.RELAY),
            "relay-2", Set.of(Application.Part.RELAY),
            "consumer", Set.of(Application.Part.CONSUMER)));

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path home;

    /** One of the processes: an application with some parts, or, without any, a writer. */
    static final class Role {
        public static void main(String[] arguments) throws Exception {
            Set<Application.Part> parts = java.util.Objects.requireNonNull(ROLES.get(arguments[0]));
            Application application =
                    Application.start(new Settings(DatabaseSettings.at(arguments[1], null, null), arguments[2]), parts);
            if (parts.isEmpty()) {
                List<Config> configs = application.configs().ofModule("module");
                LoadWriter writer = new LoadWriter(application);
                for (int i = 0; i < 3; i++) {
                    new Thread(() -> writeForEver(writer, configs)).start();
                }
            }
            Thread.currentThread().join();
        }

        private static void writeForEver(LoadWriter writer, List<Config> configs) {
            try {
                while (true) {
                    writer.change(configs.get(ThreadLocalRandom.current().nextInt(configs.size()))
                            .id());
                    Thread.sleep(2);
                }
            } catch (Exception e) {
                e.printStackTrace();
                System.exit(1);
            }
        }
    }

    private Process process(String role, String broker) {
        return Processes.java(role, home, Map.of(), Role.class, role, database().url(), broker);
    }

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MARIADB", "SQLITE"})
    void whateverIsKilledNothingIsLostDoubledMadeUpOrOutOfOrder(Database kind) throws Exception {
        try (RabbitServer rabbit = RabbitServer.start()) {
            killAndCheck(kind, rabbit.uri());
        }
    }

    private static long written(Application center) throws Exception {
        return Reconciliation.of(center.database(), "module").written();
    }

    private void killAndCheck(Database kind, String broker) throws Exception {
        Application center = start(kind, broker, Set.of());
        for (int i = 0; i < CONFIGS; i++) {
            released(center, "key-" + i);
        }
        Map<String, Process> running = new LinkedHashMap<>();
        ROLES.keySet().forEach(role -> running.put(role, process(role, broker)));
        Random random = new Random();
        List<String> roles = List.copyOf(ROLES.keySet());
        try {
            await().atMost(LONG).until(() -> center.history().count() > 0);
            for (int kill = 0; kill < KILLS; kill++) {
                String victim = roles.get(kill < roles.size() ? kill : random.nextInt(roles.size()));
                Process process = java.util.Objects.requireNonNull(running.get(victim));
                assertThat(process.isAlive()).as("%s before its kill", victim).isTrue();
                process.destroyForcibly().waitFor();
                running.put(victim, process(victim, broker));
                long next = System.nanoTime()
                        + Duration.ofMillis(random.nextInt(300, 2_000)).toNanos();
                await().atMost(LONG).pollInterval(Duration.ofMillis(20)).until(() -> System.nanoTime() > next);
                long enough = WRITTEN_A_KILL * (kill + 1);
                await().atMost(LONG).until(() -> written(center) > enough);
            }
            for (String writer : List.of("writer-1", "writer-2")) {
                java.util.Objects.requireNonNull(running.get(writer))
                        .destroyForcibly()
                        .waitFor();
            }
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> Reconciliation.of(center.database(), "module").complete());
        } finally {
            running.values().forEach(Process::destroyForcibly);
            for (Process process : running.values()) {
                process.waitFor();
            }
        }
        Reconciliation tally = Reconciliation.of(center.database(), "module");
        System.out.println(kind + " after " + KILLS + " kills: " + tally.json(0));
        assertThat(tally.written()).isGreaterThan(WRITTEN_A_KILL * KILLS);
        assertThat(tally.complete()).as(tally.toString()).isTrue();
    }
}
