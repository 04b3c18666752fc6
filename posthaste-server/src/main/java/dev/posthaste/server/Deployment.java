package dev.posthaste.server;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.StoreException;
import dev.posthaste.admin.UnknownOutboxException;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.internal.admin.StoreAdmin;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.FormerTable;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.tracing.TracedBroker;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.server.config.Config;
import dev.posthaste.server.config.Config.BrokerConfig;
import dev.posthaste.server.config.Config.DatabaseConfig;
import dev.posthaste.server.config.Config.OutboxConfig;
import dev.posthaste.server.config.ConfigReader;
import dev.posthaste.server.config.Problem;
import io.opentelemetry.api.GlobalOpenTelemetry;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.sql.DataSource;

/**
 * What a configuration names, opened: databases, brokers, and the outboxes in them. The daemon works with it, and so does
 * every command. Thread-safe.
 */
public final class Deployment implements AutoCloseable {
    private static final int OPERATORS_CONNECTIONS = 4;
    private static final long CONNECTION_TIMEOUT_MILLIS = 5_000;

    private final Config config;
    private final List<Problem> warnings = new ArrayList<>();
    private final Map<String, OpenDatabase> databases = new LinkedHashMap<>();
    private final Map<String, OpenBroker> brokers = new LinkedHashMap<>(); // guarded by itself
    private final StoreAdmin admin;

    /** A database that answers. */
    record OpenDatabase(
            DatabaseConfig config,
            HikariDataSource pool,
            Stores stores,
            List<OutboxConfig> outboxes,
            Catalog catalog) {}

    /** @param traced the same broker, with spans that go wherever an OpenTelemetry agent sends them */
    private record OpenBroker(SubscribableBroker plain, Broker traced) {}

    private Deployment(Config config) {
        Map<String, StoreOutboxAdmin> admins = new LinkedHashMap<>();
        Map<String, OutboxConfig> outboxes = new LinkedHashMap<>(config.outboxes());
        try {
            for (DatabaseConfig each : config.databases().values()) {
                OpenDatabase database = open(config, each);
                database.outboxes().forEach(outbox -> outboxes.put(outbox.name(), outbox));
                databases.put(each.name(), database);
                database.stores()
                        .admin(database.catalog())
                        .all()
                        .forEach(outbox -> admins.put(outbox.definition().name(), outbox));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        this.config = config.withOutboxes(outboxes);
        this.admin = new StoreAdmin(config.outboxes().keySet().stream()
                .map(name -> Objects.requireNonNull(admins.get(name)))
                .toList());
    }

    /** @throws UnreachableException if a database does not answer */
    public static Deployment open(Config config) {
        return new Deployment(config);
    }

    /** A server that does not answer; the message names it without its password. */
    public static final class UnreachableException extends RuntimeException {
        private static final long serialVersionUID = 1;

        UnreachableException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private OpenDatabase open(Config config, DatabaseConfig database) {
        HikariDataSource pool = pool(database, OPERATORS_CONNECTIONS, "operators");
        try {
            Stores stores = Stores.in(pool, database.leases());
            List<OutboxConfig> here = config.outboxes().values().stream()
                    .filter(outbox -> outbox.database().equals(database.name()))
                    .toList();
            List<OutboxDefinition> all =
                    here.stream().map(OutboxConfig::definition).toList();
            List<OutboxConfig> outboxes = new ArrayList<>();
            for (OutboxConfig outbox : here) {
                outboxes.add(found(pool, outbox, all));
            }
            return new OpenDatabase(database, pool, stores, outboxes, ConfigReader.catalog(outboxes));
        } catch (StoreException e) {
            pool.close();
            Throwable why = Objects.requireNonNullElse(e.getCause(), e);
            throw new UnreachableException("database " + database + " cannot be reached: " + why.getMessage(), e);
        } catch (SQLException e) {
            pool.close();
            throw new UnreachableException("database " + database + " cannot be reached: " + e.getMessage(), e);
        }
    }

    /** The outbox with the table that it actually has: until 2.0, that may be the former default. */
    private OutboxConfig found(DataSource dataSource, OutboxConfig outbox, List<OutboxDefinition> all)
            throws SQLException {
        OutboxDefinition found = FormerTable.found(dataSource, outbox.definition(), all);
        if (!found.table().equals(outbox.definition().table())) {
            warnings.add(new Problem(
                    outbox.line(),
                    "outbox " + outbox.name() + " has no 'table', which means "
                            + outbox.definition().table()
                            + " now; it is in " + found.table()
                            + ", the default until 1.0, and that is used until 2.0: set 'table: " + found.table()
                            + "'"));
        }
        return new OutboxConfig(outbox.line(), found, outbox.database(), outbox.broker());
    }

    private static HikariDataSource pool(DatabaseConfig database, int connections, String purpose) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName("posthaste-" + database.name() + "-" + purpose);
        pool.setJdbcUrl(database.url());
        pool.setUsername(database.user());
        pool.setPassword(database.password());
        pool.setMaximumPoolSize(connections);
        pool.setMinimumIdle(1);
        pool.setConnectionTimeout(CONNECTION_TIMEOUT_MILLIS);
        pool.setInitializationFailTimeout(-1);
        pool.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        try {
            return new HikariDataSource(pool);
        } catch (RuntimeException e) {
            String hint = database.url().startsWith("jdbc:mysql:")
                    ? "; its driver is not bundled: java -cp posthaste-server.jar:mysql-connector-j.jar"
                            + " dev.posthaste.server.cli.Posthaste …"
                    : "";
            throw new UnreachableException("database " + database + " cannot be used: " + e.getMessage() + hint, e);
        }
    }

    /** A relay's own small pool on the same database; the caller closes it. */
    HikariDataSource relayPool(OpenDatabase database) {
        return pool(database.config(), 2 * database.outboxes().size() + 2, "relay");
    }

    Map<String, OpenDatabase> databases() {
        return databases;
    }

    public DataSource dataSource(String database) {
        return Objects.requireNonNull(databases.get(database), database).pool();
    }

    /** The configuration, each outbox with the table that it actually has. */
    public Config config() {
        return config;
    }

    /** What should be changed in the configuration, although it can be used as it is. */
    public List<Problem> warnings() {
        return warnings;
    }

    public StoreAdmin admin() {
        return admin;
    }

    /** @throws UnknownOutboxException if there is none */
    public OutboxConfig outbox(String name) {
        admin.outbox(name);
        return Objects.requireNonNull(config.outboxes().get(name));
    }

    /**
     * The broker of this name, connected when it is first needed. Its spans go wherever an OpenTelemetry agent sends
     * them.
     */
    public Broker broker(String name) {
        return openBroker(name).traced();
    }

    /** The same broker, to subscribe to. */
    SubscribableBroker subscribableBroker(String name) {
        return openBroker(name).plain();
    }

    private OpenBroker openBroker(String name) {
        synchronized (brokers) {
            return brokers.computeIfAbsent(
                    name, each -> open(Objects.requireNonNull(config.brokers().get(each), each)));
        }
    }

    private static OpenBroker open(BrokerConfig broker) {
        SubscribableBroker plain = broker.isKafka() ? KafkaBroker.of(broker.kafka()) : RabbitBroker.of(broker.rabbit());
        Broker publishing = broker.isKafka() ? plain : new OwnQueuesBroker(plain);
        return new OpenBroker(plain, new TracedBroker(publishing, OpenTelemetryTracing.of(GlobalOpenTelemetry.get())));
    }

    @Override
    public void close() {
        synchronized (brokers) {
            brokers.values().forEach(each -> each.plain().close());
            brokers.clear();
        }
        databases.values().forEach(database -> database.pool().close());
    }
}
