package dev.posthaste.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Messages that AMQP or RabbitMQ refuses, among good ones. */
class RabbitHostileMessagesTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    private RabbitQueue rabbit;
    private RabbitBroker broker;

    @BeforeEach
    void open() throws Exception {
        rabbit = new RabbitQueue();
        broker = RabbitBroker.of(rabbit.settings);
        connect();
    }

    /** Connects first: a cold connection may take longer than a message may wait. */
    private void connect() throws Exception {
        while (RabbitQueue.publish(broker, rabbit.message("first", "nobody", Map.of(), new byte[0]))
                instanceof Outcome.Unavailable) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void close() throws Exception {
        broker.close();
        rabbit.close();
    }

    private Outcome publish(Message message) throws Exception {
        return RabbitQueue.publish(broker, message);
    }

    @Test
    void A01_whatAmqpCannotCarryIsRejectedAndNoLaterConfirmBelongsToAnotherMessage() throws Exception {
        String full = rabbit.exchange + "_full";
        rabbit.channel.queueDeclare(
                full, true, false, false, Map.of("x-max-length", 1, "x-overflow", "reject-publish"));
        rabbit.channel.queueBind(full, rabbit.exchange, "full");
        assertThat(publish(rabbit.message("filler", "full", Map.of(), new byte[0])))
                .isEqualTo(Outcome.acknowledged());
        Map<String, String> large = new HashMap<>();
        for (int i = 0; i < 40; i++) {
            large.put("h" + i, "x".repeat(4096));
        }
        Map<String, Message> poison = new HashMap<>();
        poison.put("routing key", rabbit.message("p1", "ü".repeat(200), Map.of(), new byte[0]));
        poison.put("name of a header", rabbit.message("p2", "good", Map.of("n".repeat(300), "v"), new byte[0]));
        poison.put(
                "event type",
                rabbit.message("p3", "good", Map.of("posthaste-event-type", "漢".repeat(86)), new byte[0]));
        poison.put("event id", rabbit.message("i".repeat(256), "good", Map.of(), new byte[0]));
        poison.put(
                "exchange",
                Message.of("e".repeat(256), new byte[0])
                        .routingKey("good")
                        .headers(Map.of("posthaste-event-id", "p5")));
        poison.put("frame", rabbit.message("p6", "good", large, new byte[0]));
        assertThatThrownBy(() -> rabbit.message("p7").headers(nullName()))
                .as("what cannot be encoded is not a message")
                .isInstanceOf(NullPointerException.class);

        List<String> good = new ArrayList<>();
        for (Map.Entry<String, Message> each : poison.entrySet()) {
            CompletableFuture<Outcome> bad = RabbitQueue.send(broker, each.getValue());
            CompletableFuture<Outcome> refused =
                    RabbitQueue.send(broker, rabbit.message("r", "full", Map.of(), new byte[0]));
            good.add("g" + good.size());
            CompletableFuture<Outcome> arrives = RabbitQueue.send(broker, rabbit.message(good.get(good.size() - 1)));

            assertThat(bad.get(30, TimeUnit.SECONDS)).isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
                assertThat(rejected.reason()).contains(each.getKey());
                assertThat(rejected.permanent()).isEqualTo(!each.getKey().equals("frame"));
            });
            assertThat(refused.get(30, TimeUnit.SECONDS))
                    .as("after " + each.getKey())
                    .isEqualTo(Outcome.rejected("RabbitMQ refused it (nack)"));
            assertThat(arrives.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        assertThat(rabbit.take()).containsExactlyElementsOf(good);
        assertThat(rabbit.take(full)).containsExactly("filler");
        rabbit.channel.queueDelete(full);
    }

    private static Map<String, String> nullName() {
        Map<String, String> headers = new HashMap<>();
        headers.put(null, "v");
        return headers;
    }

    @Test
    void A01_theLargestHeadersThatFitAreSentAndHalfASurrogatePairThrowsNothing() throws Exception {
        int frameMax = 131_072;
        int others = 200; // properties, names and lengths
        Message largest = rabbit.message("large", "good", Map.of("h", "x".repeat(frameMax - others)), new byte[] {'x'});
        assertThat(publish(largest)).isEqualTo(Outcome.acknowledged());
        String half = "\uD83D";
        assertThat(publish(rabbit.message("s" + half, "good", Map.of("h" + half, half), new byte[] {'x'})))
                .isEqualTo(Outcome.acknowledged());
        assertThat(rabbit.take()).containsExactly("large", "s?");
    }

    @Test
    void A02_aTextHeaderCcIsRejectedBeforeItCanCloseTheChannel() throws Exception {
        for (String name : List.of("CC", "BCC")) {
            assertThat(publish(rabbit.message("cc", "good", Map.of(name, "a@b.example"), new byte[0])))
                    .isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
                        assertThat(rejected.reason()).contains("reserves", name);
                        assertThat(rejected.permanent()).isTrue();
                    });
        }
        assertThat(publish(rabbit.message("g", "good", Map.of("cc", "a@b.example"), new byte[0])))
                .isEqualTo(Outcome.acknowledged());
    }

    @Test
    void A02_theMessageThatClosesTheChannelIsFoundAndItsNeighboursArrive() throws Exception {
        rabbit.server.control("eval", "application:set_env(rabbit, max_message_size, 100000).");
        try (RabbitBroker limited = RabbitBroker.of(rabbit.settings);
                Publishing publishing = new Publishing(limited)) {
            for (int i = 0; i < 500; i++) {
                boolean poison = i == 200 || i == 300;
                publishing.publish(rabbit.message("m" + i, "good", Map.of(), new byte[poison ? 200_000 : 10]));
            }
            publishing.awaitAll(SOON);
            assertThat(publishing.acknowledged()).hasSize(498);
            assertThat(publishing.rejected())
                    .hasSize(2)
                    .allSatisfy(outcome -> assertThat(((Outcome.Rejected) outcome).reason())
                            .contains("PRECONDITION_FAILED", "100000"));
            assertThat(publishing.outcome("m200")).isInstanceOf(Outcome.Rejected.class);
            List<String> arrived = rabbit.take();
            assertThat(new HashSet<>(arrived)).containsExactlyInAnyOrderElementsOf(publishing.acknowledged());
            assertThat(arrived).hasSizeLessThan(2 * 498); // each is resent at most once per poison message
        } finally {
            rabbit.server.control("eval", "application:set_env(rabbit, max_message_size, 134217728).");
        }
    }

    @Test
    void A02_suspectsThatNeverComeBackHoldNobodyUp() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker through = RabbitBroker.of(RabbitSettings.of(proxy.uri()));
                Publishing publishing = new Publishing(through)) {
            publishing.publish(rabbit.message("warm"));
            publishing.awaitAll(SOON);
            proxy.closeAt("poisonous");
            List<CompletableFuture<Outcome>> suspects = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                String header = i == 25 ? "poisonous" : "good";
                suspects.add(
                        RabbitQueue.send(through, rabbit.message("s" + i, "good", Map.of("h", header), new byte[0])));
            }
            for (CompletableFuture<Outcome> each : suspects) {
                each.get(30, TimeUnit.SECONDS);
            }
            for (int i = 0; i < 1000; i++) {
                publishing.publish(rabbit.message("m" + i));
            }
            publishing.awaitAll(SOON);
            assertThat(publishing.acknowledged()).hasSize(1001);
            assertThat(publishing.unknown).hasValue(0);
        }
    }

    @Test
    void A02_theMessageThatClosesTheWholeConnectionIsFoundAmongTheMessagesOfAllExchanges() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitQueue other = new RabbitQueue();
                RabbitBroker through = RabbitBroker.of(RabbitSettings.of(proxy.uri()));
                Publishing publishing = new Publishing(through)) {
            for (String warm : List.of("w0", "w1")) {
                publishing.publish(rabbit.message("a" + warm));
                publishing.publish(other.message("b" + warm));
                publishing.awaitAll(SOON);
            }
            proxy.closeAt("poisonous");
            for (int i = 0; i < 100; i++) {
                publishing.publish(rabbit.message("a" + i));
                publishing.publish(other.message("b" + i));
                if (i == 50) {
                    publishing.publish(rabbit.message("guilty", "good", Map.of("h", "poisonous"), new byte[0]));
                }
            }
            publishing.awaitAll(SOON);
            assertThat(publishing.outcome("guilty"))
                    .isEqualTo(Outcome.rejected("RabbitMQ refused it: FRAME_ERROR - planned"));
            assertThat(publishing.rejected()).hasSize(1);
            assertThat(new HashSet<>(rabbit.take())).hasSize(102);
            assertThat(new HashSet<>(other.take())).hasSize(102);
        }
    }

    @Test
    void A16_nobodyIsRejectedThatIsInTheQueueWhenTheExchangeIsDeleted() throws Exception {
        assertThat(publish(rabbit.message("warm"))).isEqualTo(Outcome.acknowledged());
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            outcomes.add(RabbitQueue.send(broker, rabbit.message("m" + i)));
            if (i == 1500) {
                rabbit.channel.exchangeDelete(rabbit.exchange);
            }
        }
        Set<String> rejected = new HashSet<>();
        Set<String> acknowledged = new HashSet<>();
        for (int i = 0; i < 3000; i++) {
            Outcome outcome = outcomes.get(i).get(30, TimeUnit.SECONDS);
            if (outcome instanceof Outcome.Rejected refused) {
                // The server removes an exchange's bindings first.
                assertThat(refused.reason()).contains(rabbit.exchange).containsAnyOf("NOT_FOUND", "NO_ROUTE");
                rejected.add("m" + i);
            } else if (outcome == Outcome.acknowledged()) {
                acknowledged.add("m" + i);
            }
        }
        Set<String> arrived = new HashSet<>(rabbit.take());
        assertThat(rejected).isNotEmpty().doesNotContainAnyElementsOf(arrived);
        assertThat(arrived).containsAll(acknowledged);
    }

    @Test
    void A20_thousandsOfMessagesForAMissingExchangeOpenFewChannels() throws Exception {
        try (AnswerProxy proxy = new AnswerProxy(rabbit.server.port());
                RabbitBroker through = RabbitBroker.of(RabbitSettings.of(proxy.uri()));
                Publishing publishing = new Publishing(through)) {
            for (int i = 0; i < 3000; i++) {
                publishing.publish(Message.of(rabbit.exchange + "_missing", new byte[0])
                        .routingKey("x")
                        .headers(Map.of("posthaste-event-id", "m" + i)));
            }
            publishing.awaitAll(SOON);
            assertThat(publishing.rejected()).hasSize(3000);
            assertThat(publishing.unknown).hasValue(0);
            assertThat(proxy.connections).hasValue(1);
            assertThat(proxy.missing).hasValueLessThan(300);
        }
    }

    @Test
    void A19_unroutableMessagesAreRejectedWhateverTheirIdIs() throws Exception {
        String half = "\uD83D";
        List<CompletableFuture<Outcome>> lost = new ArrayList<>();
        List<CompletableFuture<Outcome>> arriving = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            Map<String, String> none = Map.of();
            byte[] body = {(byte) i};
            lost.add(RabbitQueue.send(
                    broker,
                    Message.of(rabbit.exchange, body).routingKey("nobody").headers(none)));
            arriving.add(RabbitQueue.send(
                    broker, Message.of(rabbit.exchange, body).routingKey("good").headers(none)));
            lost.add(RabbitQueue.send(broker, rabbit.message(half + i, "nobody" + half, Map.of(), body)));
            lost.add(RabbitQueue.send(broker, rabbit.message("same", "nobody", Map.of(), body)));
            arriving.add(RabbitQueue.send(broker, rabbit.message("same", "good", Map.of(), body)));
        }
        for (CompletableFuture<Outcome> each : lost) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Rejected.class);
        }
        for (CompletableFuture<Outcome> each : arriving) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        assertThat(rabbit.take()).hasSize(arriving.size());
    }

    @Test
    void moreExchangesThanChannelsShareThem() throws Exception {
        try (RabbitBroker narrow =
                        RabbitBroker.of(rabbit.settings.client(factory -> factory.setRequestedChannelMax(4)));
                Publishing publishing = new Publishing(narrow)) {
            List<String> exchanges = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                String exchange = rabbit.exchange + "_" + i;
                exchanges.add(exchange);
                rabbit.channel.exchangeDeclare(exchange, "direct", false, true, Map.of());
                rabbit.channel.queueBind(rabbit.queue, exchange, "good");
            }
            for (int i = 0; i < 200; i++) {
                publishing.publish(Message.of(exchanges.get(i % 20), new byte[0])
                        .routingKey("good")
                        .headers(Map.of("posthaste-event-id", "m" + i)));
            }
            publishing.awaitAll(SOON);
            assertThat(publishing.acknowledged()).hasSize(200);
            assertThat(rabbit.take()).hasSize(200);
        }
    }

    @Test
    void S2_anErrorFromACallbackHarmsNoOther() throws Exception {
        Thread publisher = thread("posthaste-rabbitmq-publisher");
        broker.publish(rabbit.message("c"), outcome -> {
            throw new StackOverflowError("planned");
        });
        broker.publish(rabbit.message("d"), outcome -> {
            throw new OutOfMemoryError("planned");
        });
        broker.publish(rabbit.message("p", "ü".repeat(200), Map.of(), new byte[0]), outcome -> {
            throw new AssertionError("planned");
        });
        assertThat(publish(rabbit.message("after"))).isEqualTo(Outcome.acknowledged());
        assertThat(publisher.isAlive()).isTrue();
        assertThat(broker.healthy()).isTrue();
        assertThat(rabbit.take()).containsExactly("c", "d", "after");
    }

    private static Thread thread(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
