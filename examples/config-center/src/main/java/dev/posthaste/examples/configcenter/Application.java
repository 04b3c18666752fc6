package dev.posthaste.examples.configcenter;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.examples.support.CannotStartException;
import dev.posthaste.examples.support.Pools;
import dev.posthaste.examples.support.Resources;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.jackson.JacksonSerializer;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.Relay;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import javax.sql.DataSource;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * The running configuration centre: its changes, its outbox, a relay, a broker and the history's consumer, all in this
 * process. Closing stops them in reverse order.
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
    /** Shorter than the default: someone who kills and restarts the demo should not wait long for the old lease. */
    private static final Duration LEASE = Duration.ofSeconds(8);
    /** Even shorter if everything is in one process and no other process waits for the lease. */
    private static final Duration LOCAL_LEASE = Duration.ofSeconds(3);

    static final Catalog CATALOG = Catalog.empty()
            .outbox(OUTBOX, o -> o.route(ROUTE).types(ConfigHistoryEvent.TYPE).table("outbox_events"));

    private final Resources resources;
    private final Pools pools;
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

    /** The state to be seen at a glance. */
    record State(Map<Status, Long> outbox, long history, boolean historyRunning, boolean brokerRunning) {}

    private Application(Settings settings, Set<Part> parts, Resources resources)
            throws CannotStartException, SQLException {
        this.resources = resources;
        this.pools = new Pools(settings.database(), resources);
        Clock clock = Clock.systemUTC();
        DataSource pool = pools.of("application", 32);
        this.database = new Database(pool, pools.reading(pool));
        this.history = new HistoryTable(database);
        history.restore();
        database.createTables();
        Schema.create(database.dataSource(), CATALOG);
        this.outbox = Admin.of(database.dataSource(), CATALOG).outbox(OUTBOX);
        this.broker = broker(settings, parts.contains(Part.CONSUMER), clock);
        Runnable afterCommit = parts.contains(Part.RELAY) ? relay(settings) : () -> {};
        this.configs = resources.opened(new ConfigCenter(
                database, JdbcOutbox.of(CATALOG).serializer(JacksonSerializer.of(JSON)), afterCommit, clock));
    }

    static Application start(Settings settings) throws CannotStartException, SQLException {
        return start(settings, EnumSet.allOf(Part.class));
    }

    /** A process that does only part of the work; the processes find each other through database and broker. */
    static Application start(Settings settings, Set<Part> parts) throws CannotStartException, SQLException {
        Resources resources = new Resources();
        try {
            return new Application(settings, parts, resources);
        } catch (CannotStartException | SQLException | RuntimeException e) {
            resources.close();
            throw e;
        }
    }

    private SwitchableBroker broker(Settings settings, boolean consuming, Clock clock) throws CannotStartException {
        String uri = settings.broker();
        if (uri == null) {
            return resources.opened(new SwitchableBroker(consuming ? LocalBroker.to(inbox(clock)) : LocalBroker.to()));
        }
        try {
            RabbitSettings checked = RabbitSettings.of(uri).declare(true).prefetch(PREFETCH);
            checked.check();
            Inbox inbox = consuming ? inbox(clock) : null;
            RabbitBroker rabbit = RabbitBroker.of(checked);
            SwitchableBroker broker = resources.opened(new SwitchableBroker(rabbit));
            if (inbox != null) {
                rabbit.subscribe(ROUTE, inbox);
            }
            return broker;
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw CannotStartException.because("Cannot use the broker " + settings.brokerName(), e);
        }
    }

    private Inbox inbox(Clock clock) throws CannotStartException {
        return resources.opened(Inbox.builder(CONSUMER, pools.of("consumer", 8))
                .on(ConfigHistoryEvent.TYPE, ConfigHistoryEvent.class, new HistoryRecorder(history, clock))
                .serializer(JacksonSerializer.of(JSON))
                .threads(8)
                .retry(HistoryRecorder.RETRY)
                .keep(INBOX_KEEPS)
                .build());
    }

    /** Starts the relay; the result wakes it. */
    private Runnable relay(Settings settings) throws CannotStartException {
        Duration lease = settings.broker() == null ? LOCAL_LEASE : LEASE;
        Relay relay = resources.opened(Relay.builder(pools.of("relay", 4), CATALOG, broker)
                .lease(lease)
                .publishTimeout(lease.dividedBy(2))
                .stopTimeout(Duration.ofSeconds(2))
                .build());
        relay.start();
        return () -> relay.wake(OUTBOX);
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
        resources.close();
    }
}
