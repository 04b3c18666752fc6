package dev.posthaste.reliability.simulation;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.Context;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.RejectEvent;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.Receipt;
import dev.posthaste.relay.ManualRelay;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelaySettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One run: writers, relays and consumers as Posthaste has them, on one thread, with a clock, a database and a broker that
 * a seed decides. The same seed is the same run, to the last step.
 */
final class Simulation {
    private static final Duration LEASE = Duration.ofSeconds(2);
    private static final long SECOND = 1_000_000_000L;
    private static final long FAULTS_FOR = 6 * SECOND;
    private static final long RECOVERY = 20 * SECOND;
    private static final int MOST_STEPS = 200_000;
    private static final Catalog PLAIN = Catalog.of(outbox());
    private static final Catalog TRACKED = Catalog.of(outbox().withReceipts());

    private final Random random;
    private final Schedule schedule;
    private final Node world = new Node(Node.Role.OPERATOR, "world", 0);
    private final boolean tracked;
    private final boolean handlersFail;
    private final Truth truth;
    private final Database database;
    private final SimulatedBroker broker;
    private final ConsumerGroup group;
    private final Nemesis nemesis;
    private final Writers writers;
    private final OutboxPolicy policy;
    private final RelaySettings settings;
    private final ConsumerSettings consumerSettings;
    private final List<Node> nodes = new ArrayList<>();
    private Node writer;
    private boolean calm;
    private int incarnations;
    private int faults;

    /** What a run came to; the times are simulated. */
    record Result(int events, int faults, int wireDuplicates, long recoveryMillis) {}

    /** @param history hears what happens, line by line; null where nobody reads it */
    Simulation(long seed, java.util.function.@Nullable Consumer<String> history) {
        random = new Random(new SplittableRandom(seed).nextLong()); // the first numbers of neighbouring seeds are alike
        schedule = new Schedule(history);
        tracked = random.nextBoolean();
        handlersFail = random.nextInt(3) == 0;
        Duration keep = random.nextBoolean() ? Duration.ofSeconds(1) : Duration.ofDays(1);
        boolean blocking = random.nextInt(4) == 0;
        truth = new Truth(schedule, tracked, blocking, keep.toNanos());
        database = new Database(schedule::now, (node, changes) -> truth.committed(node, changes, owner()));
        broker = new SimulatedBroker(schedule, random, truth);
        group = new ConsumerGroup(schedule, random, truth, broker);
        nemesis = new Nemesis(schedule, random, 3 * LEASE.toNanos(), this::kill);
        RetryPolicy retry = RetryPolicy.fixed(
                Duration.ofMillis(100 + random.nextInt(300)), random.nextBoolean() ? 2 : RetryPolicy.FOREVER);
        policy = OutboxPolicy.defaults()
                .withRetry(retry)
                .withAfterDead(blocking ? OutboxPolicy.AfterDead.BLOCK : OutboxPolicy.AfterDead.SKIP)
                .withKeep(keep, false)
                .withConsumedWithin(Duration.ofSeconds(3), random.nextBoolean());
        RelaySettings base = new RelaySettings(
                LEASE,
                Duration.ofMillis(500),
                Duration.ofMillis(100),
                1000,
                4000,
                1 << 20,
                Duration.ofSeconds(1),
                1_000);
        settings = random.nextBoolean() ? base : base.withWindow(4, 12, 1 << 20);
        consumerSettings = ConsumerSettings.defaults()
                .withRetry(RetryPolicy.fixed(
                        Duration.ofMillis(20 + random.nextInt(80)), random.nextBoolean() ? 3 : RetryPolicy.FOREVER))
                .withAfterLastAttempt(
                        random.nextBoolean()
                                ? ConsumerSettings.AfterLastAttempt.DEAD_LETTER
                                : ConsumerSettings.AfterLastAttempt.REDELIVER);
        writer = new Node(Node.Role.WRITER, "writer", 0);
        writers = new Writers(
                schedule,
                random,
                truth,
                catalog(),
                () -> writer,
                this::dataSource,
                1 + random.nextInt(random.nextBoolean() ? 2 : 12),
                20 + random.nextInt(60),
                20_000_000L + random.nextInt(60_000_000));
    }

    private static OutboxDefinition outbox() {
        return OutboxDefinition.of(Database.OUTBOX, Route.to("orders-topic"), Writers.TYPE);
    }

    private Catalog catalog() {
        return tracked ? TRACKED : PLAIN;
    }

    private DataSource dataSource(Node node) {
        return Jdbc.dataSource(database, nemesis, node);
    }

    private @Nullable String owner() {
        Table.Row lease = database.table(Database.LEASES).rows.get(Database.OUTBOX + "\0");
        @Nullable Object[] row = lease == null ? null : lease.committed;
        return row == null ? null : (String) row[1];
    }

    /** @throws Truth.Violation if a promise was broken */
    Result run() {
        nodes.add(writer);
        int relays = 2 + random.nextInt(2);
        for (int i = 0; i < relays; i++) {
            relay("relay-" + i);
        }
        int consumers = 1 + random.nextInt(3);
        for (int i = 0; i < consumers; i++) {
            consumer("consumer-" + i);
        }
        writers.start();
        every(200_000_000L, group::rebalance);
        plan();
        step(() -> schedule.now() > SECOND + FAULTS_FOR);
        heal();
        long healed = schedule.now();
        if (policy.afterDead() == OutboxPolicy.AfterDead.BLOCK) {
            every(SECOND, this::requeueTheDead); // their keys wait for somebody who does
        }
        step(() -> schedule.now() - healed > RECOVERY || (writers.done() && truth.quiet()));
        if (!writers.done()) {
            throw new Truth.Violation("application", "writers did not come to an end");
        }
        truth.requireOrder();
        truth.requireQuiet(schedule.now() - healed);
        return new Result(
                truth.committedEvents(),
                faults + nemesis.faults(),
                truth.wireDuplicates,
                (schedule.now() - healed) / 1_000_000);
    }

    private void step(BooleanSupplier until) {
        int steps = 0;
        while (!until.getAsBoolean()) {
            schedule.step();
            if (schedule.failure() instanceof RuntimeException failure) {
                throw failure;
            }
            if (schedule.failure() instanceof Error failure) {
                throw failure;
            }
            if (++steps > MOST_STEPS) {
                throw new Truth.Violation("progress", "so many steps that something turns in circles");
            }
        }
    }

    private void every(long nanos, Runnable work) {
        schedule.in(nanos, world, new Object(), () -> {
            work.run();
            every(nanos, work);
        });
    }

    // --- What goes wrong ---------------------------------------------------------------------------------------------

    private void plan() {
        nemesis.failing(random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.02);
        broker.failing(random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.3);
        int planned = random.nextInt(7);
        for (int i = 0; i < planned; i++) {
            schedule.in(random.nextLong(FAULTS_FOR), world, new Object(), this::strike);
        }
    }

    private void strike() {
        if (calm || nodes.isEmpty()) {
            return;
        }
        faults++;
        schedule.happened("the nemesis strikes");
        Node victim = nodes.get(random.nextInt(nodes.size()));
        switch (random.nextInt(8)) {
            case 0, 1 -> kill(victim);
            case 2, 3 -> victim.pause(schedule.now() + random.nextLong(3 * LEASE.toNanos()));
            case 4 -> broker.goAway(random.nextLong(2 * SECOND));
            case 5 -> broker.fallSilent(random.nextLong(2 * SECOND));
            case 6 -> deleteTheLease();
            default -> requeueTheDead();
        }
    }

    private void deleteTheLease() {
        try (Connection connection = dataSource(world).getConnection();
                PreparedStatement delete = connection.prepareStatement("delete from posthaste_lease")) {
            delete.executeUpdate();
        } catch (SQLException e) {
            // somebody settles just now
        }
    }

    private void requeueTheDead() {
        List<Long> dead = truth.dead();
        if (!dead.isEmpty()) {
            try {
                new StatusJournal(
                                dataSource(world), Dialect.POSTGRESQL, catalog().outbox(Database.OUTBOX))
                        .requeue(dead);
            } catch (JournalException e) {
                // another time
            }
        }
    }

    private void kill(Node node) {
        if (node.dead() || calm) {
            return;
        }
        schedule.happened("%s dies", node);
        node.die();
        nodes.remove(node);
        String place = node.name.substring(0, node.name.indexOf('.') < 0 ? node.name.length() : node.name.indexOf('.'));
        schedule.in(1 + random.nextLong(SECOND), world, new Object(), () -> {
            switch (node.role) {
                case RELAY -> relay(place);
                case CONSUMER -> consumer(place);
                default -> {
                    writer = new Node(Node.Role.WRITER, place, 0);
                    nodes.add(writer);
                }
            }
        });
    }

    private void heal() {
        calm = true;
        schedule.happened("all is healed");
        nemesis.failing(0);
        broker.heal();
        nodes.forEach(Node::goOn);
    }

    // --- Relays ------------------------------------------------------------------------------------------------------

    private void relay(String place) {
        long skew = random.nextInt(4) == 0 ? (random.nextBoolean() ? 1 : -1) * 7_200 * SECOND : 0;
        Node node = new Node(Node.Role.RELAY, place + "." + ++incarnations, skew);
        nodes.add(node);
        long booted = random.nextLong(SECOND);
        Object settler = new Object();
        ManualRelay relay = Relay.builder(dataSource(node), catalog())
                .name(node.name)
                .broker(broker.seenBy(node))
                .policy(policy)
                .settings(settings)
                .clock(() -> schedule.now() + booted)
                .random(random)
                .buildManual(work -> schedule.in(1 + random.nextLong(2_000_000L), node, settler, work));
        repeat(node, LEASE.toNanos() / 12, () -> {
            relay.keepLeases();
            return false;
        });
        repeat(node, 4_000_000L, relay::passWithoutLeases);
        repeat(node, 300_000_000L, () -> {
            relay.keepHouse();
            return false;
        });
    }

    /** Over and over: at once while there is work, and after a while when the database failed. */
    private void repeat(Node node, Object thread, long wait, long gap, BooleanSupplier work) {
        schedule.in(wait, node, thread, () -> {
            long next = gap;
            try {
                if (work.getAsBoolean()) {
                    next = 200_000L;
                }
            } catch (JournalException e) {
                next = 100_000_000L;
            }
            repeat(node, thread, next, gap, work);
        });
    }

    private void repeat(Node node, long gap, BooleanSupplier work) {
        repeat(node, new Object(), random.nextLong(gap), gap, work);
    }

    // --- Consumers ---------------------------------------------------------------------------------------------------

    private void consumer(String place) {
        Node node = new Node(Node.Role.CONSUMER, place + "." + ++incarnations, 0);
        nodes.add(node);
        DataSource dataSource = dataSource(node);
        Inbox inbox = Inbox.builder(dataSource)
                .consumer("shipping")
                .on(Writers.TYPE, String.class, this::handle)
                .receipts(tracked ? receipts(node, dataSource) : Receipts.NONE)
                .build();
        Consumer consumer =
                new Consumer(inbox, consumerSettings, listener(), new SimulatedThreads(schedule, node), random);
        ConsumerGroup.Member member = group.join(node, consumer);
        repeat(node, 30_000_000L, () -> {
            member.poll();
            return false;
        });
    }

    private void handle(String payload, Context context) throws SQLException, RejectEvent {
        truth.handling(context.eventId(), payload);
        if (handlersFail && !calm && random.nextInt(4) == 0) {
            throw new IllegalStateException("not this time");
        }
        if (handlersFail && !calm && random.nextInt(40) == 0) {
            throw new RejectEvent("never");
        }
        if (random.nextInt(20) == 0) {
            schedule.letOthersGo(random.nextInt(10)); // it takes its time
        }
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (event_id, event_key) values (?, ?)")) {
            insert.setString(1, context.eventId());
            insert.setString(2, context.message().key());
            insert.executeUpdate();
        }
    }

    /** As the relay's policy says; what is refused may count an attempt. */
    private Receipts receipts(Node node, DataSource dataSource) {
        Receipts receipts = Receipts.inDatabase(dataSource, catalog(), policy.retry());
        return new Receipts() {
            @Override
            public boolean tracks(String outbox) {
                return receipts.tracks(outbox);
            }

            @Override
            public void handled(Connection connection, Receipt.Consumed receipt) throws SQLException {
                receipts.handled(connection, receipt);
            }

            @Override
            public void tell(Receipt receipt, java.util.function.Consumer<Told> told) {
                node.requireAlive();
                if (receipt instanceof Receipt.Refusal) {
                    truth.refused(receipt.eventId());
                    truth.givenUp(receipt.eventId());
                }
                receipts.tell(receipt, told);
            }
        };
    }

    private ConsumerListener listener() {
        return new ConsumerListener() {
            @Override
            public void deadLettered(String consumer, Message message, Failure failure) {
                truth.givenUp(message.eventId());
            }
        };
    }
}
