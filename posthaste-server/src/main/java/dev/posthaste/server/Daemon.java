package dev.posthaste.server;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Subscription;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayMeters;
import dev.posthaste.relay.internal.ReceiptProcessors;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.Config.ReceiptsConfig;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.server.http.HttpServer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that one process runs: a relay for each database, the consumers' receipts, the monitor, the replays and
 * the console. {@link #close} drains: nothing new is read, what is at the brokers is settled, leases are released.
 */
public final class Daemon implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Daemon.class);

    private final Deployment deployment;
    private final PrometheusMeterRegistry metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final OutboxMonitor monitor;
    private final Replays replays;
    private final List<Relay> relays = new ArrayList<>();
    private final List<HikariDataSource> pools = new ArrayList<>();
    private final List<ReceiptProcessor> processors = new ArrayList<>();
    private final List<Subscription> subscriptions = new ArrayList<>();
    private @Nullable HttpServer http;

    private Daemon(Deployment deployment) {
        this.deployment = deployment;
        this.monitor = new OutboxMonitor(deployment);
        this.replays = new Replays(deployment);
    }

    /**
     * Starts everything.
     *
     * @throws Deployment.UnreachableException if a database does not answer
     * @throws dev.posthaste.SchemaException if a table is missing; says which
     * @throws IllegalStateException if the console's port is taken
     */
    public static Daemon start(Config config) {
        Daemon daemon = new Daemon(Deployment.open(config));
        try {
            daemon.start();
            return daemon;
        } catch (RuntimeException e) {
            daemon.close();
            throw e;
        }
    }

    private void start() {
        Config config = deployment.config();
        List.of(new JvmMemoryMetrics(), new JvmThreadMetrics(), new ProcessorMetrics(), new UptimeMetrics())
                .forEach(meters -> meters.bindTo(metrics));
        deployment.warnings().forEach(warning -> log.warn("{}", warning.message()));
        for (Deployment.OpenDatabase database : deployment.databases().values()) {
            if (!database.outboxes().isEmpty()) {
                relays.add(relay(config, database).start());
            }
        }
        for (ReceiptsConfig receipts : config.receipts()) {
            subscriptions.add(subscribe(receipts));
        }
        if (config.console().enabled()) {
            http = HttpServer.start(new ServerContext(deployment, monitor, replays, metrics));
            log.info("Console at {}", http.address());
        }
        replays.resume();
        log.info(
                "{} relays {}",
                config.name(),
                String.join(", ", config.outboxes().keySet()));
    }

    private Relay relay(Config config, Deployment.OpenDatabase database) {
        HikariDataSource pool = deployment.relayPool(database);
        pools.add(pool);
        Broker any = deployment.broker(database.outboxes().get(0).broker()); // each is named below
        Relay.Builder relay = Relay.builder(pool, database.catalog(), any)
                .name(config.name())
                .listener(monitor)
                .listener(RelayMeters.of(metrics));
        config.relay().applyTo(relay);
        if (database.config().leases() != null) {
            relay.leasesIn(database.config().leases());
        }
        for (OutboxConfig outbox : database.outboxes()) {
            relay.broker(outbox.name(), deployment.broker(outbox.broker()));
        }
        return relay.build();
    }

    private Subscription subscribe(ReceiptsConfig receipts) {
        List<OutboxConfig> tracked = deployment.config().outboxes().values().stream()
                .filter(outbox -> outbox.definition().tracked())
                .toList();
        Catalog catalog = ConfigReader.catalog(tracked).all(outbox -> outbox.retry(receipts.retry()));
        ReceiptProcessor processor = ReceiptProcessors.on(catalog, outbox -> receipts(outbox.name()));
        processors.add(processor);
        return deployment.subscribableBroker(receipts.broker()).subscribe(receipts.route(), processor);
    }

    private ReceiptStore receipts(String outbox) {
        OutboxConfig config = deployment.outbox(outbox);
        return Objects.requireNonNull(deployment.databases().get(config.database()))
                .stores()
                .receipts(config.definition());
    }

    /** Where the console is; null when there is none. */
    public @Nullable String address() {
        return http == null ? null : http.address();
    }

    @Override
    public void close() {
        if (http != null) {
            http.close();
        }
        replays.close();
        subscriptions.forEach(Subscription::close);
        processors.forEach(ReceiptProcessor::close);
        relays.forEach(Relay::close);
        monitor.close();
        pools.forEach(HikariDataSource::close);
        deployment.close();
        metrics.close();
    }
}
