package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.posthaste.Event;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Processes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** How publishing copes with a Kafka that freezes, dies, changes or is badly configured. */
class KafkaHazardsTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final String topic = "h" + NEXT.incrementAndGet();

    private static KafkaSettings settings(KafkaServer server) {
        return KafkaSettings.of(server.bootstrap())
                .deliveryTimeout(Duration.ofSeconds(2))
                .topicCheck(Duration.ofMillis(300));
    }

    private Message message(String id, String key, String body) {
        return Message.of(topic, body.getBytes(StandardCharsets.UTF_8))
                .key(key)
                .headers(Map.of(
                        MessageHeaders.EVENT_ID,
                        id,
                        MessageHeaders.DIGEST,
                        Digest.of(id, body.getBytes(StandardCharsets.UTF_8))));
    }

    private static CompletableFuture<Outcome> send(KafkaBroker broker, Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    private static Outcome publish(KafkaBroker broker, Message message) throws Exception {
        return send(broker, message).get(30, TimeUnit.SECONDS);
    }

    /**
     * Repeats the message until it is acknowledged, like a relay: the first lookup of a topic may be slow on a busy
     * machine.
     */
    private static void acknowledge(KafkaBroker broker, Message message) {
        await().atMost(LONG).until(() -> publish(broker, message) == Outcome.acknowledged());
    }

    private List<Message> arrived(KafkaSettings settings, int partitions) {
        return TopicReader.read(settings, topic, partitions).stream()
                .map(KafkaMessages::message)
                .toList();
    }

    private static String body(Message message) {
        return new String(message.body(), StandardCharsets.UTF_8);
    }

    /** Publishes like the relay: one message of a key at a time, repeated until it is acknowledged. */
    private void publishInOrder(KafkaBroker broker, String key, List<String> bodies) {
        for (String body : bodies) {
            String id = Event.newId();
            await().atMost(Duration.ofMinutes(2))
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> publish(broker, message(id, key, body)) == Outcome.acknowledged());
        }
    }

    @Test
    void H14_aServerThatFreezesPastTheTimeoutLosesAndReordersNothing() throws Exception {
        try (KafkaServer server = KafkaServer.start(1, Map.of());
                KafkaBroker broker = KafkaBroker.of(settings(server))) {
            KafkaTopics.create(settings(server), 1, 1, Route.to(topic));
            acknowledge(broker, message("0", "k", "0"));
            server.signal("STOP");
            Outcome frozen;
            try {
                frozen = publish(broker, message("1", "k", "1"));
            } finally {
                server.signal("CONT");
            }
            assertThat(frozen).isInstanceOf(Outcome.Unknown.class);
            acknowledge(broker, message("1", "k", "1"));
            acknowledge(broker, message("2", "k", "2"));
            List<String> first = new ArrayList<>();
            arrived(settings(server), 1).stream()
                    .map(KafkaHazardsTest::body)
                    .filter(body -> !first.contains(body))
                    .forEach(first::add);
            assertThat(first).containsExactly("0", "1", "2");
        }
    }

    @Test
    void aServerThatIsKilledIsUnavailableAndIsFoundAgainWithWhatItAcknowledged() throws Exception {
        try (KafkaServer server = KafkaServer.start(1, Map.of());
                KafkaBroker broker = KafkaBroker.of(settings(server))) {
            KafkaTopics.create(settings(server), 1, 1, Route.to(topic));
            List<String> bodies = new ArrayList<>();
            for (int round = 0; round < 2; round++) {
                int from = round * 50;
                List<String> part = java.util.stream.IntStream.range(from, from + 50)
                        .mapToObj(Integer::toString)
                        .toList();
                publishInOrder(broker, "k", part);
                bodies.addAll(part);
                server.kill();
                await().atMost(LONG)
                        .until(() -> publish(broker, message("away", "k", "away")) instanceof Outcome.Unavailable);
                assertThat(broker.healthy()).isFalse();
                server.startAgain();
            }
            publishInOrder(broker, "k", List.of("last"));
            bodies.add("last");
            assertThat(broker.healthy()).isTrue();
            List<String> first = new ArrayList<>(new java.util.LinkedHashSet<>(arrived(settings(server), 1).stream()
                    .map(KafkaHazardsTest::body)
                    .filter(body -> !body.equals("away"))
                    .toList()));
            assertThat(first).containsExactlyElementsOf(bodies);
        }
    }

    @Test
    void H15_inAStormOfExpiringBatchesNoContentIsSwapped() throws Exception {
        KafkaSettings hasty;
        try (KafkaServer server = KafkaServer.start(1, Map.of())) {
            hasty = settings(server)
                    .deliveryTimeout(Duration.ofMillis(600))
                    .topicCheck(Duration.ofSeconds(30))
                    .producer(Map.of("linger.ms", "20", "batch.size", "65536", "request.timeout.ms", "300"));
            try (KafkaBroker broker = KafkaBroker.of(hasty)) {
                KafkaTopics.create(settings(server), 3, 1, Route.to(topic));
                Map<String, Outcome> outcomes = new ConcurrentHashMap<>();
                Set<String> sent = new HashSet<>();
                for (int burst = 0; burst < 12; burst++) {
                    boolean frozen = burst % 2 == 1;
                    if (frozen) {
                        server.signal("STOP");
                    }
                    for (int i = 0; i < 400; i++) {
                        String id = burst + "-" + i;
                        sent.add(id);
                        broker.publish(
                                message(id, "key-" + i, id + " " + "x".repeat(i)),
                                outcome -> outcomes.put(id, outcome));
                    }
                    await().atMost(LONG).until(() -> outcomes.size() == sent.size());
                    if (frozen) {
                        server.signal("CONT");
                    }
                }
                assertThat(outcomes.values()).hasAtLeastOneElementOfType(Outcome.Unknown.class);
                List<Message> arrived = arrived(settings(server), 3);
                assertThat(arrived).allMatch(Digest::matches);
                assertThat(arrived).allMatch(message -> body(message).startsWith(message.eventId() + " "));
                Set<String> there = new HashSet<>();
                arrived.forEach(message -> there.add(message.eventId()));
                outcomes.forEach((id, outcome) -> {
                    if (outcome instanceof Outcome.Acknowledged) {
                        assertThat(there).as("acknowledged").contains(id);
                    }
                });
            }
        }
    }

    // --- What is warned about ----------------------------------------------------------------------------------------

    private static ListAppender<ILoggingEvent> log() {
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.list = new CopyOnWriteArrayList<>();
        appender.start();
        ((Logger) LoggerFactory.getLogger(KafkaBroker.class)).addAppender(appender);
        return appender;
    }

    private static void awaitWarning(ListAppender<ILoggingEvent> log, String... parts) {
        await().atMost(LONG)
                .until(() -> log.list.stream()
                        .map(ILoggingEvent::getFormattedMessage)
                        .anyMatch(line -> List.of(parts).stream().allMatch(line::contains)));
    }

    @Test
    void H17_aTopicThatGetsMorePartitionsIsNamed() throws Exception {
        ListAppender<ILoggingEvent> log = log();
        KafkaServer server = KafkaServer.shared();
        KafkaTopics.create(settings(server), 2, 1, Route.to(topic));
        try (KafkaBroker broker = KafkaBroker.of(settings(server));
                Admin admin = Admin.create(settings(server).adminProperties())) {
            acknowledge(broker, message("1", "k", "x"));
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5)))
                    .all()
                    .get();
            awaitWarning(log, "Topic " + topic, "had 2 partitions and has 5 now");
            admin.deleteTopics(List.of(topic)).all().get();
        }
    }

    @Test
    void H18_replicasThatNeedNotHaveAMessageAreWarnedAboutAndOthersNot() throws Exception {
        ListAppender<ILoggingEvent> log = log();
        try (KafkaServer server = KafkaServer.start(3, Map.of());
                Admin admin = Admin.create(settings(server).adminProperties());
                KafkaBroker broker = KafkaBroker.of(settings(server))) {
            await().atMost(LONG)
                    .until(() -> admin.describeCluster().nodes().get().size() == 3);
            KafkaTopics.create(settings(server), 1, 3, Route.to(topic + "-safe"));
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 3).configs(Map.of("min.insync.replicas", "1"))))
                    .all()
                    .get();
            Message safe = Message.of(topic + "-safe", new byte[] {'x'}).key("k");
            acknowledge(broker, safe);
            acknowledge(broker, message("1", "k", "x"));
            awaitWarning(log, "Topic " + topic + " has 3 replicas", "min.insync.replicas 1");
            assertThat(log.list).noneMatch(event -> event.getFormattedMessage().contains(topic + "-safe"));
        }
    }

    @Test
    void H16_brokersThatMakeTopicsByThemselvesAreWarnedAbout() throws Exception {
        ListAppender<ILoggingEvent> log = log();
        try (KafkaBroker broker = KafkaBroker.of(settings(KafkaServer.shared()))) {
            publish(broker, Message.of(topic, new byte[] {'x'}).key("k"));
            awaitWarning(log, "auto.create.topics.enable is true");
        }
    }

    // --- Secured -----------------------------------------------------------------------------------------------------

    @Test
    void tlsAndSaslPassThroughAndAWrongPasswordCostsNobodyAnything(@TempDir Path home) throws Exception {
        Path store = home.resolve("keys.p12");
        Processes.run(
                home,
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keyalg",
                "RSA",
                "-alias",
                "kafka",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=IP:127.0.0.1,DNS:localhost");
        String plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        Map<String, String> server = new HashMap<>();
        String controller = "PLAINTEXT";
        server.put("listener.security.protocol.map", "SECURE:SASL_SSL,CONTROLLER:" + controller);
        server.put("inter.broker.listener.name", "SECURE");
        server.put("advertised.listeners", "SECURE://127.0.0.1:PORT");
        server.put("sasl.enabled.mechanisms", "PLAIN");
        server.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
        server.put(
                "listener.name.secure.plain.sasl.jaas.config",
                plain + " username=\"relay\" password=\"s3cret\" user_relay=\"s3cret\";");
        for (String name : List.of("ssl.keystore", "ssl.truststore")) {
            server.put(name + ".location", store.toString());
            server.put(name + ".password", "changeit");
            server.put(name + ".type", "PKCS12");
        }
        server.put("listeners", "SECURE://127.0.0.1:PORT,CONTROLLER://127.0.0.1:CONTROLLER_PORT");
        try (KafkaServer secured = KafkaServer.start(1, server)) {
            Map<String, String> client = new HashMap<>(Map.of(
                    "security.protocol", "SASL_SSL",
                    "sasl.mechanism", "PLAIN",
                    "sasl.jaas.config", plain + " username=\"relay\" password=\"s3cret\";",
                    "ssl.truststore.location", store.toString(),
                    "ssl.truststore.password", "changeit",
                    "ssl.truststore.type", "PKCS12"));
            KafkaSettings right = settings(secured).client(client);
            assertThat(right.toString()).doesNotContain("s3cret", "changeit");
            await().atMost(LONG).untilAsserted(() -> KafkaTopics.create(right, 1, 1, Route.to(topic)));
            try (KafkaBroker broker = KafkaBroker.of(right)) {
                acknowledge(broker, message("1", "k", "x"));
            }
            client.put("sasl.jaas.config", plain + " username=\"relay\" password=\"wr0ng\";");
            try (KafkaBroker broker = KafkaBroker.of(settings(secured).client(client))) {
                assertThat(publish(broker, message("2", "k", "x")))
                        .isInstanceOfSatisfying(
                                Outcome.Unavailable.class,
                                unavailable ->
                                        assertThat(unavailable.reason()).doesNotContain("s3cret", "wr0ng", "changeit"));
            }
            assertThat(arrived(right, 1)).hasSize(1);
        }
    }
}
