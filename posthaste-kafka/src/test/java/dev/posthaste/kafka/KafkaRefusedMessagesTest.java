package dev.posthaste.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A message that its topic does not accept is rejected, but the others in its batch are not. */
class KafkaRefusedMessagesTest {
    private static final int PARTITIONS = 3;

    private final KafkaTopic topic = new KafkaTopic();
    private final KafkaSettings settings =
            topic.settings.deliveryTimeout(Duration.ofSeconds(20)).topicCheck(Duration.ofMillis(500));
    private KafkaBroker broker;

    @BeforeEach
    void open() {
        KafkaTopics.create(settings, PARTITIONS, 1, topic.route);
        broker = KafkaBroker.of(settings);
    }

    @AfterEach
    void close() throws Exception {
        broker.close();
        topic.close();
    }

    private Message message(String id, String key, String body) {
        return message(Map.of(MessageHeaders.EVENT_ID, id), key, body.getBytes(StandardCharsets.UTF_8));
    }

    private Message message(Map<String, String> headers, String key, byte[] body) {
        return Message.of(topic.name, body).key(key).headers(headers);
    }

    private CompletableFuture<Outcome> send(Message message) {
        return KafkaTopic.send(broker, message);
    }

    private void acknowledge(Message message) {
        await().atMost(KafkaTopic.LONG).until(() -> KafkaTopic.publish(broker, message) == Outcome.acknowledged());
    }

    private List<ConsumerRecord<byte[], byte[]>> records(String from, int partitions) {
        return TopicReader.read(settings, from, partitions);
    }

    private static byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        new Random(bytes).nextBytes(random);
        return random;
    }

    @Test
    void A06_whatFitsOnlyWhenCompressedIsTaken() throws Exception {
        byte[] text = "the same again ".repeat(200_000).getBytes(StandardCharsets.UTF_8);
        await().atMost(KafkaTopic.LONG)
                .until(() -> KafkaTopic.publish(broker, message(Map.of(), "k", text)) == Outcome.acknowledged());
        assertThat(records(topic.name, PARTITIONS))
                .allSatisfy(record -> assertThat(record.value()).isEqualTo(text));
    }

    @Test
    void A06_aMessageThatIsTooLargeEvenCompressedIsRejectedAndNoneOfThoseAroundIt() throws Exception {
        acknowledge(message("0", "k", "0"));
        List<CompletableFuture<Outcome>> small = new ArrayList<>();
        List<CompletableFuture<Outcome>> large = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            if (i % 20 == 10) {
                large.add(send(message(Map.of(), "k", random(1_500_000))));
            }
            small.add(send(message("s" + i, "k", "small")));
        }
        for (CompletableFuture<Outcome> each : small) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        for (CompletableFuture<Outcome> each : large) {
            assertThat(each.get(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(
                            Outcome.Rejected.class,
                            rejected -> assertThat(rejected.reason())
                                    .contains(topic.name, "before compression", "1048588", "max.message.bytes"));
        }
        assertThat(records(topic.name, PARTITIONS)).hasSize(61);
    }

    @Test
    void A06_withoutCompressionTheLimitIsTheBrokersToTheByte() throws Exception {
        topic.create(topic.name + ".narrow", Map.of("max.message.bytes", "2000"));
        Map<String, String> headers = Map.of("schlüssel", "wert", "漢", "字");
        Message empty =
                Message.of(topic.name + ".narrow", random(1000)).key("kéy").headers(headers);
        int body = (int) (2000 - KafkaMessages.size(KafkaMessages.record(empty))) + 1000;
        try (KafkaBroker plain = KafkaBroker.of(settings.producer(Map.of("compression.type", "none")))) {
            Message fits =
                    Message.of(topic.name + ".narrow", random(body)).key("kéy").headers(headers);
            await().atMost(KafkaTopic.LONG).until(() -> KafkaTopic.publish(plain, fits) == Outcome.acknowledged());
            Message over = Message.of(topic.name + ".narrow", random(body + 1))
                    .key("kéy")
                    .headers(headers);
            assertThat(KafkaTopic.publish(plain, over))
                    .isInstanceOfSatisfying(
                            Outcome.Rejected.class,
                            rejected -> assertThat(rejected.reason()).contains("2001 bytes", "accepts 2000"));
        }
    }

    @Test
    void A06_batchesOverATopicsSmallLimitAreSplitUntilTheyFit() throws Exception {
        topic.create(topic.name + ".narrow", Map.of("max.message.bytes", "5000"));
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            outcomes.add(
                    send(Message.of(topic.name + ".narrow", random(1_000 + i)).key("k")));
        }
        for (CompletableFuture<Outcome> each : outcomes) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
    }

    @Test
    void A06_aRecordThatTheBrokerRefusesIsRejectedAndNoneOfItsBatch() throws Exception {
        topic.create(topic.name + ".compacted", Map.of("cleanup.policy", "compact"));
        acknowledge(Message.of(topic.name + ".compacted", new byte[] {'x'}).key("first"));
        List<CompletableFuture<Outcome>> good = new ArrayList<>();
        List<CompletableFuture<Outcome>> withoutKey = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            if (i % 10 == 5) {
                withoutKey.add(send(Message.of(topic.name + ".compacted", new byte[] {'x'})));
            }
            good.add(
                    send(Message.of(topic.name + ".compacted", new byte[] {'x'}).key("k" + i)));
        }
        for (CompletableFuture<Outcome> each : withoutKey) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Rejected.class);
        }
        for (CompletableFuture<Outcome> each : good) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        assertThat(records(topic.name + ".compacted", 1)).hasSize(31);
    }

    @Test
    void A06_halvesOfSurrogatePairsSpoilNeitherTheirMessageNorItsBatch() throws Exception {
        acknowledge(message("0", "k", "0"));
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (String odd : List.of("\ud800", "\udc00", "a\ud83d", "\ud83dz", "\ude00\ud83d")) {
            outcomes.add(send(message(Map.of(odd, odd), odd, odd.getBytes(StandardCharsets.UTF_8))));
            outcomes.add(send(message("n", "k", "neighbour")));
        }
        for (CompletableFuture<Outcome> each : outcomes) {
            assertThat(each.get(30, TimeUnit.SECONDS)).isEqualTo(Outcome.acknowledged());
        }
        assertThat(records(topic.name, PARTITIONS)).hasSize(11);
    }
}
