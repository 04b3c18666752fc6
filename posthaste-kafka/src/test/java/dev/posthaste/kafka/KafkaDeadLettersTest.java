package dev.posthaste.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.posthaste.Route;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Messages that a group gives up on are kept: unchanged, or as much of them as the dead-letter topic accepts. */
class KafkaDeadLettersTest {
    private final KafkaTopic topic = new KafkaTopic();
    private KafkaGroup group;

    @BeforeEach
    void open() throws Exception {
        group = new KafkaGroup(topic);
    }

    @AfterEach
    void close() throws Exception {
        group.close();
        topic.close();
    }

    @Test
    void B06_deadLettersAreWhatCameToTheByteAndTheOffsetMovesOn() throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, topic.route);
        byte[] bytes = {(byte) 0x80, 1, (byte) 0xff, 0};
        List<Header> headers = List.of(
                new RecordHeader("twice", new byte[] {1}),
                new RecordHeader("nothing", (byte[]) null),
                new RecordHeader("twice", bytes),
                new RecordHeader(MessageHeaders.ERROR, "an earlier error".getBytes(UTF_8)));
        topic.write(
                Map.of(),
                new ProducerRecord<>(topic.name, 0, bytes, bytes, headers),
                new ProducerRecord<>(topic.name, 0, bytes, null, headers),
                new ProducerRecord<>(topic.name, 0, null, new byte[0]),
                topic.event("good"));
        group.subscribe();
        group.awaitCommitted(topic.settings, 0, 4);
        assertThat(group.handled).containsExactly("good");
        List<ConsumerRecord<byte[], byte[]>> dead = topic.deadLetters();
        assertThat(dead).hasSize(3);
        for (ConsumerRecord<byte[], byte[]> each : dead) {
            assertThat(KafkaTopic.header(each, MessageHeaders.ERROR)).contains("no event id");
            assertThat(KafkaTopic.header(each, MessageHeaders.ERROR_CONSUMER)).isEqualTo("audit");
        }
        dead.sort((a, b) -> KafkaTopic.header(a, MessageHeaders.ERROR_ORIGIN)
                .compareTo(KafkaTopic.header(b, MessageHeaders.ERROR_ORIGIN)));
        assertThat(dead.get(0).value()).isEqualTo(bytes);
        assertThat(dead.get(1).value()).as("a tombstone").isNull();
        assertThat(dead.get(2).value()).isEmpty();
        assertThat(dead.get(2).key()).isNull();
        for (int i = 0; i < 3; i++) {
            assertThat(KafkaTopic.header(dead.get(i), MessageHeaders.ERROR_ORIGIN))
                    .isEqualTo(topic.name + "-0@" + i);
        }
        for (ConsumerRecord<byte[], byte[]> each : dead.subList(0, 2)) {
            assertThat(each.key()).isEqualTo(bytes);
            assertThat(List.of(each.headers().toArray()).subList(0, headers.size()))
                    .isEqualTo(headers);
        }
    }

    @Test
    void B06_whatFitIntoItsTopicCompressedFitsIntoTheDeadLetterTopicWhole() throws Exception {
        topic.create(topic.name, Map.of("max.message.bytes", "10485760"));
        KafkaTopics.create(topic.settings, 1, 1, topic.route);
        byte[] text = ("bad" + "x".repeat(3_000_000)).getBytes(UTF_8);
        byte[] noise = new byte[9_000_000];
        new Random(1).nextBytes(noise);
        System.arraycopy("bad".getBytes(UTF_8), 0, noise, 0, 3);
        Map<String, Object> large = Map.of("max.request.size", 100_000_000, "compression.type", "gzip");
        topic.write(large, topic.event("text", text), topic.event("noise", noise), topic.event("good"));
        group.subscribe();
        group.awaitCommitted(topic.settings, 0, 3);
        assertThat(group.handled).containsExactly("good");
        assertThat(topic.deadLetters()).extracting(ConsumerRecord::value).containsExactlyInAnyOrder(text, noise);
        assertThat(topic.limit(topic.deadLetterTopic)).isGreaterThanOrEqualTo(64 << 20);
    }

    @Test
    void B06_whatTheDeadLetterTopicRefusesIsSentWithLessAndLessOfIt() throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, Route.to(topic.name));
        topic.create(topic.deadLetterTopic, Map.of("max.message.bytes", "2600", "cleanup.policy", "compact"));
        byte[] noise = new byte[2_000];
        new Random(1).nextBytes(noise);
        byte[] tooLarge = new byte[4_000];
        new Random(2).nextBytes(tooLarge);
        List<Header> large = List.of(new RecordHeader("large", tooLarge));
        topic.write(
                Map.of(),
                new ProducerRecord<>(topic.name, 0, new byte[] {1}, noise), // without its whole stack trace
                new ProducerRecord<>(topic.name, 0, new byte[] {2}, tooLarge),
                new ProducerRecord<>(topic.name, 0, new byte[] {3}, noise, large),
                new ProducerRecord<>(topic.name, 0, null, noise), // a compacted topic requires a key
                topic.event("good"));
        group.subscribe(topic.settings, failing());
        group.awaitCommitted(topic.settings, 0, 5);
        List<ConsumerRecord<byte[], byte[]>> dead = topic.deadLetters();
        dead.sort((a, b) -> KafkaTopic.header(a, MessageHeaders.ERROR_ORIGIN)
                .compareTo(KafkaTopic.header(b, MessageHeaders.ERROR_ORIGIN)));
        assertThat(dead)
                .extracting(each -> KafkaTopic.header(each, MessageHeaders.ERROR_ORIGIN))
                .containsExactly(
                        topic.name + "-0@0",
                        topic.name + "-0@1",
                        topic.name + "-0@2",
                        topic.name + "-0@3",
                        topic.name + "-0@4");
        assertThat(dead.get(0).value()).isEqualTo(noise);
        assertThat(dead.get(0).headers().lastHeader(MessageHeaders.ERROR_STACK)).isNull();
        for (int i = 1; i <= 3; i++) {
            assertThat(dead.get(i).value()).isEmpty();
            assertThat(KafkaTopic.header(dead.get(i), MessageHeaders.ERROR_BODY))
                    .contains("left out", topic.name + "-0@" + i);
        }
        assertThat(dead.get(1).key()).isEqualTo(new byte[] {2});
        assertThat(dead.get(3).key()).isEqualTo((topic.name + "-0@3").getBytes(UTF_8));
    }

    /** Gives up on everything, with a stack trace that cannot be compressed. */
    private static Receiver failing() {
        RuntimeException cause = new RuntimeException();
        Random random = new Random(3);
        cause.setStackTrace(IntStream.range(0, 40)
                .mapToObj(i -> new StackTraceElement(Long.toHexString(random.nextLong()), "m", "F.java", i))
                .toArray(StackTraceElement[]::new));
        return KafkaGroup.receiver(delivery -> {
            try {
                delivery.deadLetter(Failure.of("failing", "no").cause(cause));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void B06_aMissingOrSmallDeadLetterTopicIsWarnedAboutAndNotCreated() throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, Route.to(topic.name));
        Logger logger = (Logger) LoggerFactory.getLogger(KafkaSubscription.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        logger.addAppender(appender);
        try {
            topic.write(Map.of(), topic.event("bad"));
            Subscription first = group.subscribe();
            await().atMost(KafkaTopic.LONG)
                    .until(() -> logged(appender, topic.deadLetterTopic + " does not exist, so messages of"));
            try (Admin admin = Admin.create(topic.settings.adminProperties())) {
                assertThat(admin.listTopics().names().get()).doesNotContain(topic.deadLetterTopic);
            }
            topic.create(topic.deadLetterTopic, Map.of("max.message.bytes", "1114124"));
            group.awaitCommitted(topic.settings, 0, 1);
            first.close();
            assertThat(topic.limit(topic.deadLetterTopic)).isEqualTo(1_114_124);
            KafkaTopics.create(topic.settings, 1, 1, topic.route);
            assertThat(topic.limit(topic.deadLetterTopic))
                    .as("raised, because an earlier version set the limit")
                    .isEqualTo(64 << 20);
        } finally {
            logger.detachAppender(appender);
        }
    }

    private static boolean logged(ListAppender<ILoggingEvent> appender, String text) {
        return List.copyOf(appender.list).stream()
                .anyMatch(each -> each.getFormattedMessage().contains(text));
    }
}
