package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** The group of a {@link KafkaTopic}: its subscriptions, an inbox for them, and what was handled. */
final class KafkaGroup implements AutoCloseable {
    private final KafkaTopic topic;
    private final TestDatabase database = DatabaseServer.of(Database.H2).createDatabase();
    private final List<AutoCloseable> open = new ArrayList<>();
    final List<String> handled = new CopyOnWriteArrayList<>();

    KafkaGroup(KafkaTopic topic) throws Exception {
        this.topic = topic;
        Schema.create(database.dataSource(), Catalog.empty());
    }

    /** Handles everything except what begins with "bad". */
    Inbox consumer() {
        return consumer((text, context) -> {
            if (text.startsWith("bad")) {
                throw new RejectedEventException("no such customer");
            }
            handled.add(text.substring(0, Math.min(text.length(), 20)));
        });
    }

    Inbox consumer(Handler<String> handler) {
        Inbox inbox = Inbox.builder("audit", database.dataSource())
                .on(KafkaTopic.TYPE, String.class, handler)
                .retry(RetryPolicy.fixed(Duration.ofMillis(10)).attempts(3))
                .build();
        open.add(inbox);
        return inbox;
    }

    Subscription subscribe() {
        return subscribe(topic.settings, consumer());
    }

    Subscription subscribe(KafkaSettings to, Receiver receiver) {
        Subscription subscription = KafkaBroker.of(to).subscribe(topic.route, receiver);
        open.add(0, subscription);
        return subscription;
    }

    void awaitCommitted(KafkaSettings to, int partition, long offset) throws Exception {
        try (Admin admin = Admin.create(to.adminProperties())) {
            await().atMost(KafkaTopic.LONG).untilAsserted(() -> {
                Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(topic.name + "-group")
                        .partitionsToOffsetAndMetadata()
                        .get();
                assertThat(committed)
                        .hasEntrySatisfying(
                                new TopicPartition(topic.name, partition),
                                each -> assertThat(each.offset()).isEqualTo(offset));
            });
        }
    }

    interface Accepting {
        void accept(Delivery delivery);
    }

    static Receiver receiver(Accepting accepting) {
        return new Receiver() {
            @Override
            public String name() {
                return "receiver";
            }

            @Override
            public boolean handles(String eventType) {
                return true;
            }

            @Override
            public void accept(Delivery delivery) {
                accepting.accept(delivery);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        database.close();
    }
}
