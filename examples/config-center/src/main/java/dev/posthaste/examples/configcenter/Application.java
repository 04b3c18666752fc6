package dev.posthaste.examples.configcenter;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.jackson.JacksonSerializer;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.Relay;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * The configuration centre at work: its changes, its outbox, a relay, a broker and the history's consumer, all in this
 * process. Closing stops them in the opposite order.
 */
final class Application implements AutoCloseable {
    static final String OUTBOX = "config";
    static final String CONSUMER = "config-history";
    private static final int PREFETCH = 500;
    private static final Duration INBOX_KEEPS = Duration.ofDays(30);
    static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();
    private static final Route ROUTE = Route.to("tmadminsrv_service")
            .routingKey("tmadminsrv_config_history")
            .group("tmadminsrv_config_history_queue");
    /** Shorter than the defaults: who kills the demo and starts it again should not wait long for the old lease. */
    private static final Duration LEASE = Duration.ofSeconds(8);
    /** Shorter still where everything is in one process and nobody else waits for the lease. */
    private static final Duration LOCAL_LEASE = Duration.ofSeconds(3);

    static final Catalog CATALOG = Catalog.of(OutboxDefinition.named(OUTBOX)
            .route(ROUTE)
            .types(ConfigHistoryEvent.TYPE)
            .table("outbox_events"));

    private final Deque<AutoCloseable> open;
    private @Nullable HikariDataSource onlyWriter;
    private final Database database;
    private final HistoryTable history;
    private final ConfigCenter configs;
    private final OutboxAdmin outbox;
    private final SwitchableBroker broker;

    /** What an application does besides making changes. */
    enum Part {
        RELAY,
        CONSUMER
    }

    /** What a person wants to see at a glance. */
    record State(Map<Status, Long> outbox, long history, boolean historyRunning, boolean brokerRunning) {}

    /** Something outside is not as it has to be; the message says what, for a person. */
    static final class CannotStartException extends Exception {
        CannotStartException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private Application(Settings settings, Set<Part> parts, Deque<AutoCloseable> open)
            throws CannotStartException, SQLException {
        this.open = open;
        Clock clock = Clock.systemUTC();
        HikariDataSource pool = pool(settings, "application", 32);
        this.database = new Database(pool, settings.onSqlite() ? newPool(settings, "reading", 4) : pool);
        this.history = new HistoryTable(database);
        history.restore();
        database.createTables();
        Schema.create(database.dataSource(), CATALOG);
        this.outbox = Admin.of(database.dataSource(), CATALOG).outbox(OUTBOX);
        this.broker = broker(settings, parts.contains(Part.CONSUMER), clock);
        Runnable afterCommit = parts.contains(Part.RELAY) ? relay(settings) : () -> {};
        this.configs = new ConfigCenter(
                database, JdbcOutbox.of(CATALOG).serializer(JacksonSerializer.of(JSON)), afterCommit, clock);
        open.push(configs);
    }

    static Application start(Settings settings) throws CannotStartException, SQLException {
        return start(settings, EnumSet.allOf(Part.class));
    }

    /** A process that does only some of the work; the others find each other through database and broker. */
    static Application start(Settings settings, Set<Part> parts) throws CannotStartException, SQLException {
        Deque<AutoCloseable> open = new ArrayDeque<>();
        try {
            return new Application(settings, parts, open);
        } catch (CannotStartException | SQLException | RuntimeException e) {
            close(open);
            throw e;
        }
    }

    /**
     * Connections for one part of the application. On SQLite, all parts share one: there is one writer at a time anyway, and
     * who waits for a connection is served in order, while SQLite lets those that wait for its lock starve.
     */
    private HikariDataSource pool(Settings settings, String name, int size) throws CannotStartException {
        if (!settings.onSqlite()) {
            return newPool(settings, name, size);
        }
        if (onlyWriter == null) {
            onlyWriter = newPool(settings, "writing", 1);
        }
        return onlyWriter;
    }

    private HikariDataSource newPool(Settings settings, String name, int size) throws CannotStartException {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(settings.url());
        config.setUsername(settings.user());
        config.setPassword(settings.password());
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(10_000);
        config.setExceptionOverride(new SqliteEviction());
        try {
            return opened(new HikariDataSource(config));
        } catch (RuntimeException e) {
            throw new CannotStartException(
                    "Cannot open the database " + settings.databaseName() + ": " + innermost(e), e);
        }
    }

    private SwitchableBroker broker(Settings settings, boolean consuming, Clock clock) throws CannotStartException {
        String uri = settings.broker();
        if (uri == null) {
            return opened(new SwitchableBroker(consuming ? LocalBroker.to(inbox(settings, clock)) : LocalBroker.to()));
        }
        try {
            RabbitSettings checked = RabbitSettings.of(uri).declare(true).prefetch(PREFETCH);
            checked.check();
            Inbox inbox = consuming ? inbox(settings, clock) : null;
            RabbitBroker rabbit = RabbitBroker.of(checked);
            SwitchableBroker broker = opened(new SwitchableBroker(rabbit));
            if (inbox != null) {
                rabbit.subscribe(ROUTE, inbox);
            }
            return broker;
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw new CannotStartException("Cannot use the broker " + Settings.redacted(uri) + ": " + innermost(e), e);
        }
    }

    private Inbox inbox(Settings settings, Clock clock) throws CannotStartException {
        return opened(Inbox.builder(CONSUMER, pool(settings, "consumer", 8))
                .on(ConfigHistoryEvent.TYPE, ConfigHistoryEvent.class, new HistoryRecorder(history, clock))
                .serializer(JacksonSerializer.of(JSON))
                .threads(8)
                .retry(HistoryRecorder.RETRY)
                .keep(INBOX_KEEPS)
                .build());
    }

    /** Starts the relay; what is returned wakes it. */
    private Runnable relay(Settings settings) throws CannotStartException {
        Duration lease = settings.broker() == null ? LOCAL_LEASE : LEASE;
        Relay relay = opened(Relay.builder(pool(settings, "relay", 4), CATALOG, broker)
                .lease(lease)
                .publishTimeout(lease.dividedBy(2))
                .stopTimeout(Duration.ofSeconds(2))
                .build());
        relay.start();
        return () -> relay.wake(OUTBOX);
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    private static String innermost(Throwable e) {
        Throwable innermost = e;
        while (innermost.getCause() != null) {
            innermost = innermost.getCause();
        }
        String message = innermost.getMessage();
        return message == null
                ? innermost.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    ConfigCenter configs() {
        return configs;
    }

    HistoryTable history() {
        return history;
    }

    Database database() {
        return database;
    }

    State state() throws SQLException {
        return new State(outbox.counts(), history.count(), history.available(), broker.on());
    }

    void switchBroker(boolean on) {
        broker.setOn(on);
    }

    @Override
    public void close() {
        close(open);
    }

    private static void close(Deque<AutoCloseable> open) {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                System.err.println("While stopping: " + e);
            }
        }
    }
}
