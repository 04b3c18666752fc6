package dev.posthaste.reliability.simulation;

import dev.posthaste.AfterDead;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.reliability.simulation.World.Trait;
import java.time.Duration;
import java.util.Random;
import java.util.function.UnaryOperator;

/** One run's outbox, and how its relays and consumers are configured to treat its events: the seed decides. */
final class Configuration {
    static final Duration LEASE = Duration.ofSeconds(2);
    private static final long SMALL_WINDOW = 20_000;

    private final OutboxDefinition outbox;
    private final Catalog untracked;
    private final Catalog catalog;
    private final OutboxTable table;
    private final long windowBytes;
    private final boolean hostile;

    /** Whether a consumer reports to the outbox what it handled. */
    final boolean tracked;

    final boolean handlersFail;
    /** How long retention keeps finished events. */
    final Duration keep;
    /** Whether a key waits for its dead event. */
    final boolean blocking;

    final UnaryOperator<OutboxDefinition> policy;
    final RetryPolicy retry;
    final RelaySettings relays;
    /** How often a consumer retries by itself. */
    final RetryPolicy inPlace;

    final AfterLastAttempt afterLastAttempt;
    private final boolean receiptsTravel;

    Configuration(Random random, World world) {
        tracked = random.nextBoolean();
        boolean failing = random.nextInt(3) == 0;
        handlersFail = failing && !world.secondFailsAlone(); // a key waits for an event that its consumer refused
        keep = random.nextBoolean() ? Duration.ofSeconds(1) : Duration.ofDays(1);
        blocking = random.nextInt(4) == 0;
        outbox = outbox(world, tracked);
        untracked = Catalog.of(outbox);
        catalog = tracked ? Catalog.of(outbox.tracked(true)) : untracked;
        table = new OutboxTable(outbox);
        hostile = world.has(Trait.HOSTILE_TEXTS);
        receiptsTravel = tracked && world.has(Trait.RECEIPT_MESSAGES);
        windowBytes = world.has(Trait.LARGE_PAYLOADS) ? SMALL_WINDOW : 1 << 20;
        RetryPolicy retry = RetryPolicy.fixed(Duration.ofMillis(100 + random.nextInt(300)))
                .attempts(random.nextBoolean() ? 2 : Integer.MAX_VALUE);
        this.retry = retry;
        boolean republish = random.nextBoolean();
        policy = o -> o.retry(retry)
                .afterDead(blocking ? AfterDead.BLOCK : AfterDead.SKIP)
                .keep(keep)
                .consumedWithin(Duration.ofSeconds(3))
                .republishUnconsumed(republish);
        RelaySettings base = new RelaySettings(
                LEASE,
                Duration.ofMillis(500),
                Duration.ofMillis(100),
                1000,
                4000,
                windowBytes,
                Duration.ofSeconds(1),
                1_000);
        RelaySettings windowed = random.nextBoolean() || world.has(Trait.OUTLASTING_TRANSACTION)
                ? base
                : base.withWindow(4, 12, windowBytes);
        relays = (world.secondFailsAlone() ? base.withWindow(8, 64, windowBytes) : windowed)
                .withWaitingKeys(world.has(Trait.SMALL_BOUNDS) ? 6 : 1_000);
        inPlace = RetryPolicy.fixed(Duration.ofMillis(20 + random.nextInt(80)))
                .attempts(random.nextBoolean() ? 3 : Integer.MAX_VALUE);
        afterLastAttempt = random.nextBoolean() ? AfterLastAttempt.DEAD_LETTER : AfterLastAttempt.REDELIVER;
    }

    private static OutboxDefinition outbox(World world, boolean tracked) {
        OutboxDefinition outbox = OutboxDefinition.named(Database.OUTBOX)
                .table(Database.OUTBOX)
                .route(Route.to(SimulatedBroker.TOPIC))
                .types(Writers.TYPE);
        if (world.has(Trait.EXISTING_TABLE)) {
            outbox = outbox.table(ExistingTable.NAME)
                    .layout(ExistingTable.layout(world.details(), tracked, world.has(Trait.HOSTILE_TEXTS)));
        }
        return world.has(Trait.SECOND_DESTINATION) ? outbox.allowedDestinations(SimulatedBroker.SECOND_TOPIC) : outbox;
    }

    Catalog catalog() {
        return catalog;
    }

    /** The catalog as it was before the outbox was tracked. */
    Catalog untracked() {
        return untracked;
    }

    /** The outbox, with everything that it supports. */
    OutboxDefinition outbox() {
        return catalog.outbox(Database.OUTBOX);
    }

    /** Whether events have the headers that {@link Writers} give them. */
    boolean writesHeaders() {
        return hostile && table.has(EventTable.Column.HEADERS) && table.has(EventTable.Column.EVENT_ID);
    }

    OutboxTable table() {
        return table;
    }

    /** Whether receipts are sent as messages, so that rows change later. */
    boolean receiptsTravel() {
        return receiptsTravel;
    }

    /** The most that a response of the database may hold besides small values: a window and one more event. */
    long mostBytes() {
        return windowBytes + Writers.MAX_PAYLOAD;
    }
}
