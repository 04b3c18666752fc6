package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.BrokerContract;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaBrokerTest extends BrokerContract {
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final KafkaServer server = KafkaServer.shared();
    private static final Duration LONG = Duration.ofSeconds(60);
    static final int PARTITIONS = 3;

    private final String name = "t" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
    private final Route route = Route.to(name + ".topic").group(name + "-group");
    private final KafkaSettings settings = KafkaSettings.of(server.bootstrap())
            .deliveryTimeout(Duration.ofSeconds(20))
            .topicCheck(Duration.ofMillis(500));
    private final TestDatabase database = DatabaseServer.of(Database.H2).createDatabase();
    private final List<Subscription> subscriptions = new ArrayList<>();

    @Override
    protected DataSource newDatabase() {
        return database.dataSource();
    }

    @Override
    protected Broker open() {
        KafkaTopics.create(settings, PARTITIONS, 1, route);
        return KafkaBroker.of(settings);
    }

    @Override
    protected void subscribe(Receiver consumer) {
        subscribe(settings, consumer);
    }

    private Subscription subscribe(KafkaSettings how, Receiver consumer) {
        Subscription subscription = KafkaBroker.of(how).subscribe(route, consumer);
        subscriptions.add(subscription);
        await().atMost(LONG).until(subscription::healthy);
        return subscription;
    }

    @Override
    protected Message message(Map<String, String> headers, @Nullable String key, byte[] body) {
        return Message.of(route.destination(), body).key(key).headers(headers);
    }

    @Override
    protected Message unroutable() {
        return Message.of(name + ".nowhere", new byte[0]).headers(Map.of(MessageHeaders.EVENT_ID, "u"));
    }

    @Override
    protected List<String> deadLetters(List<Outcome> outcomes) {
        List<String> errors = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records(KafkaTopics.deadLetterTopic(name + "-group"), 1)) {
            Map<String, String> headers = KafkaMessages.message(record).headers();
            assertThat(headers).containsKeys(MessageHeaders.ERROR_STACK, MessageHeaders.ERROR_CONSUMER);
            assertThat(headers.get(MessageHeaders.ERROR_ORIGIN)).startsWith(route.destination() + "-");
            errors.add(headers.get(MessageHeaders.ERROR));
        }
        return errors;
    }

    private List<ConsumerRecord<byte[], byte[]>> records(String topic, int partitions) {
        return TopicReader.read(settings, topic, partitions);
    }

    private List<String> bodies() {
        return records(route.destination(), PARTITIONS).stream()
                .map(record -> new String(record.value(), StandardCharsets.UTF_8))
                .toList();
    }

    private Set<String> topics() throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            return admin.listTopics().names().get();
        }
    }

    private void delete(String topic) throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.deleteTopics(List.of(topic)).all().get();
        }
        await().atMost(LONG).until(() -> !topics().contains(topic));
    }

    @Override
    protected void close() throws Exception {
        subscriptions.forEach(Subscription::close);
        broker.close();
        database.close();
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.deleteTopics(topics().stream()
                            .filter(topic -> topic.startsWith(name))
                            .toList())
                    .all()
                    .get();
        }
    }

    private CompletableFuture<Outcome> send(Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    // --- Publishing --------------------------------------------------------------------------------------------------

    @Test
    void H06_aMessageOverTheTopicsLimitIsRejectedAndTheNextArrives() throws Exception {
        byte[] large = new byte[1_100_000];
        new java.util.Random(1).nextBytes(large); // no compression makes it fit
        List<CompletableFuture<Outcome>> outcomes = List.of(
                send(message(Map.of(MessageHeaders.EVENT_ID, "1"), "k", large)), send(message("2", "k", "small")));
        assertThat(outcomes.get(0).get(30, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(Outcome.Rejected.class, rejected -> {
                    assertThat(rejected.reason()).contains(route.destination(), "max.message.bytes");
                    assertThat(rejected.permanent()).isFalse();
                });
        assertThat(outcomes.get(1).get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        assertThat(bodies()).containsExactly("small");
    }

    @Test
    void H16_aMissingTopicRejectsItsOwnMessagesOnlyAndIsNotCreated() throws Exception {
        List<CompletableFuture<Outcome>> good = new ArrayList<>();
        List<CompletableFuture<Outcome>> bad = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            bad.add(send(Message.of(name + ".missing", new byte[0])
                    .key("b" + i)
                    .headers(Map.of(MessageHeaders.EVENT_ID, "b" + i))));
            good.add(send(message("g" + i, "k" + i, "x")));
        }
        for (CompletableFuture<Outcome> each : good) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        for (CompletableFuture<Outcome> each : bad) {
            assertThat(each.get(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(
                            Outcome.Rejected.class,
                            rejected -> assertThat(rejected.reason()).contains(name + ".missing", "does not exist"));
        }
        assertThat(topics()).doesNotContain(name + ".missing").contains(route.destination());
        assertThat(bodies()).hasSize(50);
    }

    @Test
    void H16_aTopicThatIsCreatedLaterIsFound() throws Exception {
        Message message =
                Message.of(name + ".later", new byte[] {'x'}).key("k").headers(Map.of(MessageHeaders.EVENT_ID, "1"));
        assertThat(publish(message)).isInstanceOf(Outcome.Rejected.class);
        KafkaTopics.create(settings, 1, 1, Route.to(name + ".later"));
        await().atMost(LONG).until(() -> publish(message) == Outcome.acknowledged());
    }

    @Test
    void H16_whileATopicIsDeletedOtherTopicsGoOn() throws Exception {
        KafkaTopics.create(settings, 1, 1, Route.to(name + ".doomed"));
        Message doomed =
                Message.of(name + ".doomed", new byte[] {'x'}).key("k").headers(Map.of(MessageHeaders.EVENT_ID, "d"));
        assertThat(publish(doomed)).isEqualTo(Outcome.acknowledged());
        delete(name + ".doomed");
        long noticed = System.nanoTime() + settings.topicCheck().multipliedBy(3).toNanos();
        await().atMost(LONG).until(() -> System.nanoTime() > noticed);
        List<CompletableFuture<Outcome>> good = new ArrayList<>();
        CompletableFuture<Outcome> gone = send(doomed);
        for (int i = 0; i < 20; i++) {
            good.add(send(message("g" + i, "k" + i, "x")));
        }
        for (CompletableFuture<Outcome> each : good) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        assertThat(gone.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Rejected.class);
        assertThat(topics()).doesNotContain(name + ".doomed");
    }

    @Test
    void aServerThatCannotBeReachedIsUnavailable() throws Exception {
        for (String nowhere : List.of("127.0.0.1:1", "no.such.host.invalid:9092")) {
            try (KafkaBroker lost = KafkaBroker.of(KafkaSettings.of(nowhere)
                    .deliveryTimeout(Duration.ofSeconds(2))
                    .topicCheck(Duration.ofSeconds(1)))) {
                for (int i = 0; i < 2; i++) {
                    CompletableFuture<Outcome> outcome = new CompletableFuture<>();
                    lost.publish(message("1", "k", "x"), outcome::complete);
                    assertThat(outcome.get(30, TimeUnit.SECONDS))
                            .isInstanceOfSatisfying(
                                    Outcome.Unavailable.class,
                                    unavailable ->
                                            assertThat(unavailable.reason()).contains(nowhere));
                }
            }
        }
    }

    /** Such a message could not become a record. */
    @Test
    void aMessageHasNoHeaderWithoutAValue() throws Exception {
        Map<String, String> headers = new java.util.HashMap<>();
        headers.put("nothing", null);
        assertThatThrownBy(() -> message(headers, "k", new byte[] {'x'})).isInstanceOf(NullPointerException.class);
        assertThat(publish(message("1", "k", "next"))).isEqualTo(Outcome.acknowledged());
    }

    @Test
    void whatIsPromisedCannotBeConfiguredAway() {
        assertThatThrownBy(() -> settings.producer(Map.of("acks", "1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("acks");
        assertThatThrownBy(() -> settings.consumer(Map.of("enable.auto.commit", "true")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("enable.auto.commit");
        assertThat(settings.producer(Map.of("linger.ms", "0")).producerProperties())
                .containsEntry("linger.ms", "0")
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", "true");
    }

    // --- Consuming ---------------------------------------------------------------------------------------------------

    @Test
    void H36_inOnePartitionAFailingKeyDelaysOnlyItself() throws Exception {
        KafkaTopics.create(settings, 1, 1, Route.to(name + ".one").group(name + "-one"));
        List<String> handled = new CopyOnWriteArrayList<>();
        AtomicInteger failures = new AtomicInteger(2);
        Inbox.Builder inbox = inbox((text, context) -> {
            if (text.equals("a1") && failures.getAndDecrement() > 0) {
                throw new IllegalStateException("not yet");
            }
            handled.add(text);
        });
        subscriptions.add(KafkaBroker.of(settings)
                .subscribe(
                        Route.to(name + ".one").group(name + "-one"),
                        consumer(
                                inbox, RetryPolicy.fixed(Duration.ofMillis(300)).attempts(10))));
        for (String each : List.of("a1", "a2", "b1")) {
            Message message = message(each, each.substring(0, 1), each);
            Message sent =
                    Message.of(name + ".one", message.body()).key(message.key()).headers(message.headers());
            await().atMost(LONG).until(() -> publish(sent) == Outcome.acknowledged());
        }
        await().atMost(LONG).until(() -> handled.size() == 3);
        assertThat(handled).containsExactly("b1", "a1", "a2");
    }

    @Test
    void inOrderOfPartitionsEverythingWaitsForTheMessageBeforeIt() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        AtomicInteger failures = new AtomicInteger(2);
        Inbox.Builder inbox = inbox((text, context) -> {
            if (text.equals("0") && failures.getAndDecrement() > 0) {
                throw new IllegalStateException("not yet");
            }
            handled.add(text);
        });
        Route one = Route.to(name + ".strict").group(name + "-strict");
        KafkaTopics.create(settings, 1, 1, one);
        subscriptions.add(KafkaBroker.of(settings.partitionOrder(true))
                .subscribe(
                        one,
                        consumer(
                                inbox, RetryPolicy.fixed(Duration.ofMillis(200)).attempts(10))));
        for (int i = 0; i < 20; i++) {
            Message message = message("s" + i, "key-" + i, "" + i);
            Message sent = Message.of(one.destination(), message.body())
                    .key(message.key())
                    .headers(message.headers());
            // Like the relay: repeat what the broker does not accept immediately, before the next message.
            await().atMost(LONG).until(() -> publish(sent) == Outcome.acknowledged());
        }
        await().atMost(LONG).until(() -> handled.size() == 20);
        assertThat(handled)
                .containsExactlyElementsOf(java.util.stream.IntStream.range(0, 20)
                        .mapToObj(Integer::toString)
                        .toList());
    }

    @Test
    void H41_aHandlerThatTakesThreePollIntervalsKeepsItsPartitionAndRunsOnce() throws Exception {
        Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
        KafkaSettings impatient = settings.consumer(
                Map.of("max.poll.interval.ms", "2000", "session.timeout.ms", "6000", "heartbeat.interval.ms", "500"));
        dev.posthaste.inbox.Handler<String> slow = (text, context) -> {
            runs.computeIfAbsent(text, key -> new AtomicInteger()).incrementAndGet();
            if (text.equals("slow")) {
                Thread.sleep(6_000);
            }
        };
        subscribe(
                impatient,
                consumer(inbox(slow), RetryPolicy.fixed(Duration.ofMillis(100)).attempts(5)));
        subscribe(
                impatient,
                consumer(inbox(slow), RetryPolicy.fixed(Duration.ofMillis(100)).attempts(5)));
        publish(message("1", "k", "slow"));
        for (int i = 0; i < 20; i++) {
            publish(message("n" + i, "k", "n" + i));
        }
        await().atMost(LONG).until(() -> runs.size() == 21);
        assertThat(runs.get("slow")).hasValue(1);
        assertThat(runs.values()).allMatch(count -> count.get() == 1);
        assertThat(subscriptions).allMatch(Subscription::healthy);
    }

    @Test
    void whateverIsThrownWhileItReceivesASubscriptionBeginsAgainAndLosesNothing() throws Exception {
        Set<String> refused = ConcurrentHashMap.newKeySet();
        List<String> received = new CopyOnWriteArrayList<>();
        Receiver faulty = new Receiver() {
            @Override
            public String name() {
                return "faulty";
            }

            @Override
            public boolean handles(String eventType) {
                return true;
            }

            @Override
            public void accept(Delivery delivery) {
                String text = new String(delivery.message().body(), StandardCharsets.UTF_8);
                if (refused.add(text)) {
                    throw new IllegalStateException("a bug, at its first sight of " + text);
                }
                received.add(text);
                delivery.done();
            }

            @Override
            public void close() {}
        };
        try (Subscription subscription = KafkaBroker.of(settings).subscribe(route, faulty)) {
            assertThat(subscription).isNotNull();
            for (String text : List.of("1", "2", "3")) {
                assertThat(publish(message(text, "k", text))).isEqualTo(Outcome.acknowledged());
            }
            await().atMost(LONG).until(() -> received.containsAll(List.of("1", "2", "3")));
        }
        assertThat(received.stream().distinct()).containsExactly("1", "2", "3");
    }

    @Test
    void H42_anEventThatNobodyHandlesIsADeadLetterAndTheOthersGoOn() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        subscribe(consumer(
                inbox((text, context) -> handled.add(text)),
                RetryPolicy.fixed(Duration.ofMillis(10)).attempts(3)));
        Map<String, String> unknown =
                Map.of(MessageHeaders.EVENT_ID, "u", MessageHeaders.EVENT_TYPE, "order.forgotten");
        publish(message(unknown, "k", new byte[] {'x'}));
        publish(message("g", "k", "good"));
        await().atMost(LONG).until(() -> handled.equals(List.of("good")));
        List<ConsumerRecord<byte[], byte[]>> dead = records(KafkaTopics.deadLetterTopic(name + "-group"), 1);
        assertThat(dead)
                .singleElement()
                .satisfies(record -> assertThat(
                                KafkaMessages.message(record).headers().get(MessageHeaders.ERROR))
                        .contains("no handler", "order.forgotten"));
    }

    @Test
    void membersThatComeAndGoLoseRepeatAndReorderNothingInEffect() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        dev.posthaste.inbox.Handler<String> handler = (text, context) -> {
            Thread.sleep(2);
            handled.add(text);
        };
        RetryPolicy retry = RetryPolicy.fixed(Duration.ofMillis(20)).attempts(50);
        List<Subscription> members = new ArrayList<>(List.of(subscribe(settings, consumer(inbox(handler), retry))));
        List<CompletableFuture<Outcome>> sent = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            sent.add(send(message("e" + i, "key-" + i % 10, i % 10 + ":" + i)));
            sent.get(i).get(30, TimeUnit.SECONDS);
            if (i % 300 == 100) {
                members.add(subscribe(settings, consumer(inbox(handler), retry)));
            } else if (i % 300 == 200) {
                members.remove(0).close();
            }
        }
        await().atMost(LONG).until(() -> handled.size() >= 1500);
        assertThat(handled).hasSize(1500).doesNotHaveDuplicates();
        for (int key = 0; key < 10; key++) {
            String prefix = key + ":";
            assertThat(handled.stream()
                            .filter(text -> text.startsWith(prefix))
                            .map(text -> Integer.parseInt(text.substring(2)))
                            .toList())
                    .isSorted();
        }
    }
}
