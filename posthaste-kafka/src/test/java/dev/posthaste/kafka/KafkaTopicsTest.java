package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a broker creates for the routes announced to it, and when it finishes what it began. */
class KafkaTopicsTest {
    private final KafkaTopic topic = new KafkaTopic();
    private final KafkaSettings creating = topic.settings.createTopics(2, 1);
    private final Message message = Message.of(topic.name, new byte[] {'x'}).key("k");

    @AfterEach
    void close() throws Exception {
        topic.close();
    }

    private Set<String> topics() throws Exception {
        try (Admin admin = Admin.create(topic.settings.adminProperties())) {
            return admin.listTopics().names().get();
        }
    }

    @Test
    void aRouteThatItIsToldOfGetsItsTopicsAndNoMessageIsRefusedMeanwhile() throws Exception {
        List<Outcome> outcomes = new CopyOnWriteArrayList<>();
        try (KafkaBroker broker = KafkaBroker.of(creating)) {
            broker.prepare(topic.route);
            broker.prepare(topic.route);
            await().atMost(KafkaTopic.LONG).until(() -> {
                Outcome outcome = KafkaTopic.publish(broker, message);
                outcomes.add(outcome);
                return outcome.equals(Outcome.acknowledged());
            });
            await().atMost(KafkaTopic.LONG).until(() -> topics().contains(topic.deadLetterTopic));
            assertThat(KafkaTopic.publish(broker, Message.of(topic.name + ".other", new byte[0])))
                    .isInstanceOf(Outcome.Rejected.class);
        }
        assertThat(outcomes).noneMatch(Outcome.Rejected.class::isInstance);
    }

    @Test
    void unlessItIsSaidNothingIsCreated() throws Exception {
        try (KafkaBroker broker = KafkaBroker.of(topic.settings)) {
            broker.prepare(topic.route);
            assertThat(KafkaTopic.publish(broker, message)).isInstanceOf(Outcome.Rejected.class);
        }
        assertThat(topics()).noneMatch(each -> each.startsWith(topic.name));
    }

    @Test
    void aClusterThatIsAwayHoldsUpNeitherTheCallerNorTheClose() throws Exception {
        KafkaSettings nowhere =
                KafkaSettings.of("127.0.0.1:1").createTopics(1, 1).deliveryTimeout(Duration.ofMillis(500));
        long start = System.nanoTime();
        try (KafkaBroker broker = KafkaBroker.of(nowhere)) {
            broker.prepare(topic.route);
            Subscription subscription = broker.subscribe(topic.route, KafkaGroup.receiver(delivery -> {}));
            assertThat(KafkaTopic.publish(broker, message)).isInstanceOf(Outcome.Unavailable.class);
            assertThat(subscription.healthy()).isFalse();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void aSubscriptionCreatesWhatItNeedsAndEndsWithItsBrokerWhileItsReceiverStaysOpen() throws Exception {
        List<String> received = new CopyOnWriteArrayList<>();
        Receiver plain = KafkaGroup.receiver(delivery -> {
            received.add(String.valueOf(delivery.message().key()));
            delivery.done();
        });
        List<String> closed = new CopyOnWriteArrayList<>();
        Receiver receiver = new Receiver() {
            @Override
            public String name() {
                return plain.name();
            }

            @Override
            public boolean handles(String eventType) {
                return true;
            }

            @Override
            public void accept(Delivery delivery) {
                plain.accept(delivery);
            }

            @Override
            public void close() {
                closed.add("closed");
            }
        };
        KafkaBroker broker = KafkaBroker.of(creating);
        assertThat(broker.healthy()).as("as far as is known").isTrue();
        Subscription subscription = broker.subscribe(topic.route, receiver);
        await().atMost(KafkaTopic.LONG).until(subscription::healthy);
        assertThat(KafkaTopic.publish(broker, message)).isEqualTo(Outcome.acknowledged());
        await().atMost(KafkaTopic.LONG).until(() -> received.equals(List.of("k")));
        broker.close();
        broker.close();
        assertThat(subscription.healthy()).isFalse();
        subscription.close();
        assertThat(closed).isEmpty();
        assertThatThrownBy(() -> broker.subscribe(topic.route, receiver)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void allSubscriptionsBeginNothingMoreBeforeOneIsWaitedFor() throws Exception {
        try (KafkaTopic other = new KafkaTopic()) {
            List<Delivery> first = new CopyOnWriteArrayList<>();
            List<Delivery> second = new CopyOnWriteArrayList<>();
            KafkaBroker broker = KafkaBroker.of(creating);
            broker.subscribe(topic.route, KafkaGroup.receiver(first::add));
            broker.subscribe(other.route, KafkaGroup.receiver(second::add));
            for (KafkaTopic each : List.of(topic, other)) {
                Message to = Message.of(each.name, new byte[] {'x'}).key("k");
                await().atMost(KafkaTopic.LONG)
                        .until(() -> KafkaTopic.publish(broker, to).equals(Outcome.acknowledged()));
                KafkaTopic.publish(broker, to);
            }
            await().atMost(KafkaTopic.LONG).until(() -> first.size() >= 2 && second.size() >= 2);
            assertThat(first.get(0).wanted()).isTrue(); // its handler does not end
            assertThat(second.get(0).wanted()).isTrue();
            long start = System.nanoTime();
            Thread closing = new Thread(broker::close);
            closing.start();
            await().atMost(Duration.ofSeconds(4)).until(() -> !second.get(1).wanted());
            assertThat(closing.isAlive()).isTrue();
            closing.join();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
        }
    }

    @Test
    void aRouteWithoutAGroupCannotBeSubscribedTo() {
        try (KafkaBroker broker = KafkaBroker.of(topic.settings)) {
            assertThatThrownBy(() -> broker.subscribe(Route.topic("t"), KafkaGroup.receiver(delivery -> {})))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("group");
        }
    }

    @Test
    void settingsAreValues() {
        KafkaSettings one = KafkaSettings.of("host:9092").client(Map.of("sasl.jaas.config", "s3cret"));
        KafkaSettings two = KafkaSettings.of("host:9092").client(Map.of("sasl.jaas.config", "s3cret"));
        assertThat(one).isEqualTo(two).hasSameHashCodeAs(two);
        assertThat(one).isNotEqualTo(one.prefetch(3)).isNotEqualTo(KafkaSettings.of("host:9092"));
        assertThat(one.toString()).contains("host:9092", "sasl.jaas.config").doesNotContain("s3cret");
        assertThatThrownBy(() -> one.createTopics(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.createTopics(1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.deliveryTimeout(Duration.ofMillis(99)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
