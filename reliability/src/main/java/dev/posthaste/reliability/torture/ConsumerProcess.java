package dev.posthaste.reliability.torture;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.inbox.InboxMeters;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.rabbitmq.RabbitBroker;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/** A consumer whose handler writes an effect, and misbehaves as the nemesis has chosen. SIGTERM closes it. */
final class ConsumerProcess {
    // The names of its vital signs.
    static final String HANDLED = "handled";
    static final String DUPLICATES = "duplicates";
    static final String HANDLED_METER = "posthaste.inbox.handled";
    static final String DUPLICATES_METER = "posthaste.inbox.duplicate";

    static final int PREFETCH = 500;
    private static final int THREADS = 16;
    private static final int THREADS_ON_ONE_WRITER = 2;

    private final HandlerHistory history;
    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong duplicates = new AtomicLong();
    private final Moods moods;
    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final InboxMeters meters = InboxMeters.of(registry);

    private final Setup setup;

    /** @param vitals must not be started yet */
    ConsumerProcess(Setup setup, String name, Vitals vitals) throws IOException {
        this.setup = setup;
        this.history = new HandlerHistory(setup.home(), name);
        this.moods = new Moods(setup.home());
        vitals.sign(HANDLED, handled::get)
                .sign(DUPLICATES, duplicates::get)
                .meter(registry, HANDLED_METER)
                .meter(registry, DUPLICATES_METER);
    }

    public static void main(String[] arguments) throws Exception {
        Setup setup = Setup.of(arguments);
        Vitals vitals = new Vitals(setup.home(), arguments[6]);
        Inbox consumer = new ConsumerProcess(setup, arguments[6], vitals).start();
        vitals.start();
        SubscribableBroker broker = setup.wire() == Setup.Wire.KAFKA
                ? KafkaBroker.of(setup.kafka()
                        .prefetch(PREFETCH)
                        .consumer(Map.of("session.timeout.ms", "6000", "heartbeat.interval.ms", "1000")))
                : RabbitBroker.of(setup.rabbit().prefetch(PREFETCH));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            broker.close();
            consumer.close();
        }));
        broker.subscribe(setup.wire().route(), consumer);
        Thread.currentThread().join();
    }

    Inbox start() {
        int threads = threads(setup);
        return Inbox.builder("shipping", setup.pool(threads + 2))
                .format(setup.table().format())
                .on(Setup.TYPE, String.class, this::handle)
                .on(Setup.ODD_TYPE, String.class, this::handle)
                .unknownTypes(UnknownTypes.DEAD_LETTER)
                .receipts(setup.wire().tracks() ? Receipts.inDatabase(setup.catalog()) : Receipts.none())
                .threads(threads)
                .retry(RetryPolicy.exponential(Duration.ofMillis(50), Duration.ofSeconds(1))
                        .forever())
                .listener(listener())
                .listener(meters)
                .build();
    }

    static int threads(Setup setup) {
        return setup.isSqlite() ? THREADS_ON_ONE_WRITER : THREADS;
    }

    private void handle(String payload, EventContext context) throws Exception {
        history.trying(context.eventId(), isFirst(context.message().headers()));
        moods.beforeEffect();
        Content.Read event =
                Content.read(context.eventId(), payload, context.message().headers());
        try (PreparedStatement insert = context.connection()
                .prepareStatement(
                        "insert into effects (event_id, event_key, version, row_id, whole) values (?,?,?,?,?)")) {
            insert.setString(1, context.eventId());
            insert.setInt(2, event.aggregate());
            insert.setLong(3, event.version());
            insert.setLong(
                    4,
                    Long.parseLong(
                            Objects.requireNonNull(context.message().headers().get(MessageHeaders.POSITION))));
            insert.setInt(5, event.whole() ? 1 : 0);
            insert.executeUpdate();
        }
        moods.afterEffect(context.connection());
    }

    /** No refusal has been counted, and no operator has requeued it. */
    private static boolean isFirst(Map<String, String> headers) {
        return "0".equals(headers.get(MessageHeaders.ATTEMPTS))
                && headers.getOrDefault(MessageHeaders.GENERATION, "0").equals("0");
    }

    private InboxListener listener() {
        return new InboxListener() {
            @Override
            public void handled(String inbox, Message message, Duration took) {
                handled.incrementAndGet();
                history.handled(Objects.requireNonNull(message.eventId()));
                moods.listen();
            }

            @Override
            public void duplicate(String inbox, Message message) {
                duplicates.incrementAndGet();
                moods.listen();
            }
        };
    }
}
