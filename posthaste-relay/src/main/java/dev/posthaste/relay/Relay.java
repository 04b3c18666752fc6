package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Schema;
import dev.posthaste.SchemaException;
import dev.posthaste.StoreException;
import dev.posthaste.Tracing;
import dev.posthaste.broker.Broker;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.json.JsonLibraries;
import dev.posthaste.internal.tracing.TracedBroker;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import dev.posthaste.relay.internal.RelayTesting;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
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
 * try (Relay relay = Relay.builder(dataSource, catalog, broker).build().start()) { … }
 * }</pre>
 *
 * <p>The only owner of threads: two for each outbox ({@code posthaste-relay-OUTBOX}, and
 * {@code posthaste-relay-OUTBOX-settler} for what it settles), one for the leases ({@code posthaste-relay-leases}) and
 * one for retention and measurements ({@code posthaste-relay-housekeeping}). {@link #close} stops them in this order
 * within the stop timeout, finishing what is at the broker and releasing the leases. Thread-safe.
 */
public final class Relay implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final Duration MEASURE = Duration.ofSeconds(15);

    private final String name;
    private final DataSource dataSource;
    private final Catalog catalog;
    private final @Nullable String leaseSchema;
    private final RelayThreads threads;
    private final Map<String, OutboxWorker> workers = new LinkedHashMap<>();
    private final Object state = new Object();
    private boolean started; // guarded by state
    private boolean closed; // guarded by state

    private Relay(Builder builder, RelaySettings settings, Stores stores) {
        this.name = builder.name;
        this.dataSource = builder.dataSource;
        this.catalog = builder.catalog;
        List<RelayListener> heard = new ArrayList<>(List.of(new RelayLog(name, builder.catalog)));
        heard.addAll(builder.listeners);
        EngineListener listener = new RelayListeners(heard);
        this.leaseSchema = builder.leaseSchema;
        Leases leases = builder.leases(stores, settings, listener);
        this.threads = new RelayThreads(name, leases, builder.measureEvery, settings.stopTimeout());
        for (OutboxDefinition outbox : builder.outboxes()) {
            OutboxRuntime parts = builder.parts(outbox, stores, settings, listener, threads.settler(outbox));
            OutboxWorker worker = new OutboxWorker(parts, leases);
            workers.put(outbox.name(), worker);
            threads.add(worker);
        }
    }

    /**
     * @param dataSource a small pool for the relay alone: two connections for each outbox and two more are enough
     * @param broker where the events of all outboxes go that are not given another broker. The caller closes it, after
     *     the relay
     */
    public static Builder builder(DataSource dataSource, Catalog catalog, Broker broker) {
        return new Builder(dataSource, catalog, broker);
    }

    /** The name that the lease rows show. */
    public String name() {
        return name;
    }

    /**
     * Checks the tables and begins.
     *
     * @throws SchemaException if a table, column or index is missing, with the name of each
     * @throws IllegalStateException if it was started or closed before
     * @throws StoreException if the database cannot be reached
     */
    public Relay start() {
        synchronized (state) {
            if (started || closed) {
                throw new IllegalStateException("Relay " + name + " was started before");
            }
            try {
                DatabaseSchema.check(dataSource, outboxes(), catalog.outboxes(), leaseSchema)
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

    /**
     * Reports that events were just committed to an outbox, so that it is polled immediately. Cheap; never required.
     */
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
     * Stops reading, waits for what is at the broker within the stop timeout, settles it and releases the leases. The
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

    /** Configures a relay. Not thread-safe. */
    public static final class Builder {
        static {
            RelayTesting.supply(new BuilderTesting());
        }

        private final DataSource dataSource;
        private final Catalog catalog;
        private final Broker broker;
        private final Map<String, Broker> others = new LinkedHashMap<>();
        private final List<RelayListener> listeners = new ArrayList<>();
        private List<String> served = List.of();
        private String name = ProcessHandle.current().pid() + "-"
                + UUID.randomUUID().toString().substring(0, 8);
        private @Nullable String leaseSchema;
        private @Nullable Tracing tracing;
        private Duration lease = RelaySettings.defaults().lease();
        private Duration publishTimeout = RelaySettings.defaults().publishTimeout();
        private Duration pollCeiling = RelaySettings.defaults().pollCeiling();
        private int batch = RelaySettings.defaults().batch();
        private int window; // 0: the default, or a batch
        private long windowBytes = RelaySettings.defaults().windowBytes();
        private Duration stopTimeout = RelaySettings.defaults().stopTimeout();
        private int waitingKeys = RelaySettings.defaults().waitingKeys();
        // Tests set these:
        Duration measureEvery = MEASURE;
        LongSupplier clock = System::nanoTime;
        RandomGenerator random = new Random();

        private Builder(DataSource dataSource, Catalog catalog, Broker broker) {
            this.dataSource = dataSource;
            this.catalog = catalog;
            this.broker = broker;
        }

        /** Unique among relays; made up when not given. */
        public Builder name(String name) {
            this.name = name;
            return this;
        }

        /**
         * The broker of one outbox, in place of the relay's. The caller closes it, after the relay.
         *
         * @throws IllegalArgumentException if there is no such outbox
         */
        public Builder broker(String outbox, Broker broker) {
            this.others.put(catalog.outbox(outbox).name(), broker);
            return this;
        }

        /**
         * Serves only these outboxes of the catalog; all of them when never called.
         *
         * @throws IllegalArgumentException if there is no such outbox
         */
        public Builder serve(String... outboxes) {
            this.served =
                    Stream.of(outboxes).map(each -> catalog.outbox(each).name()).toList();
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

        /**
         * How long an outbox stays this relay's without a sign of life from it; then others take over. 15 s unless set,
         * and at least twice the {@link #publishTimeout}.
         */
        public Builder lease(Duration lease) {
            this.lease = RelaySettings.requireTime("lease", lease, 1);
            return this;
        }

        /**
         * The longest that a broker may take to send an event, or to give it up, after it was handed over; nothing is handed
         * over when less is left of the lease. The answer may come later. 7 s unless set.
         */
        public Builder publishTimeout(Duration timeout) {
            this.publishTimeout = RelaySettings.requireTime("publishTimeout", timeout, 1);
            return this;
        }

        /** The longest wait between two looks at an idle outbox; 250 ms unless set, and at least 5 ms. */
        public Builder pollCeiling(Duration ceiling) {
            this.pollCeiling = RelaySettings.requireTime("pollCeiling", ceiling, 5);
            return this;
        }

        /** How many events are fetched and settled together; 1,000 unless set, and at most 100,000. */
        public Builder batch(int events) {
            this.batch = RelaySettings.requireNumber("batch", events, RelaySettings.MAX_BATCH);
            return this;
        }

        /** How many events of one outbox may be in memory: at least a batch; 4,000 unless set, and at most 1,000,000. */
        public Builder window(int events) {
            this.window = RelaySettings.requireNumber("window", events, RelaySettings.MAX_WINDOW);
            return this;
        }

        /** How many bytes of payload of one outbox may be in memory, give or take one event; 64 MiB unless set. */
        public Builder windowBytes(long bytes) {
            this.windowBytes = RelaySettings.requireNumber("windowBytes", bytes, Long.MAX_VALUE);
            return this;
        }

        /** How long a stop waits for what is at the broker; 10 s unless set. */
        public Builder stopTimeout(Duration timeout) {
            this.stopTimeout = RelaySettings.requireTime("stopTimeout", timeout, 0);
            return this;
        }

        /**
         * How many keys of one outbox may have events that were left in the table, because they wait for a time, a retry, an
         * operator or a destination. Each takes about 70 bytes. At this number no fresh events of the outbox are read until
         * there are fewer; the relay says so. Unless set, as many as a third of the heap holds: 1.2 million in 256 MB.
         */
        public Builder waitingKeys(int keys) {
            this.waitingKeys = RelaySettings.requireNumber("waitingKeys", keys, RelaySettings.MAX_WAITING_KEYS);
            return this;
        }

        /** Adds a listener to what the relay does. */
        public Builder listener(RelayListener listener) {
            this.listeners.add(listener);
            return this;
        }

        /**
         * Where spans go: one for each message whose writer was traced, from handing over to the broker's answer. The
         * message is sent as a part of it. None when never called.
         */
        public Builder tracing(Tracing tracing) {
            this.tracing = tracing;
            return this;
        }

        /**
         * @throws IllegalArgumentException if the settings contradict each other: a lease shorter than two publish
         *     timeouts, a window smaller than a batch
         * @throws StoreException if the database cannot be reached
         */
        public Relay build() {
            if (JsonLibraries.isMissing()) {
                log.warn(
                        "Relay {}: events with headers will be refused, because there is no Jackson to read them. Add {}",
                        name,
                        JsonLibraries.COORDINATES);
            }
            RelaySettings settings = settings();
            return new Relay(this, settings, stores());
        }

        /** A relay without threads, which logs nothing. */
        ThreadlessRelay manual(Executor settler) {
            RelaySettings settings = settings();
            Stores stores = stores();
            EngineListener guarded = new RelayListeners(listeners);
            return new ThreadlessRelay(
                    leases(stores, settings, guarded),
                    outboxes().stream()
                            .map(outbox -> parts(outbox, stores, settings, guarded, settler))
                            .toList());
        }

        private RelaySettings settings() {
            return new RelaySettings(
                    lease,
                    publishTimeout,
                    pollCeiling,
                    batch,
                    window == 0 ? Math.max(batch, RelaySettings.defaults().window()) : window,
                    windowBytes,
                    stopTimeout,
                    waitingKeys);
        }

        private Leases leases(Stores stores, RelaySettings settings, RelayListener listener) {
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

        private OutboxRuntime parts(
                OutboxDefinition outbox,
                Stores stores,
                RelaySettings settings,
                EngineListener listener,
                Executor settler) {
            Broker its = others.getOrDefault(outbox.name(), broker);
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
