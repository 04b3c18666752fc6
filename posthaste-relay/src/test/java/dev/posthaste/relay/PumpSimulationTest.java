package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Writers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A pump on one thread and a clock of its own, against writers that commit late or roll back, a broker that answers
 * late, in any order and with every outcome, and a database that fails before or after it has written. One seed, one run.
 */
class PumpSimulationTest {
    private static final int RUNS = 500;
    private static final int EVENTS = 400;
    private static final RetryPolicy RETRY = RetryPolicy.fixed(Duration.ofMillis(50), RetryPolicy.FOREVER);
    private static final List<String> DESTINATIONS = List.of("t", "u", "v");

    /** One run. */
    private static final class Simulation implements Broker {
        final Random random;
        final int keys;
        final boolean blocks;
        final int step;
        final int destinations;
        /** The one that does not answer just now. */
        @Nullable
        String sick;

        long now = 1_000_000_000L;
        long lastId;
        int written;
        final MemoryJournal journal;
        final Map<Long, MemoryJournal.Row> open = new HashMap<>();
        final Set<String> busy = new HashSet<>();
        final List<Publication> atBroker = new ArrayList<>();
        final Map<String, LinkedHashSet<Long>> arrived = new HashMap<>();
        final Map<Long, Integer> handed = new TreeMap<>();
        final ArrayDeque<Runnable> settling = new ArrayDeque<>();
        final Pump pump;

        record Publication(
                long id, @Nullable String key, String destination, int attempts, Consumer<Outcome> callback) {}

        Simulation(long seed, double failing) {
            random = new Random(seed);
            keys = 1 + random.nextInt(random.nextBoolean() ? 2 : 20);
            blocks = random.nextInt(3) == 0;
            step = 1 + random.nextInt(3);
            destinations = 1 + random.nextInt(DESTINATIONS.size());
            journal = new MemoryJournal(() -> now, random, failing);
            if (random.nextBoolean()) {
                journal.writers = this::writers;
            }
            Claim claim = new Claim("orders", "me", 1);
            Lease lease = new Lease("orders", () -> now);
            lease.held(claim, now, Duration.ofDays(365));
            RelaySettings settings = random.nextBoolean()
                    ? RelaySettings.defaults().withWindow(10, 40, 1 << 20)
                    : RelaySettings.defaults().withWindow(100, 400, random.nextBoolean() ? 1 << 20 : 2_000);
            if (random.nextBoolean()) {
                settings = settings.withWaitingKeys(1 + random.nextInt(5));
            }
            OutboxDefinition orders = OutboxDefinition.of("orders", Route.to("t"), "t");
            pump = new Pump(
                    new PumpParts(
                            destinations == 1 ? orders : orders.allowing("u", "v"),
                            journal,
                            this,
                            MessageFormat.RAW,
                            blocks
                                    ? OutboxPolicy.defaults()
                                            .withRetry(RetryPolicy.fixed(Duration.ofMillis(50), 2))
                                            .withAfterDead(OutboxPolicy.AfterDead.BLOCK)
                                    : OutboxPolicy.defaults().withRetry(RETRY),
                            settings,
                            RelayListener.NONE,
                            settling::add,
                            () -> now,
                            random),
                    claim,
                    lease);
        }

        /** Somebody begins, commits or rolls back. Two transactions never hold one key: its row is locked. */
        void write() {
            if (written < EVENTS && random.nextInt(3) > 0) {
                String key = random.nextInt(10) == 0 ? null : "key-" + random.nextInt(keys);
                if (key == null || busy.add(key)) {
                    written++;
                    long delay = random.nextInt(10) == 0 ? random.nextLong(100_000_000L) : 0;
                    lastId += step;
                    String destination = DESTINATIONS.get(random.nextInt(destinations));
                    open.put(lastId, new MemoryJournal.Row(lastId, key, destination, now + delay));
                }
            }
            if (!open.isEmpty() && random.nextBoolean()) {
                List<Long> ids = List.copyOf(open.keySet());
                MemoryJournal.Row row = Objects.requireNonNull(open.remove(ids.get(random.nextInt(ids.size()))));
                if (random.nextInt(5) > 0) {
                    journal.commit(row);
                }
                if (row.key != null) {
                    busy.remove(row.key);
                }
            }
        }

        private Writers writers() {
            return new Writers(
                    "server", open.keySet().stream().map(String::valueOf).collect(Collectors.toSet()));
        }

        /** Somebody locks rows or lets them go, requeues what is dead, and a destination stops to answer or answers again. */
        void disturb() {
            if (random.nextInt(20) == 0) {
                sick = sick == null && random.nextBoolean() ? DESTINATIONS.get(random.nextInt(destinations)) : null;
            }
            if (random.nextInt(10) == 0 && lastId > 0) {
                journal.locked.clear();
                for (int i = random.nextInt(3); i > 0; i--) {
                    journal.locked.add(random.nextLong(lastId + 1));
                }
            }
            if (random.nextInt(10) == 0) {
                requeue();
            }
        }

        void requeue() {
            List<Long> dead = journal.rows().stream()
                    .filter(row -> row.status == Status.DEAD)
                    .map(row -> row.id)
                    .toList();
            journal.requeue(dead);
        }

        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            long id = Long.parseLong(Objects.requireNonNull(message.eventId()).substring(2));
            String key = message.key();
            assertThat(key != null && atBroker.stream().anyMatch(each -> key.equals(each.key())))
                    .as("another event of %s is at the broker already", key)
                    .isFalse();
            int attempts =
                    Integer.parseInt(Objects.requireNonNull(message.headers().get(MessageHeaders.ATTEMPTS)));
            atBroker.add(new Publication(id, key, message.destination(), attempts, callback));
        }

        void answer(boolean kindly) {
            if (atBroker.isEmpty()) {
                return;
            }
            Publication answered = atBroker.remove(random.nextInt(atBroker.size()));
            boolean silent = answered.destination().equals(sick);
            int draw = kindly ? 0 : silent ? 17 + 2 * random.nextInt(2) : random.nextInt(20);
            if (draw < 15 || draw == 16) {
                arrived.computeIfAbsent(String.valueOf(answered.key()), key -> new LinkedHashSet<>())
                        .add(answered.id());
                handed.put(answered.id(), answered.attempts());
            }
            answered.callback()
                    .accept(
                            draw < 15
                                    ? Outcome.ACKNOWLEDGED
                                    : draw < 18
                                            ? new Outcome.Unknown("who knows")
                                            : draw == 18 ? Outcome.rejected("no") : new Outcome.Unavailable("away"));
        }

        /** A consumer speaks of something that arrived: before the relay has settled it, after, or once more. */
        void receive() {
            List<Long> ids = List.copyOf(handed.keySet());
            if (ids.isEmpty()) {
                return;
            }
            long id = ids.get(random.nextInt(ids.size()));
            int attempts = Objects.requireNonNull(handed.get(id));
            Receipt receipt = random.nextInt(3) == 0
                    ? new Receipt.Failed("orders", id, "e-" + id, attempts, null, "could not")
                    : new Receipt.Consumed("orders", id, "e-" + id);
            journal.receive(List.of(receipt), RETRY);
        }

        void settle() {
            Runnable task = settling.poll();
            if (task != null) {
                task.run();
            }
        }

        void pass() {
            try {
                pump.pass();
            } catch (JournalException e) {
                now += 100_000_000L;
            }
        }

        @Override
        public boolean healthy() {
            return true;
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.05, 0.3})
    void everyCommittedEventArrivesInTheOrderOfItsKey(double failing) {
        LongStream.range(0, RUNS).parallel().forEach(seed -> run(seed, new Simulation(seed, failing), false));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.05, 0.3})
    void withReceiptsThatPutEventsBackTheFirstArrivalsKeepTheirOrder(double failing) {
        LongStream.range(0, RUNS).parallel().forEach(seed -> run(seed, new Simulation(seed, failing), true));
    }

    private static void run(long seed, Simulation simulation, boolean receipts) {
        while (simulation.written < EVENTS || !simulation.open.isEmpty()) {
            simulation.now += simulation.random.nextLong(8_000_000L);
            simulation.write();
            if (receipts) {
                simulation.receive();
            }
            simulation.disturb();
            switch (simulation.random.nextInt(3)) {
                case 0 -> simulation.answer(false);
                case 1 -> simulation.settle();
                default -> simulation.pass();
            }
        }
        simulation.sick = null;
        simulation.journal.locked.clear();
        for (int i = 0; i < 40_000 && open(simulation) > 0; i++) {
            simulation.now += 20_000_000L;
            simulation.requeue();
            simulation.pass();
            simulation.answer(true);
            simulation.settle();
        }
        check(seed, simulation);
    }

    private static long open(Simulation simulation) {
        return simulation.journal.counts().getOrDefault(Status.DEAD, 0L) + pending(simulation);
    }

    private static long pending(Simulation simulation) {
        return simulation.journal.backlog().pending();
    }

    private static void check(long seed, Simulation simulation) {
        assertThat(pending(simulation)).as("still pending, seed %d", seed).isZero();
        Map<String, List<Long>> committed = new HashMap<>();
        for (MemoryJournal.Row row : simulation.journal.rows()) {
            assertThat(row.status).as("row %d, seed %d", row.id, seed).isIn(Status.PUBLISHED, Status.CONSUMED);
            committed
                    .computeIfAbsent(String.valueOf(row.key), key -> new ArrayList<>())
                    .add(row.id);
        }
        assertThat(simulation.arrived.keySet()).isEqualTo(committed.keySet());
        committed.forEach((key, ids) -> {
            if (key.equals("null")) {
                assertThat(simulation.arrived.get(key)).as("seed %d", seed).containsExactlyInAnyOrderElementsOf(ids);
            } else {
                assertThat(simulation.arrived.get(key))
                        .as("%s, seed %d", key, seed)
                        .containsExactlyElementsOf(ids);
            }
        });
    }
}
