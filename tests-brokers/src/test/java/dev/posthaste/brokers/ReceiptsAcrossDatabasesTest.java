package dev.posthaste.brokers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The outbox in MariaDB, its consumer in PostgreSQL, and receipts that travel between them. */
class ReceiptsAcrossDatabasesTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final String PREFIX = "ra" + ProcessHandle.current().pid();
    private static final RetryPolicy THREE =
            RetryPolicy.fixed(Duration.ofMillis(100)).attempts(3);

    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    /** The broker between the two sides. */
    enum Wire {
        KAFKA {
            @Override
            SubscribableBroker broker() {
                return KafkaBroker.of(
                        KafkaSettings.of(KafkaServer.shared().bootstrap()).createTopics(3, 1));
            }
        },
        RABBITMQ {
            @Override
            SubscribableBroker broker() {
                return RabbitBroker.of(RabbitSettings.of(RabbitServer.shared().uri())
                        .declare(true)
                        .prefetch(200));
            }
        };

        abstract SubscribableBroker broker();
    }

    /** A receiver and its subscription; closed in reverse order. */
    private record Receiving(Subscription subscription, Receiver receiver) implements AutoCloseable {
        @Override
        public void close() {
            subscription.close();
            receiver.close();
        }
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    @AfterEach
    void close() throws Exception {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyRowEndsAsItsConsumerSaidThoughConsumerAndIntakeComeAndGo(Wire wire) throws Exception {
        Route orders = Route.to(PREFIX + "-orders").routingKey("orders").group(PREFIX + "-orders-group");
        Route back = Route.to(PREFIX + "-receipts").routingKey("receipts").group(PREFIX + "-receipts-group");
        TestDatabase here = opened(DatabaseServer.of(Database.MARIADB).createDatabase());
        TestDatabase there = opened(DatabaseServer.of(Database.POSTGRESQL).createDatabase());
        Catalog catalog = Catalog.of(OutboxDefinition.named("orders")
                .table("orders")
                .route(orders)
                .types("order.placed", "order.troubled", "order.cursed", "order.forgotten")
                .tracked(true));
        Schema.create(here.dataSource(), catalog);
        Schema.create(there.dataSource(), Catalog.empty());
        there.execute("create table effects (event_id varchar(64))");
        SubscribableBroker broker = opened(wire.broker());
        opened(Relay.builder(here.pool(4), catalog.all(o -> o.retry(THREE)), broker)
                        .build())
                .start();
        Receiving intake = intake(broker, back, here, catalog);
        Receiving consumer = consumer(broker, orders, back, there);

        JdbcOutbox outbox = JdbcOutbox.of(catalog);
        for (int i = 0; i < 300; i++) {
            String type = i % 50 == 10 ? "troubled" : i % 50 == 20 ? "cursed" : i % 50 == 30 ? "forgotten" : "placed";
            try (Connection connection = here.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                outbox.write(connection, Event.of("order." + type, "key-" + i % 20, "\"" + i + "\""));
                connection.commit();
            }
            if (i == 100) {
                consumer.close();
                consumer = consumer(broker, orders, back, there);
            } else if (i == 200) {
                intake.close();
                intake = intake(broker, back, here, catalog);
            }
        }
        await().atMost(LONG)
                .untilAsserted(
                        () -> assertThat(here.query("select event_type, status, count(*), max(attempts) from orders"
                                        + " group by event_type, status order by 1, 2"))
                                .containsExactly(
                                        "order.cursed|dead|6|3",
                                        "order.forgotten|dead|6|1",
                                        "order.placed|consumed|282|0",
                                        "order.troubled|consumed|6|1"));
        assertThat(here.query("select distinct last_error from orders where event_type = 'order.forgotten'"))
                .allMatch(error -> error.contains("no handler for events of type order.forgotten"));
        assertThat(there.query("select count(*), count(distinct event_id) from effects"))
                .containsExactly("288|288");
        intake.close();
        consumer.close();
    }

    private Receiving intake(SubscribableBroker broker, Route back, TestDatabase here, Catalog catalog) {
        ReceiptProcessor processor = ReceiptProcessor.of(here.dataSource(), catalog.all(o -> o.retry(THREE)));
        return opened(new Receiving(broker.subscribe(back, processor), processor));
    }

    /** Handles placed orders immediately, troubled ones on the second delivery, cursed ones never. */
    private Receiving consumer(SubscribableBroker broker, Route orders, Route back, TestDatabase there) {
        Inbox inbox = Inbox.builder("shop", there.dataSource())
                .on("order.placed", String.class, (text, context) -> effect(context.connection(), context.eventId()))
                .on("order.troubled", String.class, (text, context) -> {
                    if ("0".equals(context.message().headers().get("posthaste-attempts"))) {
                        throw new IllegalStateException("troubled, the first time");
                    }
                    effect(context.connection(), context.eventId());
                })
                .on("order.cursed", String.class, (text, context) -> {
                    throw new IllegalStateException("cursed");
                })
                .unknownTypes(UnknownTypes.DEAD_LETTER)
                .retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(2))
                .afterLastAttempt(AfterLastAttempt.REDELIVER)
                .receipts(Receipts.through(broker, back))
                .build();
        return opened(new Receiving(broker.subscribe(orders, inbox), inbox));
    }

    private static void effect(Connection connection, String eventId) throws java.sql.SQLException {
        try (PreparedStatement insert = connection.prepareStatement("insert into effects (event_id) values (?)")) {
            insert.setString(1, eventId);
            insert.executeUpdate();
        }
    }
}
