package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.servers.KafkaServer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.NotEnoughReplicasAfterAppendException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.internals.KafkaFutureImpl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How publishing copes with a client that throws, blocks or never answers. The server is real and healthy. */
class KafkaFaultsTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final String topic = "faults-" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
    private final String sick = topic + "-sick";
    private final KafkaSettings settings = KafkaSettings.of(KafkaServer.shared().bootstrap())
            .deliveryTimeout(Duration.ofSeconds(2))
            .topicCheck(Duration.ofSeconds(30));
    private final KafkaClients.Source real = KafkaClients.Source.of(settings);

    @BeforeEach
    void createTopics() {
        KafkaTopics.create(settings, 1, 1, Route.to(topic), Route.to(sick));
    }

    private static Message message(String topic, String id) {
        return Message.of(topic, id.getBytes(StandardCharsets.UTF_8))
                .key(id)
                .headers(Map.of(MessageHeaders.EVENT_ID, id));
    }

    private static CompletableFuture<Outcome> send(KafkaBroker broker, Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    private static Outcome publish(KafkaBroker broker, Message message) throws Exception {
        return send(broker, message).get(30, TimeUnit.SECONDS);
    }

    private static void acknowledge(KafkaBroker broker, Message message) {
        await().atMost(LONG).until(() -> publish(broker, message) == Outcome.acknowledged());
    }

    // --- A faulty client ---------------------------------------------------------------------------------------------

    /** What a call does; null to call the real client. */
    @FunctionalInterface
    private interface Fault {
        @Nullable
        Object of(String method, Object[] arguments) throws Throwable;
    }

    @SuppressWarnings("unchecked")
    private static <T> T faulty(Class<T> type, T client, Fault fault) {
        return (T) Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            Object result = fault.of(method.getName(), arguments == null ? new Object[0] : arguments);
            if (result != null) {
                return result;
            }
            try {
                return method.invoke(client, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** Producers with these faults, one after another; then producers without faults. */
    private KafkaClients.Source producers(Fault... faults) {
        AtomicInteger made = new AtomicInteger();
        return new KafkaClients.Source() {
            @Override
            @SuppressWarnings("unchecked")
            public Producer<byte[], byte[]> producer() {
                int number = made.getAndIncrement();
                return number < faults.length
                        ? faulty(Producer.class, real.producer(), faults[number])
                        : real.producer();
            }

            @Override
            public TopicLookup lookup() {
                return real.lookup();
            }
        };
    }

    private KafkaClients.Source lookups(Fault... faults) {
        AtomicInteger made = new AtomicInteger();
        return new KafkaClients.Source() {
            @Override
            public Producer<byte[], byte[]> producer() {
                return real.producer();
            }

            @Override
            public TopicLookup lookup() {
                int number = made.getAndIncrement();
                return number < faults.length
                        ? new TopicLookup(faulty(Admin.class, Admin.create(settings.adminProperties()), faults[number]))
                        : real.lookup();
            }
        };
    }

    private static final class Silent extends DescribeTopicsResult {
        Silent(String topic) {
            super(null, Map.<String, KafkaFuture<TopicDescription>>of(topic, new KafkaFutureImpl<>()));
        }
    }

    private static final class Unknown extends DescribeTopicsResult {
        Unknown(String topic) {
            super(null, Map.of(topic, failed()));
        }

        private static KafkaFuture<TopicDescription> failed() {
            KafkaFutureImpl<TopicDescription> future = new KafkaFutureImpl<>();
            future.completeExceptionally(new UnknownTopicOrPartitionException("planned"));
            return future;
        }
    }

    /** An answer that takes longer than a first lookup may take. */
    private static final class Late extends DescribeTopicsResult {
        Late(String topic) {
            super(null, Map.of(topic, after(3, description(topic))));
        }

        private static TopicDescription description(String topic) {
            Node node = new Node(0, "localhost", 1);
            return new TopicDescription(
                    topic, false, List.of(new TopicPartitionInfo(0, node, List.of(node), List.of(node))));
        }

        private static <T> KafkaFuture<T> after(int seconds, T answer) {
            KafkaFutureImpl<T> future = new KafkaFutureImpl<>();
            var unused = new CompletableFuture<T>()
                    .completeOnTimeout(answer, seconds, TimeUnit.SECONDS)
                    .thenAccept(future::complete);
            return future;
        }
    }

    // --- S2: Throwable -----------------------------------------------------------------------------------------------

    @Test
    void S02_aCallbackThatThrowsAnErrorSilencesNobodyElse() throws Exception {
        try (KafkaBroker broker = KafkaBroker.of(settings)) {
            acknowledge(broker, message(topic, "first"));
            CountDownLatch called = new CountDownLatch(2);
            for (String destination : List.of(topic, topic + "-missing")) { // the client's thread, and the publisher's
                broker.publish(message(destination, "bad"), outcome -> {
                    called.countDown();
                    throw new StackOverflowError("a callback with a bug");
                });
            }
            assertThat(called.await(30, TimeUnit.SECONDS)).isTrue();
            acknowledge(broker, message(topic, "next"));
            assertThat(publish(broker, message(topic + "-missing", "x"))).isInstanceOf(Outcome.Rejected.class);
            assertThat(broker.healthy()).isTrue();
        }
    }

    @Test
    void S02_aClientThatThrowsAnErrorIsReplacedAndItsMessageIsAnswered() throws Exception {
        Fault outOfMemory = (method, arguments) -> {
            if (method.equals("send")) {
                throw new OutOfMemoryError("as if");
            }
            return null;
        };
        try (KafkaBroker broker = new KafkaBroker(settings, producers(outOfMemory, outOfMemory))) {
            await().atMost(LONG).until(() -> publish(broker, message(topic, "1")) instanceof Outcome.Unknown);
            acknowledge(broker, message(topic, "1"));
            assertThat(broker.healthy()).isTrue();
        }
    }

    @Test
    void S02_aClientWhoseThreadIsDeadIsReplacedAndWhatItHadIsUnknown() throws Exception {
        Fault silent = (method, arguments) -> method.equals("send") ? new CompletableFuture<>() : null;
        try (KafkaBroker broker = new KafkaBroker(settings, producers(silent))) {
            List<CompletableFuture<Outcome>> lost = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                lost.add(send(broker, message(topic, "lost" + i)));
            }
            for (CompletableFuture<Outcome> each : lost) {
                assertThat(each.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Unknown.class);
            }
            acknowledge(broker, message(topic, "next"));
            assertThat(broker.healthy()).isTrue();
        }
    }

    @Test
    void S02_aClientThatDoesNotCloseHoldsTheStopUpForABoundedTimeAndLeavesNothingUnanswered() throws Exception {
        CountDownLatch forever = new CountDownLatch(1);
        Fault stuck = (method, arguments) -> {
            if (method.equals("close")) {
                forever.await();
            }
            return method.equals("send") ? new CompletableFuture<>() : null;
        };
        KafkaBroker broker = new KafkaBroker(settings, producers(stuck));
        CompletableFuture<Outcome> sent = send(broker, message(topic, "1"));
        await().pollDelay(Duration.ofMillis(500)).until(() -> true);
        CompletableFuture<Outcome> waiting = send(broker, message(topic, "2"));
        long start = System.nanoTime();
        broker.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
        assertThat(sent).isDone();
        assertThat(waiting).isDone();
        assertThat(publish(broker, message(topic, "late"))).isInstanceOf(Outcome.Unavailable.class);
        assertThat(broker.healthy()).isFalse();
        forever.countDown();
    }

    @Test
    void S02_aSlowStartOfTheClientsIsNoReasonToRefuseAMessage() throws Exception {
        KafkaSettings usual = KafkaSettings.of(KafkaServer.shared().bootstrap());
        KafkaClients.Source slow = new KafkaClients.Source() {
            @Override
            public Producer<byte[], byte[]> producer() {
                try {
                    Thread.sleep(1_500); // longer than a message would wait otherwise
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return KafkaClients.Source.of(usual).producer();
            }

            @Override
            public TopicLookup lookup() {
                return KafkaClients.Source.of(usual).lookup();
            }
        };
        try (KafkaBroker broker = new KafkaBroker(usual, slow)) {
            assertThat(publish(broker, message(topic, "first"))).isEqualTo(Outcome.acknowledged());
        }
    }

    // --- S3: lookups -------------------------------------------------------------------------------------------------

    @Test
    void S03_aLookupThatThrowsAnswersWhatWaitsAndTheNextIsMade() throws Exception {
        AtomicInteger times = new AtomicInteger();
        Fault throwing = (method, arguments) -> {
            if (method.equals("describeTopics") && times.getAndIncrement() < 2) {
                throw times.get() == 1 ? new IllegalStateException("no thread") : new NoClassDefFoundError("as if");
            }
            return null;
        };
        try (KafkaBroker broker = new KafkaBroker(settings, lookups(throwing))) {
            for (int i = 0; i < 2; i++) {
                assertThat(publish(broker, message(topic, "1"))).isInstanceOf(Outcome.Unavailable.class);
            }
            acknowledge(broker, message(topic, "1"));
        }
    }

    @Test
    void S03_aLookupThatNeverAnswersFailsAfterItsTimeAndItsClientIsReplaced() throws Exception {
        Fault silent = (method, arguments) -> method.equals("describeTopics") ? new Silent(topic) : null;
        try (KafkaBroker broker = new KafkaBroker(settings, lookups(silent))) {
            long start = System.nanoTime();
            assertThat(publish(broker, message(topic, "1"))).isInstanceOf(Outcome.Unavailable.class);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
            acknowledge(broker, message(topic, "1"));
        }
    }

    /** Each client used to be replaced before it could receive the answer, so that nothing was ever published. */
    @Test
    void A21_aClusterThatIsSlowToAnswerLookupsIsPublishedTo() throws Exception {
        Fault slow = (method, arguments) -> method.equals("describeTopics") ? new Late(topic) : null;
        Fault[] always = Stream.generate(() -> slow).limit(50).toArray(Fault[]::new);
        try (KafkaBroker broker = new KafkaBroker(settings, lookups(always))) {
            acknowledge(broker, message(topic, "1"));
        }
    }

    /** A lookup can be answered before the topic was created and be read after it, or be answered by a broker that lags. */
    @Test
    void C30_aTopicThatWasJustCreatedAndIsNotFoundYetRejectsNothing() throws Exception {
        String created = topic + "-created";
        AtomicBoolean lags = new AtomicBoolean(true);
        Fault lagging =
                (method, arguments) -> method.equals("describeTopics") && lags.get() ? new Unknown(created) : null;
        try (KafkaBroker broker = new KafkaBroker(settings.createTopics(1, 1), lookups(lagging))) {
            broker.prepare(Route.topic(created));
            await().atMost(LONG)
                    .until(() -> publish(broker, message(created, "1")) instanceof Outcome.Unavailable unavailable
                            ? unavailable.reason().contains("was created a moment ago")
                            : fail("it was rejected"));
            lags.set(false);
            acknowledge(broker, message(created, "1"));
        }
    }

    // --- F10: one topic, and the others ------------------------------------------------------------------------------

    /** In one round of three, because this process and the server may each be paused for a moment. */
    private static void theOtherTopicIsQuick(Supplier<KafkaBroker> brokers, String topic, String sick)
            throws Exception {
        Duration worst = Duration.ofDays(1);
        for (int round = 0; round < 3 && worst.toMillis() >= 400; round++) {
            try (KafkaBroker broker = brokers.get()) {
                acknowledge(broker, message(topic, "first"));
                worst = ofARound(broker, topic, sick);
            }
        }
        assertThat(worst).isLessThan(Duration.ofMillis(400));
    }

    private static Duration ofARound(KafkaBroker broker, String topic, String sick) throws Exception {
        List<CompletableFuture<Outcome>> waiting = new ArrayList<>();
        long worst = 0;
        for (int i = 0; i < 30; i++) {
            waiting.add(send(broker, message(sick, "s" + i)));
            long start = System.nanoTime();
            assertThat(publish(broker, message(topic, "g" + i))).isEqualTo(Outcome.acknowledged());
            worst = Math.max(worst, System.nanoTime() - start);
            Thread.sleep(30);
        }
        for (CompletableFuture<Outcome> each : waiting) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Unavailable.class);
        }
        return Duration.ofNanos(worst);
    }

    @Test
    void A10_aTopicThatCannotBeLookedUpDelaysNoOther() throws Exception {
        Fault silent = (method, arguments) ->
                method.equals("describeTopics") && arguments[0].equals(List.of(sick)) ? new Silent(sick) : null;
        theOtherTopicIsQuick(() -> new KafkaBroker(settings, lookups(silent, silent, silent)), topic, sick);
    }

    @Test
    void A10_aTopicWhoseLeadersTheClientDoesNotFindDelaysNoOther() throws Exception {
        Fault noMetadata = (method, arguments) -> {
            if (method.equals("send")
                    && ((ProducerRecord<?, ?>) arguments[0]).topic().equals(sick)) {
                ((Callback) arguments[1])
                        .onCompletion(null, new TimeoutException("not present in metadata after 0 ms"));
                return new CompletableFuture<>();
            }
            return null;
        };
        theOtherTopicIsQuick(() -> new KafkaBroker(settings, producers(noMetadata)), topic, sick);
    }

    // --- What an answer means ----------------------------------------------------------------------------------------

    @Test
    void A10_tooFewReplicasIsUnknownForAnEarlierAttemptMayBeInTheLog() {
        assertThat(Outcomes.of(new NotEnoughReplicasAfterAppendException("1 of 2")))
                .isInstanceOf(Outcome.Unknown.class);
        assertThat(Outcomes.of(new NotEnoughReplicasException("1 of 2"))).isInstanceOf(Outcome.Unknown.class);
    }

    @Test
    void A10_aFullBufferBlocksNothing() throws Exception {
        KafkaSettings small = settings.producer(Map.of("buffer.memory", "140000", "linger.ms", "1000"));
        try (KafkaBroker broker = KafkaBroker.of(small)) {
            acknowledge(broker, message(topic, "first")); // there is room for only one batch of 128 KiB
            List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                outcomes.add(send(broker, message(i % 2 == 0 ? topic : sick, "m" + i)));
            }
            for (CompletableFuture<Outcome> each : outcomes) {
                assertThat(each.get(4, TimeUnit.SECONDS))
                        .isInstanceOfAny(Outcome.Acknowledged.class, Outcome.Unavailable.class);
            }
            assertThat(outcomes.stream().map(CompletableFuture::join))
                    .anySatisfy(each -> assertThat(each)
                            .isInstanceOfSatisfying(
                                    Outcome.Unavailable.class,
                                    unavailable ->
                                            assertThat(unavailable.reason()).contains("no room")));
            acknowledge(broker, message(sick, "last"));
        }
    }

    @Test
    void B19_theClientHasSixOfSevenSecondsAndARequestAllOfThem() {
        Map<String, Object> producer = KafkaSettings.of("host:9092").producerProperties();
        assertThat(producer)
                .containsEntry("delivery.timeout.ms", "6000")
                .containsEntry("request.timeout.ms", "5995")
                .containsEntry("max.block.ms", "0");
        assertThat(KafkaSettings.of("host:9092")
                        .producer(Map.of("linger.ms", "20"))
                        .producerProperties())
                .containsEntry("request.timeout.ms", "5980");
    }
}
