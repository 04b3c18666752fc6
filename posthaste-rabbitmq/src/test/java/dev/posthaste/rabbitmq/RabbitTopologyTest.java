package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import dev.posthaste.servers.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a broker declares for the routes announced to it, and when it finishes what it began. */
class RabbitTopologyTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private RabbitQueue own;
    private Route route;
    private RabbitSettings declaring;

    @BeforeEach
    void open() throws Exception {
        own = new RabbitQueue();
        route = Route.exchange(own.exchange + "_new").routingKey("key").queue(own.queue + "_new");
        declaring = own.settings.declare(true);
    }

    @AfterEach
    void close() throws Exception {
        own.channel.queueDelete(own.queue + "_new");
        own.channel.queueDelete(RabbitBroker.errorQueue(own.queue + "_new"));
        own.channel.queueDelete(RabbitBroker.errorQueue(own.queue));
        own.channel.exchangeDelete(own.exchange + "_new");
        own.close();
    }

    private Message toRoute() {
        return Message.of(route.destination(), new byte[] {'x'}).routingKey("key");
    }

    private static void publishes(RabbitBroker broker, Message message) {
        await().atMost(LONG).until(() -> RabbitQueue.publish(broker, message).equals(Outcome.acknowledged()));
    }

    /** Records what it received, and whether it was closed. */
    private static final class Recorder implements Receiver {
        final List<Delivery> got = new CopyOnWriteArrayList<>();
        volatile boolean closed;

        @Override
        public String name() {
            return "recorder";
        }

        @Override
        public boolean handles(String eventType) {
            return true;
        }

        @Override
        public void accept(Delivery delivery) {
            got.add(delivery);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    void aRouteThatItIsToldOfIsDeclaredBeforeTheNextMessageAndAgainOnEveryConnection() throws Exception {
        try (Proxy network = new Proxy(own.server.port());
                RabbitBroker broker =
                        RabbitBroker.of(RabbitSettings.of("amqp://guest:guest@127.0.0.1:" + network.port())
                                .declare(true))) {
            publishes(broker, own.message("1"));
            broker.prepare(route);
            broker.prepare(route);
            assertThat(RabbitQueue.publish(broker, toRoute())).isEqualTo(Outcome.acknowledged());
            assertThat(own.channel.messageCount(RabbitBroker.errorQueue(own.queue + "_new")))
                    .isZero();
            own.channel.exchangeDelete(route.destination());
            network.reset();
            await().atMost(LONG).until(() -> !broker.healthy());
            publishes(broker, toRoute());
        }
    }

    @Test
    void aRouteThatIsRefusedStopsOnlyItsOwnExchangeUntilItCanBeDeclared() throws Exception {
        own.channel.queueDeclare(own.queue + "_new", false, true, false, Map.of()); // exclusive to this connection
        try (AnswerProxy network = new AnswerProxy(own.server.port());
                RabbitBroker broker =
                        RabbitBroker.of(RabbitSettings.of(network.uri()).declare(true))) {
            broker.prepare(Route.exchange("amq.reserved").queue(own.queue));
            publishes(broker, own.message("1"));
            broker.prepare(route);
            assertThat(RabbitQueue.publish(broker, toRoute()))
                    .isInstanceOfSatisfying(
                            Outcome.Unavailable.class,
                            outcome -> assertThat(outcome.reason())
                                    .contains(route.destination(), "could not be declared", "RESOURCE_LOCKED"));
            assertThat(RabbitQueue.publish(broker, own.message("2"))).isEqualTo(Outcome.acknowledged());
            assertThat(broker.healthy()).isTrue();
            own.channel.queueDelete(own.queue + "_new");
            publishes(broker, toRoute());
            assertThat(network.connections).hasValue(1);
        }
        assertThat(own.take()).containsExactly("1", "2");
    }

    @Test
    void unlessItIsSaidNothingIsDeclared() throws Exception {
        try (RabbitBroker broker = RabbitBroker.of(own.settings)) {
            broker.prepare(route);
            await().atMost(LONG).until(() -> RabbitQueue.publish(broker, toRoute()) instanceof Outcome.Rejected);
        }
    }

    @Test
    void whatExistsStaysAsItIs() throws Exception {
        own.channel.exchangeDeclare(route.destination(), "topic", true);
        try (RabbitBroker broker = RabbitBroker.of(declaring)) {
            broker.prepare(route);
            broker.prepare(Route.exchange(own.exchange).routingKey("good").queue(own.queue));
            publishes(broker, toRoute());
            publishes(broker, own.message("1"));
        }
        own.channel.exchangeDeclare(route.destination(), "topic", true);
    }

    @Test
    void aServerThatIsAwayHoldsUpNeitherTheCallerNorTheClose() throws Exception {
        long start = System.nanoTime();
        try (RabbitBroker broker =
                RabbitBroker.of(RabbitSettings.of("amqp://127.0.0.1:1").declare(true))) {
            broker.prepare(route);
            Subscription subscription = broker.subscribe(route, new Recorder());
            assertThat(RabbitQueue.publish(broker, toRoute())).isInstanceOf(Outcome.Unavailable.class);
            assertThat(subscription.healthy()).isFalse();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void aSubscriptionDeclaresItsRouteAndEndsWithItsBrokerWhileItsReceiverStaysOpen() throws Exception {
        Recorder receiver = new Recorder();
        RabbitBroker broker = RabbitBroker.of(declaring);
        Subscription subscription = broker.subscribe(route, receiver);
        await().atMost(LONG).until(subscription::healthy);
        publishes(broker, toRoute());
        await().atMost(LONG).until(() -> receiver.got.size() == 1);
        receiver.got.get(0).done();
        broker.close();
        broker.close();
        assertThat(subscription.healthy()).isFalse();
        subscription.close();
        assertThat(receiver.closed).isFalse();
        assertThatThrownBy(() -> broker.subscribe(route, receiver)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSubscriptionThatIsClosedWaitsForWhatHasBegunAndBeginsNothingElse() throws Exception {
        Recorder receiver = new Recorder();
        try (RabbitBroker broker = RabbitBroker.of(own.settings)) {
            publishes(broker, own.message("1"));
            publishes(broker, own.message("2"));
            Subscription subscription =
                    broker.subscribe(Route.exchange(own.exchange).queue(own.queue), receiver);
            await().atMost(LONG).until(() -> receiver.got.size() == 2);
            assertThat(receiver.got.get(0).wanted()).isTrue();
            Thread closing = new Thread(subscription::close);
            closing.start();
            await().atMost(LONG).until(() -> !subscription.healthy());
            await().atMost(LONG).until(() -> !receiver.got.get(1).wanted());
            receiver.got.get(0).done();
            closing.join();
        }
        assertThat(own.take()).containsExactly("2");
    }

    @Test
    void aRouteWithoutAQueueCannotBeSubscribedTo() {
        try (RabbitBroker broker = RabbitBroker.of(own.settings)) {
            assertThatThrownBy(() -> broker.subscribe(Route.exchange("e"), new Recorder()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("queue");
        }
    }

    @Test
    void settingsAreValues() {
        RabbitSettings one = RabbitSettings.of("amqp://user:s3cret@host").prefetch(3);
        assertThat(one)
                .isEqualTo(RabbitSettings.of("amqp://user:s3cret@host").prefetch(3))
                .hasSameHashCodeAs(RabbitSettings.of("amqp://user:s3cret@host").prefetch(3))
                .isNotEqualTo(one.declare(true));
        assertThat(one.toString()).contains("host").doesNotContain("s3cret");
        assertThatThrownBy(() -> one.prefetch(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.prefetch(65_536)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.confirmWindow(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.confirmTimeout(Duration.ofMillis(3))).isInstanceOf(IllegalArgumentException.class);
        assertThat(Map.of(one, 1)).containsKey(one);
    }
}
