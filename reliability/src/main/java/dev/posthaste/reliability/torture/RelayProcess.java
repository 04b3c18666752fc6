package dev.posthaste.reliability.torture;

import dev.posthaste.Backlog;
import dev.posthaste.Catalog;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.RelayMeters;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.servers.CountingDataSource;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A relay; with the local broker it includes its consumer. SIGTERM closes it. */
final class RelayProcess {
    /** In the environment of a relay with the previous version's catalog. */
    static final String OLDER = "POSTHASTE_TORTURE_OLDER";

    // The names of its vital signs.
    static final String STATEMENTS = "statements";
    static final String OWNS = "owns";
    static final String WORKS = "works";
    static final String PUBLISHED = "posthaste.relay.published";
    static final String TIME_TO_PUBLISH = "posthaste.relay.time.to.publish";
    static final String PENDING = "posthaste.relay.pending";
    static final String DEAD_NOW = "posthaste.relay.dead.now";
    static final String LEASE_HELD = "posthaste.relay.lease.held";
    static final String EPOCH = "posthaste.relay.lease.epoch";
    static final int BATCH = 1_000;
    static final int WINDOW = 4_000;
    /** A sixteenth of this process's heap: one relay has a small heap. */
    static final long WINDOW_BYTES = Runtime.getRuntime().maxMemory() / 16;

    private static final List<String> METERS =
            List.of(PUBLISHED, TIME_TO_PUBLISH, PENDING, DEAD_NOW, LEASE_HELD, EPOCH);

    private RelayProcess() {}

    public static void main(String[] arguments) throws Exception {
        Setup setup = Setup.of(arguments);
        String name = arguments[6];
        CountingDataSource counted = new CountingDataSource(setup.pool(4));
        Catalog catalog = System.getenv(OLDER) == null ? setup.catalog() : setup.olderCatalog();
        MeterRegistry meters = new SimpleMeterRegistry();
        AtomicReference<@Nullable Relay> current = new AtomicReference<>();
        Vitals vitals = new Vitals(setup.home(), name)
                .sign(STATEMENTS, counted::statements)
                .sign(OWNS, () -> owns(current.get()) ? 1 : 0)
                .sign(WORKS, () -> Vitals.lives("posthaste-relay-" + Setup.OUTBOX) ? 1 : 0);
        METERS.forEach(meter -> vitals.meter(meters, meter));
        RelayListener history = new RelayHistory(setup.home(), name, vitals, System::nanoTime);
        @Nullable
        Inbox consumer = setup.wire() == Setup.Wire.LOCAL ? new ConsumerProcess(setup, name, vitals).start() : null;
        Broker broker = switch (setup.wire()) {
            case KAFKA -> KafkaBroker.of(setup.kafka());
            case RABBITMQ -> RabbitBroker.of(setup.rabbit());
            case LOCAL -> LocalBroker.to(Objects.requireNonNull(consumer));
        };
        vitals.start();
        while (true) {
            try {
                Relay.Builder builder = Relay.builder(
                                counted.dataSource(),
                                catalog.all(o -> o.retry(Setup.RETRY)
                                                .keep(Duration.ofSeconds(30))
                                                .consumedWithin(Duration.ofSeconds(60))
                                                .republishUnconsumed(true))
                                        .all(o -> o.format(setup.table().format())),
                                broker)
                        .name(name)
                        .lease(Setup.LEASE)
                        .publishTimeout(Duration.ofMillis(1_400))
                        .batch(BATCH)
                        .window(WINDOW)
                        .windowBytes(WINDOW_BYTES)
                        .listener(history)
                        .listener(RelayMeters.of(meters))
                        .listener(throwing(new Moods(setup.home())));
                Relay relay = RelayTesting.measureEvery(builder, Duration.ofSeconds(2))
                        .build()
                        .start();
                current.set(relay);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    relay.close();
                    broker.close();
                    if (consumer != null) {
                        consumer.close();
                    }
                }));
                Thread.currentThread().join();
            } catch (RuntimeException e) {
                System.out.println("cannot start yet: " + e);
                Thread.sleep(500); // the database may be away at the moment
            }
        }
    }

    private static boolean owns(@Nullable Relay relay) {
        return relay != null && relay.owned().contains(Setup.OUTBOX);
    }

    /** A listener that sometimes throws. */
    private static RelayListener throwing(Moods moods) {
        return new EngineListener() {
            @Override
            public void leaseTaken(String outbox, long epoch) {
                moods.listen();
            }

            @Override
            public void fetched(String outbox, int events, Duration took) {
                moods.listen();
            }

            @Override
            public void answered(
                    String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
                moods.listen();
            }

            @Override
            public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
                moods.listen();
            }

            @Override
            public void measured(String outbox, Backlog backlog, int blockedKeys) {
                moods.listen();
            }

            @Override
            public void purged(String outbox, int events) {
                moods.listen();
            }
        };
    }
}
