package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.Proxy;
import dev.posthaste.servers.RabbitServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.BrokerContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RabbitBrokerTest extends BrokerContract {
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final RabbitServer server = RabbitServer.shared();

    private final String name = "t" + ProcessHandle.current().pid() + "_" + NEXT.incrementAndGet();
    private final Route route =
            Route.to(name + "_exchange").routingKey(name + "_key").group(name + "_queue");
    private final RabbitSettings settings =
            RabbitSettings.of(server.uri()).declare(true).prefetch(100);
    private final TestDatabase database = DatabaseServer.of(Database.H2).createDatabase();
    private final List<Subscription> subscriptions = new ArrayList<>();

    @Override
    protected DataSource newDatabase() {
        return database.dataSource();
    }

    @Override
    protected Broker open() throws Exception {
        RabbitBroker opened = RabbitBroker.of(settings);
        opened.prepare(route);
        // A cold start may take longer than a message may wait for its turn.
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            CompletableFuture<Outcome> outcome = new CompletableFuture<>();
            opened.publish(unroutable(), outcome::complete);
            return outcome.get() instanceof Outcome.Rejected;
        });
        return opened;
    }

    @Override
    protected void subscribe(Receiver consumer) {
        Subscription subscription = RabbitBroker.of(settings).subscribe(route, consumer);
        subscriptions.add(subscription);
        await().atMost(Duration.ofSeconds(30)).until(subscription::healthy);
    }

    @Override
    protected Message message(Map<String, String> headers, @Nullable String key, byte[] body) {
        return Message.of(name + "_exchange", body)
                .routingKey(name + "_key")
                .key(key)
                .headers(headers);
    }

    @Override
    protected Message unroutable() {
        return Message.of(name + "_exchange", new byte[0])
                .routingKey("nobody")
                .headers(Map.of(MessageHeaders.EVENT_ID, "u"));
    }

    @Override
    protected List<String> deadLetters(List<Outcome> outcomes) throws Exception {
        try (Connection connection = settings.connectionFactory().newConnection()) {
            Channel channel = connection.createChannel();
            List<String> errors = new ArrayList<>();
            for (GetResponse got = get(channel); got != null; got = get(channel)) {
                Map<String, Object> headers = got.getProps().getHeaders();
                assertThat(headers)
                        .containsKeys(MessageHeaders.ERROR_STACK, MessageHeaders.ERROR_CONSUMER)
                        .extractingByKey(MessageHeaders.ERROR_ORIGIN)
                        .hasToString(name + "_queue");
                errors.add(String.valueOf(headers.get(MessageHeaders.ERROR)));
            }
            return errors;
        }
    }

    /** Does not acknowledge: the message stays. */
    private GetResponse get(Channel channel) throws Exception {
        return channel.basicGet(name + "_queue_error", false);
    }

    @Override
    protected void close() throws Exception {
        subscriptions.forEach(Subscription::close);
        database.close();
        admin(channel -> {
            channel.exchangeDelete(name + "_exchange");
            channel.queueDelete(name + "_queue");
            channel.queueDelete(name + "_queue_error");
        });
    }

    private interface Work {
        void run(Channel channel) throws Exception;
    }

    private void admin(Work work) throws Exception {
        try (Connection connection = settings.connectionFactory().newConnection()) {
            work.run(connection.createChannel());
        }
    }

    private CompletableFuture<Outcome> send(Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    private long queued() throws Exception {
        long[] count = new long[1];
        admin(channel -> count[0] = channel.messageCount(name + "_queue"));
        return count[0];
    }

    @Test
    void H19_anUnroutableMessageIsRejectedThoughItWasConfirmed() throws Exception {
        assertThat(publish(message("1", "k", "x"))).isEqualTo(Outcome.acknowledged());
        admin(channel -> channel.queueUnbind(name + "_queue", name + "_exchange", name + "_key"));
        assertThat(publish(message("2", "k", "x"))).isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
            assertThat(rejected.reason()).contains(name + "_exchange", name + "_key");
            assertThat(rejected.permanent()).isFalse();
        });
        admin(channel -> channel.queueBind(name + "_queue", name + "_exchange", name + "_key"));
        assertThat(publish(message("2", "k", "x"))).isEqualTo(Outcome.acknowledged());
        assertThat(queued()).isEqualTo(2);
    }

    @Test
    void H20_aMissingExchangeRejectsItsOwnMessagesOnly() throws Exception {
        List<CompletableFuture<Outcome>> good = new ArrayList<>();
        List<CompletableFuture<Outcome>> bad = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            good.add(send(message("g" + i, "k" + i, "x")));
            bad.add(send(Message.of(name + "_missing", new byte[0])
                    .routingKey("x")
                    .key("b" + i)
                    .headers(Map.of(MessageHeaders.EVENT_ID, "b" + i))));
        }
        for (CompletableFuture<Outcome> each : good) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        for (CompletableFuture<Outcome> each : bad) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isNotEqualTo(Outcome.acknowledged());
        }
        assertThat(bad.get(0).join())
                .isInstanceOfSatisfying(
                        Outcome.Rejected.class,
                        rejected -> assertThat(rejected.reason()).contains(name + "_missing"));
        assertThat(queued()).isEqualTo(50);
    }

    @Test
    void H21_aBlockedServerIsUnavailableAndComesBack() throws Exception {
        assertThat(publish(message("1", "k", "x"))).isEqualTo(Outcome.acknowledged());
        server.control("set_vm_memory_high_watermark", "0");
        try {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> publish(message("2", "k", "x")) instanceof Outcome.Unavailable);
        } finally {
            server.control("set_vm_memory_high_watermark", "0.4");
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> publish(message("3", "k", "x")) == Outcome.acknowledged());
    }

    @Test
    void H22_aServerThatTakesMessagesAndConfirmsNoneLosesItsConnection() throws Exception {
        assertThat(publish(message("1", "k", "x"))).isEqualTo(Outcome.acknowledged());
        server.signal("STOP");
        try {
            List<CompletableFuture<Outcome>> open = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                open.add(send(message("f" + i, "k" + i, "x")));
            }
            for (CompletableFuture<Outcome> each : open) {
                assertThat(each.get(30, TimeUnit.SECONDS)).isNotEqualTo(Outcome.acknowledged());
            }
            assertThat(open.get(0).join()).isInstanceOf(Outcome.Unknown.class);
        } finally {
            server.signal("CONT");
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> publish(message("3", "k", "x")) == Outcome.acknowledged());
    }

    @Test
    void H22_aNetworkThatIsCutBothWaysWithoutAResetIsLeftAndFoundAgain() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        try (Proxy network = new Proxy(server.port())) {
            RabbitSettings through = RabbitSettings.of("amqp://guest:guest@127.0.0.1:" + network.port())
                    .confirmTimeout(Duration.ofSeconds(2));
            try (RabbitBroker cut = RabbitBroker.of(through.prefetch(100))) {
                subscriptions.add(cut.subscribe(
                        route,
                        consumer(
                                inbox((text, context) -> handled.add(text)),
                                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10))));
                assertThat(publish(cut, "before")).isEqualTo(Outcome.acknowledged());
                network.hold(true, true);
                long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
                assertThat(publish(cut, "meanwhile")).isInstanceOf(Outcome.Unknown.class);
                while (System.nanoTime() < end) {
                    assertThat(publish(cut, "meanwhile")).isNotEqualTo(Outcome.acknowledged());
                    Thread.sleep(500);
                }
                network.heal();
                await().atMost(Duration.ofSeconds(20)).until(() -> publish(cut, "after") == Outcome.acknowledged());
                await().atMost(Duration.ofSeconds(20)).until(() -> handled.containsAll(List.of("before", "after")));
            }
            assertThat(handled).doesNotHaveDuplicates();
        }
    }

    /** Fails unless the outcome arrives in time. */
    private Outcome publish(Broker through, String text) throws Exception {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        through.publish(message(text, "k", text), outcome::complete);
        return outcome.get(30, TimeUnit.SECONDS);
    }

    @Test
    void aKilledServerLosesNothingThatItConfirmedAndIsFoundAgain() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> handled.add(text)),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10)));
        List<String> confirmed = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            if (i == 50) {
                server.kill();
                assertThat(publish(message("away", "k", "away"))).isNotEqualTo(Outcome.acknowledged());
                server.startAgain();
            }
            String id = "e" + i;
            await().atMost(Duration.ofSeconds(60)).until(() -> publish(message(id, "k", id)) == Outcome.acknowledged());
            confirmed.add(id);
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> handled.containsAll(confirmed));
        assertThat(handled.stream().filter(confirmed::contains)).containsExactlyElementsOf(confirmed);
    }

    @Test
    void H24_aConsumerThatIsClosedWithAFullPrefetchLosesAndReordersNothing() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> {
                    Thread.sleep(5);
                    handled.add(text);
                }),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10)));
        for (int i = 0; i < 200; i++) {
            assertThat(publish(message("e" + i, "k" + i % 2, i % 2 + ":" + i))).isEqualTo(Outcome.acknowledged());
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.size() > 20);
        subscriptions.get(0).close();
        subscribe(consumer(
                inbox((text, context) -> handled.add(text)),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10)));
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.size() == 200);
        for (int key = 0; key < 2; key++) {
            String prefix = key + ":";
            assertThat(handled.stream()
                            .filter(text -> text.startsWith(prefix))
                            .map(text -> Integer.parseInt(text.substring(2)))
                            .toList())
                    .isSorted();
        }
    }

    @Test
    void H23_aMessageThatComesBackMoreOftenThanAnyLimitIsNotLost() throws Exception {
        assertThat(publish(message("1", "k", "stubborn"))).isEqualTo(Outcome.acknowledged());
        for (int i = 0; i < 25; i++) { // RabbitMQ's own limit, for queues that have one, is 20
            CompletableFuture<String> begun = new CompletableFuture<>();
            subscribe(consumer(
                    inbox((text, context) -> {
                        begun.complete(text);
                        throw new IllegalStateException("not this time");
                    }),
                    RetryPolicy.exponential(Duration.ofSeconds(30), Duration.ofSeconds(30))
                            .forever()));
            assertThat(begun.get(30, TimeUnit.SECONDS)).isEqualTo("stubborn");
            subscriptions.remove(0).close();
        }
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> handled.add(text)),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(10)));
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.equals(List.of("stubborn")));
        assertThat(deadLetters(List.of())).isEmpty();
    }

    @Test
    void H42_anEventThatNobodyHandlesGoesToTheErrorQueueAndTheOthersGoOn() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> handled.add(text)),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(3)));
        Map<String, String> unknown =
                Map.of(MessageHeaders.EVENT_ID, "u", MessageHeaders.EVENT_TYPE, "order.forgotten");
        publish(message(unknown, "k", new byte[] {'x'}));
        publish(message("g", "k", "good"));
        await().atMost(Duration.ofSeconds(30)).until(() -> handled.equals(List.of("good")));
        admin(channel -> {
            GetResponse dead = channel.basicGet(name + "_queue_error", true);
            assertThat(dead.getProps().getHeaders().get(MessageHeaders.ERROR))
                    .asString()
                    .contains("no handler", "order.forgotten");
        });
    }

    @Test
    void H47_aBadUriIsRefusedWithoutItsPassword() {
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> RabbitBroker.of(RabbitSettings.of("amqp://user:s3cret@host:notaport")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host")
                .hasMessageNotContaining("s3cret");
        assertThat(RabbitSettings.of("amqp://user:s3cret@host").toString()).doesNotContain("s3cret");
    }
}
