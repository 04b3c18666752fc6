package dev.posthaste.examples.eventbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.Processes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writers, relays and consumers as processes on MariaDB and Kafka, killed and added at random; then the tally. */
class KillTest extends BusTest {
    private static final int KILLS = 18;
    private static final long STARTED_A_KILL = 17;
    private static final int CONVERSATIONS = 30;
    private static final Map<String, Set<EventBus.Part>> ROLES = new LinkedHashMap<>();

    static {
        ROLES.put("writer", Set.of());
        ROLES.put("relay-1", Set.of(EventBus.Part.RELAY));
        ROLES.put("relay-2", Set.of(EventBus.Part.RELAY));
        ROLES.put("consumers-1", Set.of(EventBus.Part.CONSUMERS));
        ROLES.put("consumers-2", Set.of(EventBus.Part.CONSUMERS));
        ROLES.put("consumers-3", Set.of(EventBus.Part.CONSUMERS));
    }

    @TempDir(cleanup = org.junit.jupiter.api.io.CleanupMode.ON_SUCCESS)
    Path home;

    /** One of the processes: an event bus with some parts, or, without any, a writer. */
    static final class Role {
        public static void main(String[] arguments) throws Exception {
            Set<EventBus.Part> parts = Objects.requireNonNull(ROLES.get(arguments[0]));
            EventBus bus = EventBus.start(
                    new Settings(DatabaseSettings.at(arguments[1], null, null), arguments[2], 0.05), parts);
            if (parts.isEmpty()) {
                Writer writer = new Writer(bus, names(CONVERSATIONS));
                for (int i = 0; i < 3; i++) {
                    new Thread(() -> writeForEver(writer)).start();
                }
            }
            Thread.currentThread().join();
        }

        private static void writeForEver(Writer writer) {
            try {
                for (int number = 0; ; number++) {
                    writer.write(number);
                    Thread.sleep(4);
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

    @Test
    void whateverIsKilledOrAddedEveryChainEndsOnceAndInOrder() throws Exception {
        String broker = kafka().bootstrap();
        EventBus bus = start(Database.MARIADB, broker, 0, Set.of());
        new Writer(bus, names(CONVERSATIONS)).open();
        Map<String, Process> running = new LinkedHashMap<>();
        List<String> roles = List.copyOf(ROLES.keySet());
        roles.subList(0, 5).forEach(role -> running.put(role, process(role, broker)));
        Random random = new Random();
        try {
            await().atMost(LONG)
                    .until(() -> Reconciliation.of(bus.tables(), RUN).chain().ended() > 0);
            for (int kill = 0; kill < KILLS; kill++) {
                if (kill == 3) {
                    running.put("consumers-3", process("consumers-3", broker)); // one more than before
                }
                List<String> there = List.copyOf(running.keySet());
                String victim = there.get(kill < there.size() ? kill : random.nextInt(there.size()));
                Process process = Objects.requireNonNull(running.get(victim));
                assertThat(process.isAlive()).as("%s before its kill", victim).isTrue();
                process.destroyForcibly().waitFor();
                running.put(victim, process(victim, broker));
                long next = System.nanoTime()
                        + Duration.ofMillis(random.nextInt(800, 2_500)).toNanos();
                await().atMost(LONG).pollInterval(Duration.ofMillis(20)).until(() -> System.nanoTime() > next);
                long enough = STARTED_A_KILL * (kill + 1);
                await().atMost(LONG)
                        .until(() ->
                                Reconciliation.of(bus.tables(), RUN).chain().started() > enough);
            }
            Objects.requireNonNull(running.get("writer")).destroyForcibly().waitFor();
            await().atMost(LONG)
                    .pollInterval(Duration.ofMillis(500))
                    .until(() -> Reconciliation.of(bus.tables(), RUN).complete());
        } finally {
            running.values().forEach(Process::destroyForcibly);
            for (Process process : running.values()) {
                process.waitFor();
            }
        }
        Reconciliation tally = Reconciliation.of(bus.tables(), RUN);
        System.out.println("After " + KILLS + " kills: " + tally.json(0));
        assertThat(tally.chain().started()).isGreaterThan(STARTED_A_KILL * KILLS);
        assertThat(tally.complete()).as(tally.json(0)).isTrue();
    }
}
