package dev.posthaste.examples.eventbus;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Receiver;
import dev.posthaste.examples.support.CannotStartException;
import dev.posthaste.examples.support.Pools;
import dev.posthaste.examples.support.Resources;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.relay.Relay;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;

/**
 * The three services, with a relay and a broker; all in this process or part of it. Closing stops them in reverse
 * order.
 */
final class EventBus implements AutoCloseable {
    private static final RetryPolicy REDELIVERY = RetryPolicy.quadratic();

    /** Which event type belongs to which service; the rest follows from the services' names. */
    static final Catalog CATALOG = Catalog.forServices("smartflow")
            .outbox(AgentService.NAME, o -> o.types(AgentService.PERSIST))
            .outbox(TaskService.NAME, o -> o.types(TaskService.STEP))
            .outbox(MemoryService.NAME, o -> o.types(MemoryService.EXTRACT))
            .all(o -> o.tracked(true).retry(REDELIVERY));

    private static final int PARTITIONS = 6;
    private static final short BROKERS_DEFAULT = -1;
    private static final MessageFormat FORMAT = MessageFormat.ENVELOPE;
    /** Many quick attempts in place, because a conversation keeps its order only while nothing is redelivered. */
    private static final RetryPolicy IN_PLACE = RetryPolicy.exponential(Duration.ofMillis(20), Duration.ofSeconds(1))
            .attempts(20)
            .jitter(0.2)
            .named("in-place");
    /** Shorter than the default, like those below: someone who kills the demo should not wait long for timeouts. */
    private static final Duration ANSWERS_WITHIN = Duration.ofSeconds(10);

    private static final Map<String, String> MISSED_SOON =
            Map.of("session.timeout.ms", "6000", "heartbeat.interval.ms", "1500");

    private static final Duration LEASE = Duration.ofSeconds(10);
    /** Even shorter if everything is in one process and no other process waits for the lease. */
    private static final Duration LOCAL_LEASE = Duration.ofSeconds(3);

    private final Resources resources;
    private final Pools pools;
    private final Settings settings;
    private final DataSource pool;
    private final Tables tables;
    private final AgentService agent;
    private final TaskService task;
    private final MemoryService memory = new MemoryService();

    /** What a process does besides writing events. */
    enum Part {
        RELAY,
        CONSUMERS
    }

    private EventBus(Settings settings, Set<Part> parts, Resources resources)
            throws CannotStartException, SQLException {
        this.resources = resources;
        this.pools = new Pools(settings.database(), resources);
        this.settings = settings;
        this.pool = pools.of("application", 24);
        this.tables = new Tables(pool, pools.reading(pool));
        tables.create();
        Schema.create(pool, CATALOG);
        JdbcOutbox outbox = JdbcOutbox.of(CATALOG);
        this.agent = new AgentService(outbox);
        this.task = new TaskService(outbox);
        if (!parts.isEmpty()) {
            connect(parts);
        }
    }

    static EventBus start(Settings settings) throws CannotStartException, SQLException {
        return start(settings, EnumSet.allOf(Part.class));
    }

    /** A process that does only part of the work; the processes find each other through database and broker. */
    static EventBus start(Settings settings, Set<Part> parts) throws CannotStartException, SQLException {
        Resources resources = new Resources();
        try {
            return new EventBus(settings, parts, resources);
        } catch (CannotStartException | SQLException | RuntimeException e) {
            resources.close();
            throw e;
        }
    }

    private void connect(Set<Part> parts) throws CannotStartException {
        String servers = settings.broker();
        if (servers == null) {
            List<Receiver> inboxes = new ArrayList<>();
            for (OutboxDefinition service : CATALOG.outboxes()) {
                inboxes.add(inbox(service));
            }
            relay(resources.opened(LocalBroker.to(inboxes.toArray(Receiver[]::new))));
            return;
        }
        KafkaSettings how = KafkaSettings.of(servers).consumer(MISSED_SOON).createTopics(PARTITIONS, BROKERS_DEFAULT);
        try {
            how.check(ANSWERS_WITHIN);
        } catch (IllegalStateException e) {
            throw new CannotStartException("Cannot use Kafka at " + servers + ": " + e.getMessage(), e);
        }
        Map<Route, Inbox> inboxes = new LinkedHashMap<>();
        if (parts.contains(Part.CONSUMERS)) {
            for (OutboxDefinition service : CATALOG.outboxes()) {
                inboxes.put(service.route(), inbox(service));
            }
        }
        KafkaBroker kafka = resources.opened(KafkaBroker.of(how));
        inboxes.forEach(kafka::subscribe);
        if (parts.contains(Part.RELAY)) {
            relay(kafka);
        }
    }

    private void relay(Broker broker) throws CannotStartException {
        Duration lease = settings.broker() == null ? LOCAL_LEASE : LEASE;
        Catalog enveloped = CATALOG.all(o -> o.retry(REDELIVERY)).all(o -> o.format(FORMAT));
        Relay relay = resources.opened(Relay.builder(pools.of("relay", 8), enveloped, broker)
                .lease(lease)
                .publishTimeout(lease.dividedBy(2))
                .stopTimeout(Duration.ofSeconds(2))
                .build());
        relay.start();
    }

    // --- Consumers ---------------------------------------------------------------------------------------------------

    /**
     * A service's inbox, which handles the events of its topic and marks their rows as consumed. Its handlers reject
     * nothing: whatever a database refuses is retried, because a constraint that is violated once (an id assigned
     * twice) says nothing about the event.
     */
    private Inbox inbox(OutboxDefinition service) throws CannotStartException {
        String name = Objects.requireNonNull(service.route().group());
        Inbox.Builder inbox = Inbox.builder(name, pools.of(service.name(), 8))
                .format(FORMAT)
                .threads(6)
                .retry(IN_PLACE)
                .afterLastAttempt(AfterLastAttempt.REDELIVER)
                .receipts(Receipts.inDatabase(CATALOG));
        return resources.opened((switch (service.name()) {
                    case AgentService.NAME ->
                        inbox.on(AgentService.PERSIST, AgentService.ChatMessage.class, failing(agent::persist));
                    case TaskService.NAME -> inbox.on(TaskService.STEP, TaskService.TaskStep.class, failing(task::log));
                    default ->
                        inbox.on(MemoryService.EXTRACT, MemoryService.Extraction.class, failing(memory::extract));
                })
                .build());
    }

    /** Fails now and then on purpose, after the handler's effect as often as before it. */
    private <T> Handler<T> failing(Handler<T> handler) {
        double half = settings.failRate() / 2;
        return (event, context) -> {
            failNowAndThen(half);
            handler.handle(event, context);
            failNowAndThen(half);
        };
    }

    private static void failNowAndThen(double rate) {
        if (ThreadLocalRandom.current().nextDouble() < rate) {
            throw new IllegalStateException("failing on purpose");
        }
    }

    // --- Parts -------------------------------------------------------------------------------------------------------

    AgentService agent() {
        return agent;
    }

    TaskService task() {
        return task;
    }

    Tables tables() {
        return tables;
    }

    DataSource dataSource() {
        return pool;
    }

    @Override
    public void close() {
        resources.close();
    }
}
