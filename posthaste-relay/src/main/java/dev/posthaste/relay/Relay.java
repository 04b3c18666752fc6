package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Tracing;
import dev.posthaste.broker.Broker;
import dev.posthaste.internal.json.JsonLibraries;
import dev.posthaste.internal.tracing.TracedBroker;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.Stores;
import dev.posthaste.store.StoreException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves events from outboxes to brokers. Any number of relays may serve the same outboxes: each outbox is owned by one
 * at a time, the others stand by and take over when its lease ends.
 *
 * <pre>{@code
 * try (Relay relay = Relay.builder(dataSource, catalog).broker(broker).build().start()) { … }
 * }</pre>
 *
 * <p>The only owner of threads: two for each outbox ({@code posthaste-relay-OUTBOX}, and
 * {@code posthaste-relay-OUTBOX-settler} for what it settles), one for the leases ({@code posthaste-relay-leases}) and one for retention and measurements ({@code posthaste-relay-housekeeping}).
 * {@link #close} stops them in this order within the stop timeout, finishing what is at the broker and giving the leases
 * back. Thread-safe.
 */
public final class Relay implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final Duration MEASURE = Duration.ofSeconds(15);

    private final String name;
    private final DataSource dataSource;
    private final @Nullable String leaseSchema;
    private final RelayThreads threads;
    private final Map<String, OutboxWorker> workers = new LinkedHashMap<>();
    private final Object state = new Object();
    private boolean started; // guarded by state
    private boolean closed; // guarded by state

    private Relay(Builder builder, Stores stores) {
        this.name = builder.name;
        this.dataSource = builder.dataSource;
        RelayListener listener = new RelayListeners(new RelayLog(name), builder.listener);
        this.leaseSchema = builder.leaseSchema;
        Leases leases = builder.leases(stores, listener);
        this.threads = new RelayThreads(name, leases, builder.measureEvery, builder.settings.stopTimeout());
        for (OutboxDefinition outbox : builder.outboxes()) {
            OutboxRuntime parts = builder.parts(outbox, stores, listener, threads.settler(outbox));
            OutboxWorker worker = new OutboxWorker(parts, leases);
            workers.put(outbox.name(), worker);
            threads.add(worker);
        }
    }

    /** @param dataSource a small pool of the relay's own: two connections for each outbox and two more are enough */
    public static Builder builder(DataSource dataSource, Catalog catalog) {
        return new Builder(dataSource, catalog);
    }

    /** The name that the lease rows show. */
    public String name() {
        return name;
    }

    /**
     * Checks the tables and begins.
     *
     * @throws IllegalStateException if a table, column or index is missing, with the name of each
     * @throws StoreException if the database cannot be asked
     */
    public Relay start() {
        synchronized (state) {
            if (started || closed) {
                throw new IllegalStateException("Relay " + name + " was started before");
            }
            try {
                Schema.check(dataSource, outboxes(), leaseSchema)
                        .orThrow()
                        .warnings()
                        .forEach(warning -> log.warn("{}", warning));
            } catch (SQLException e) {
                throw new StoreException("Cannot check the tables: " + e.getMessage(), e);
            }
            started = true;
            threads.start();
        }
        return this;
    }

    private List<OutboxDefinition> outboxes() {
        return workers.values().stream().map(worker -> worker.parts().outbox()).toList();
    }

    /** Says that events were just committed to an outbox, so that it is looked at at once. Cheap; never needed. */
    public void wake(String outbox) {
        OutboxWorker worker = workers.get(outbox);
        if (worker != null) {
            worker.wake();
        }
    }

    /** The outboxes that this relay owns now. */
    public Set<String> owned() {
        return Set.copyOf(workers.values().stream()
                .filter(OutboxWorker::owns)
                .map(worker -> worker.parts().outbox().name())
                .toList());
    }

    /**
     * Stops reading, waits for what is at the broker within the stop timeout, settles it and gives the leases back. The
     * broker stays open. Works before {@link #start} and twice.
     */
    @Override
    public void close() {
        synchronized (state) {
            if (!closed && started) {
                threads.stop();
            }
            closed = true;
        }
    }

    /** Collects what a relay needs. Not thread-safe. */
    public static final class Builder {
        private final DataSource dataSource;
        private final Catalog catalog;
        private final Map<String, Broker> brokers = new LinkedHashMap<>();
        private List<String> served = List.of();
        private String name = ProcessHandle.current().pid() + "-"
                + UUID.randomUUID().toString().substring(0, 8);
        private @Nullable Broker broker;
        private Duration measureEvery = MEASURE;
        private @Nullable String leaseSchema;
        private RelaySettings settings = RelaySettings.defaults();
        private RelayListener listener = RelayListener.NONE;
        private @Nullable Tracing tracing;
        private LongSupplier clock = System::nanoTime;
        private RandomGenerator random = new Random();

        private Builder(DataSource dataSource, Catalog catalog) {
            this.dataSource = dataSource;
            this.catalog = catalog;
        }

        /** Unique among relays; made up when not given. */
        public Builder name(String name) {
            this.name = name;
            return this;
        }

        /** The broker of all outboxes that have none of their own. The caller closes it, after the relay. */
        public Builder broker(Broker broker) {
            this.broker = broker;
            return this;
        }

        public Builder broker(String outbox, Broker broker) {
            this.brokers.put(catalog.outbox(outbox).name(), broker);
            return this;
        }

        /**
         * Keeps the leases in another schema of the same server (on MySQL and MariaDB: another database), for a relay that
         * may not create tables beside the outboxes. {@link Schema#createLeases} makes them.
         */
        public Builder leasesIn(String schema) {
            this.leaseSchema = schema;
            return this;
        }

        /** Serves only these outboxes of the catalog; all of them when never called. */
        public Builder serve(String... outboxes) {
            this.served =
                    Stream.of(outboxes).map(each -> catalog.outbox(each).name()).toList();
            return this;
        }

        public Builder settings(RelaySettings settings) {
            this.settings = settings;
            return this;
        }

        /** How often the backlog, and what is not consumed, is measured; every 15 seconds when never called. */
        public Builder measureEvery(Duration interval) {
            if (interval.toMillis() < 1) {
                throw new IllegalArgumentException("measureEvery must be at least a millisecond, not " + interval);
            }
            this.measureEvery = interval;
            return this;
        }

        public Builder listener(RelayListener listener) {
            this.listener = listener;
            return this;
        }

        /**
         * Where spans go: one for each message whose writer was traced, from handing over to the broker's answer. The message
         * goes on as a part of it. None when never called.
         */
        public Builder tracing(Tracing tracing) {
            this.tracing = tracing;
            return this;
        }

        /** A monotonic clock in nanoseconds, for tests. */
        public Builder clock(LongSupplier clock) {
            this.clock = clock;
            return this;
        }

        /** What jitters retries, for tests; thread-safe if there is more than one outbox. */
        public Builder random(RandomGenerator random) {
            this.random = random;
            return this;
        }

        /** @throws StoreException if the database cannot be reached */
        public Relay build() {
            if (JsonLibraries.isMissing()) {
                log.warn(
                        "Relay {}: events with headers will be refused, because there is no Jackson to read them. Add {}",
                        name,
                        JsonLibraries.COORDINATES);
            }
            return new Relay(this, stores());
        }

        /** A relay that has no threads and moves only when it is told to; for tests and simulations. */
        public ManualRelay buildManual() {
            return buildManual(Runnable::run);
        }

        /**
         * The same, with what it settles given to somebody else.
         *
         * @param settler must run what it is given one at a time and in order, now or later
         */
        public ManualRelay buildManual(Executor settler) {
            Stores stores = stores();
            RelayListener guarded = new RelayListeners(listener);
            return new ManualRelay(
                    leases(stores, guarded),
                    outboxes().stream()
                            .map(outbox -> parts(outbox, stores, guarded, settler))
                            .toList());
        }

        private Leases leases(Stores stores, RelayListener listener) {
            return new Leases(
                    stores.leases(),
                    name,
                    outboxes().stream().collect(Collectors.toMap(OutboxDefinition::name, Builder::definition)),
                    settings.lease(),
                    clock,
                    listener);
        }

        /** What relays that share an outbox must agree about before one of them deletes anything. */
        private static String definition(OutboxDefinition outbox) {
            return LeaseTable.definition(outbox, outbox.afterDead().name().toLowerCase(Locale.ROOT));
        }

        private Stores stores() {
            return Stores.in(dataSource, leaseSchema);
        }

        private List<OutboxDefinition> outboxes() {
            return served.isEmpty()
                    ? List.copyOf(catalog.outboxes())
                    : served.stream().map(catalog::outbox).toList();
        }

        private OutboxRuntime parts(OutboxDefinition outbox, Stores stores, RelayListener listener, Executor settler) {
            Broker its = brokers.getOrDefault(outbox.name(), broker);
            if (its == null) {
                throw new IllegalArgumentException("Outbox " + outbox.name() + " has no broker; call broker(…)");
            }
            return new OutboxRuntime(
                    outbox,
                    stores.open(outbox),
                    outbox.tracked() ? stores.receipts(outbox) : null,
                    tracing == null ? its : new TracedBroker(its, tracing),
                    settings,
                    listener,
                    settler,
                    clock,
                    random);
        }
    }
}
