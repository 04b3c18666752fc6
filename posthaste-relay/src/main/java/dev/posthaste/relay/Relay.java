package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Broker;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.journal.JournalException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
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
    private static final Duration PURGE = Duration.ofMinutes(1);

    private final String name;
    private final DataSource dataSource;
    private final RelaySettings settings;
    private final Duration measureEvery;
    private final @Nullable String leaseSchema;
    private final Leases leases;
    private final Map<String, OutboxWorker> workers = new LinkedHashMap<>();
    private final List<Thread> workerThreads = new ArrayList<>();
    private final List<ExecutorService> settlers = new ArrayList<>();
    private final Thread leaseThread;
    private final Thread housekeepingThread;
    private final Object state = new Object();
    private boolean started; // guarded by state
    private volatile boolean stopping;

    private Relay(Builder builder, Dialect dialect) {
        this.name = builder.name;
        this.dataSource = builder.dataSource;
        this.settings = builder.settings;
        RelayListener listener = new RelayListeners(new RelayLog(name), builder.listener);
        this.measureEvery = builder.measureEvery;
        this.leaseSchema = builder.leaseSchema;
        this.leases = builder.leases(dialect, listener);
        for (OutboxDefinition outbox : builder.outboxes()) {
            ExecutorService settler =
                    Executors.newSingleThreadExecutor(work -> thread(work, outbox.name() + "-settler"));
            settlers.add(settler);
            OutboxWorker worker = new OutboxWorker(builder.parts(outbox, dialect, listener, settler), leases);
            workers.put(outbox.name(), worker);
            workerThreads.add(thread(worker, outbox.name()));
        }
        this.leaseThread = thread(this::keepLeases, "leases");
        this.housekeepingThread = thread(this::keepHouse, "housekeeping");
    }

    /** @param dataSource a small pool of the relay's own: two connections for each outbox and two more are enough */
    public static Builder builder(DataSource dataSource, Catalog catalog) {
        return new Builder(dataSource, catalog);
    }

    private static Thread thread(Runnable work, String what) {
        Thread thread = new Thread(work, "posthaste-relay-" + what);
        thread.setDaemon(true);
        return thread;
    }

    /** The name that the lease rows show. */
    public String name() {
        return name;
    }

    /**
     * Checks the tables and begins.
     *
     * @throws IllegalStateException if a table, column or index is missing, with the name of each
     * @throws JournalException if the database cannot be asked
     */
    public Relay start() {
        synchronized (state) {
            if (started || stopping) {
                throw new IllegalStateException("Relay " + name + " was started before");
            }
            try {
                Schema.check(dataSource, outboxes(), leaseSchema)
                        .orThrow()
                        .warnings()
                        .forEach(warning -> log.warn("{}", warning));
            } catch (SQLException e) {
                throw new JournalException("Cannot check the tables: " + e.getMessage(), e);
            }
            started = true;
            leaseThread.start();
            workerThreads.forEach(Thread::start);
            housekeepingThread.start();
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
            worker.hint();
        }
    }

    /** The outboxes that this relay owns now. */
    public Set<String> owned() {
        return Set.copyOf(workers.values().stream()
                .filter(OutboxWorker::owns)
                .map(worker -> worker.parts().outbox().name())
                .toList());
    }

    private void keepLeases() {
        while (!stopping || workerThreads.stream().anyMatch(Thread::isAlive)) {
            long wait = 100_000_000L;
            try {
                wait = leases.runOnce();
            } catch (Throwable e) {
                log.error("Relay {}: the leases could not be looked after", name, e);
            }
            if (!sleep(wait / 1_000_000)) {
                return;
            }
        }
    }

    private void keepHouse() {
        Map<OutboxWorker, Long> purged = new HashMap<>();
        while (!stopping) {
            for (OutboxWorker worker : workers.values()) {
                if (worker.owns()) {
                    long now = worker.parts().clock().getAsLong();
                    Long last = purged.get(worker);
                    boolean purge = last == null || now - last >= PURGE.toNanos();
                    if (purge) {
                        purged.put(worker, now);
                    }
                    keepHouse(worker, purge);
                }
            }
            if (!sleep(measureEvery.toMillis())) {
                return;
            }
        }
    }

    private void keepHouse(OutboxWorker worker, boolean purge) {
        PumpParts parts = worker.parts();
        String outbox = parts.outbox().name();
        BooleanSupplier goOn = () -> !stopping && worker.owns();
        try {
            parts.listener().backlog(outbox, parts.journal().backlog(), worker.blockedKeys());
            parts.listener()
                    .waitingKeys(outbox, worker.waitingKeys(), parts.settings().waitingKeys());
            if (parts.outbox().tracked()) {
                worker.unconsumedWatch().runOnce(goOn);
            }
            if (purge && !worker.disputed()) {
                new Retention(parts).runOnce(goOn);
            }
        } catch (JournalException e) {
            parts.listener().databaseFailed(outbox, e);
        } catch (Throwable e) {
            log.error("Outbox {}: its backlog and retention could not be looked after", outbox, e);
        }
    }

    /** @return false if the thread is to end */
    private boolean sleep(long millis) {
        try {
            Thread.sleep(millis);
            return true;
        } catch (InterruptedException e) {
            return !stopping || workerThreads.stream().anyMatch(Thread::isAlive);
        }
    }

    /**
     * Stops reading, waits for what is at the broker within the stop timeout, settles it and gives the leases back. The
     * broker stays open. Works before {@link #start} and twice.
     */
    @Override
    public void close() {
        synchronized (state) {
            if (stopping) {
                return;
            }
            stopping = true;
            if (!started) {
                return;
            }
            leases.stopTaking();
            workers.values().forEach(OutboxWorker::stop);
            long bound = settings.stopTimeout().toMillis() + 2_000;
            workerThreads.forEach(thread -> join(thread, bound));
            settlers.forEach(Relay::end);
            housekeepingThread.interrupt();
            leaseThread.interrupt();
            join(leaseThread, 2_000);
            join(housekeepingThread, 2_000);
            Thread goodbye = thread(leases::withdraw, "goodbye"); // the database may be what stands still
            goodbye.start();
            join(goodbye, 2_000);
        }
    }

    private static void end(ExecutorService settler) {
        settler.shutdownNow();
        try {
            settler.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread, long millis) {
        try {
            thread.join(millis);
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(1_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Collects what a relay needs. Not thread-safe. */
    public static final class Builder {
        private final DataSource dataSource;
        private final Catalog catalog;
        private final Map<String, Broker> brokers = new LinkedHashMap<>();
        private final Map<String, OutboxPolicy> policies = new LinkedHashMap<>();
        private List<String> served = List.of();
        private String name = ProcessHandle.current().pid() + "-"
                + UUID.randomUUID().toString().substring(0, 8);
        private @Nullable Broker broker;
        private Duration measureEvery = MEASURE;
        private @Nullable String leaseSchema;
        private MessageFormat format = MessageFormat.RAW;
        private final Map<String, MessageFormat> formats = new LinkedHashMap<>();
        private OutboxPolicy policy = OutboxPolicy.defaults();
        private RelaySettings settings = RelaySettings.defaults();
        private RelayListener listener = RelayListener.NONE;
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

        /** The policy of all outboxes that have none of their own. */
        public Builder policy(OutboxPolicy policy) {
            this.policy = policy;
            return this;
        }

        public Builder policy(String outbox, OutboxPolicy policy) {
            this.policies.put(catalog.outbox(outbox).name(), policy);
            return this;
        }

        /** The format of all outboxes that have none of their own; {@link MessageFormat#RAW} when never called. */
        public Builder format(MessageFormat format) {
            this.format = format;
            return this;
        }

        public Builder format(String outbox, MessageFormat format) {
            this.formats.put(catalog.outbox(outbox).name(), format);
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
            this.served = List.of(outboxes);
            served.forEach(catalog::outbox);
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

        /** @throws JournalException if the database cannot be reached */
        public Relay build() {
            return new Relay(this, dialect());
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
            Dialect dialect = dialect();
            RelayListener guarded = new RelayListeners(listener);
            return new ManualRelay(
                    leases(dialect, guarded),
                    outboxes().stream()
                            .map(outbox -> parts(outbox, dialect, guarded, settler))
                            .toList());
        }

        private Leases leases(Dialect dialect, RelayListener listener) {
            return new Leases(
                    leaseTable(dialect),
                    name,
                    outboxes().stream().collect(Collectors.toMap(OutboxDefinition::name, this::definition)),
                    settings.lease(),
                    clock,
                    listener);
        }

        /** What relays that share an outbox must agree about before one of them deletes anything. */
        private String definition(OutboxDefinition outbox) {
            return LeaseTable.definition(
                    outbox,
                    policies.getOrDefault(outbox.name(), policy)
                            .afterDead()
                            .name()
                            .toLowerCase(Locale.ROOT));
        }

        private LeaseTable leaseTable(Dialect dialect) {
            return new LeaseTable(dataSource, dialect, leaseSchema);
        }

        private Dialect dialect() {
            try (Connection connection = dataSource.getConnection()) {
                return Dialect.of(connection);
            } catch (SQLException e) {
                throw new JournalException("Cannot reach the database: " + e.getMessage(), e);
            }
        }

        private List<OutboxDefinition> outboxes() {
            return served.isEmpty()
                    ? List.copyOf(catalog.outboxes())
                    : served.stream().map(catalog::outbox).toList();
        }

        private PumpParts parts(OutboxDefinition outbox, Dialect dialect, RelayListener listener, Executor settler) {
            Broker its = brokers.getOrDefault(outbox.name(), broker);
            if (its == null) {
                throw new IllegalArgumentException("Outbox " + outbox.name() + " has no broker; call broker(…)");
            }
            return new PumpParts(
                    outbox,
                    new StatusJournal(dataSource, dialect, outbox, leaseTable(dialect)),
                    its,
                    formats.getOrDefault(outbox.name(), format),
                    policies.getOrDefault(outbox.name(), policy),
                    settings,
                    listener,
                    settler,
                    clock,
                    random);
        }
    }
}
