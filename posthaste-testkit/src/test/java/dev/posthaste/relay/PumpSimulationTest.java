package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.AfterDead;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Writers;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.testkit.internal.InMemoryEvent;
import dev.posthaste.testkit.internal.InMemoryStore;
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
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A pump on one thread with its own clock, against writers that commit late or roll back, a broker that answers late,
 * in any order and with every outcome, and a database that fails before or after it has written. One run per seed.
 */
class PumpSimulationTest {
    private static final int RUNS = 500;
    private static final int EVENTS = 400;
    private static final RetryPolicy RETRY =
            RetryPolicy.fixed(Duration.ofMillis(50)).forever();

    private static UnaryOperator<OutboxDefinition> policy(boolean blocks) {
        return o -> blocks
                ? o.retry(RetryPolicy.fixed(Duration.ofMillis(50)).attempts(2)).afterDead(AfterDead.BLOCK)
                : o.retry(RETRY);
    }

    private static final List<String> DESTINATIONS = List.of("t", "u", "v");

    /** One run. */
    private static final class Simulation implements Broker {
        final Random random;
        final int keys;
        final boolean blocks;
        final int step;
        final int destinations;
        /** The destination that does not answer at the moment. */
        @Nullable
        String sick;

        long now = 1_000_000_000L;
        long lastId;
        int written;
        final InMemoryStore store;
        final Map<Long, InMemoryEvent> open = new HashMap<>();
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
            store = new InMemoryStore(true, () -> now).failing(failing, random);
            if (random.nextBoolean()) {
                store.writers(this::writers);
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
            OutboxDefinition orders =
                    OutboxDefinition.named("orders").route(Route.to("t")).types("t");
            pump = new Pump(
                    new OutboxRuntime(
                            policy(blocks).apply(destinations == 1 ? orders : orders.allowedDestinations("u", "v")),
                            store,
                            null,
                            this,
                            settings,
                            EngineListener.NONE,
                            settling::add,
                            () -> now,
                            random),
                    claim,
                    lease);
        }

        /** A writer begins, commits or rolls back. Two transactions never hold the same key: its row is locked. */
        void write() {
            if (written < EVENTS && random.nextInt(3) > 0) {
                String key = random.nextInt(10) == 0 ? null : "key-" + random.nextInt(keys);
                if (key == null || busy.add(key)) {
                    written++;
                    long delay = random.nextInt(10) == 0 ? random.nextLong(100_000_000L) : 0;
                    lastId += step;
                    String destination = DESTINATIONS.get(random.nextInt(destinations));
                    open.put(lastId, InMemoryEvent.of(lastId, key, destination, now + delay));
                }
            }
            if (!open.isEmpty() && random.nextBoolean()) {
                List<Long> ids = List.copyOf(open.keySet());
                InMemoryEvent event = Objects.requireNonNull(open.remove(ids.get(random.nextInt(ids.size()))));
                if (random.nextInt(5) > 0) {
                    store.commit(event);
                }
                if (event.key() != null) {
                    busy.remove(event.key());
                }
            }
        }

        private Writers writers() {
            return new Writers(
                    "server", open.keySet().stream().map(String::valueOf).collect(Collectors.toSet()));
        }

        /** Locks or unlocks rows, requeues dead events, and makes a destination stop or resume answering. */
        void disturb() {
            if (random.nextInt(20) == 0) {
                sick = sick == null && random.nextBoolean() ? DESTINATIONS.get(random.nextInt(destinations)) : null;
            }
            if (random.nextInt(10) == 0 && lastId > 0) {
                Set<Long> locked = new HashSet<>();
                for (int i = random.nextInt(3); i > 0; i--) {
                    locked.add(random.nextLong(lastId + 1));
                }
                store.lock(locked);
            }
            if (random.nextInt(10) == 0) {
                store.requeueDead();
            }
        }

        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            long id = Long.parseLong(Objects.requireNonNull(message.eventId()).substring(2));
            String key = message.key();
            assertThat(key != null && atBroker.stream().anyMatch(each -> key.equals(each.key())))
                    .as("another event of %s is already at the broker", key)
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
                                    ? Outcome.acknowledged()
                                    : draw < 18
                                            ? Outcome.unknown("who knows")
                                            : draw == 18 ? Outcome.rejected("no") : Outcome.unavailable("away"));
        }

        /**
         * A consumer sends a receipt for a message that arrived: before the relay has settled it, after that, or again.
         */
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
            try {
                store.receive(List.of(receipt), RefusalPolicy.of(RETRY, new Random(1)));
            } catch (StoreException e) {
                now += 1_000_000L; // written or not: the consumer repeats it at some time
            }
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
            } catch (StoreException e) {
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
        simulation.store.lock(Set.of());
        for (int i = 0; i < 40_000 && open(simulation) > 0; i++) {
            simulation.now += 20_000_000L;
            simulation.store.requeueDead();
            simulation.pass();
            simulation.answer(true);
            simulation.settle();
        }
        check(seed, simulation);
    }

    private static long open(Simulation simulation) {
        return simulation.store.backlog().dead() + pending(simulation);
    }

    private static long pending(Simulation simulation) {
        return simulation.store.backlog().pending();
    }

    private static void check(long seed, Simulation simulation) {
        assertThat(pending(simulation)).as("still pending, seed %d", seed).isZero();
        Map<String, List<Long>> committed = new HashMap<>();
        for (InMemoryEvent event : simulation.store.events()) {
            assertThat(event.status())
                    .as("event %d, seed %d", event.id(), seed)
                    .isIn(Status.PUBLISHED, Status.CONSUMED);
            committed
                    .computeIfAbsent(String.valueOf(event.key()), key -> new ArrayList<>())
                    .add(event.id());
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
