package dev.posthaste.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Route;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Processes;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Messages from other programs: what any producer may have written to a topic, and what a group does with it. */
class KafkaAuditTest {
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

    // --- What is read ------------------------------------------------------------------------------------------------

    @Test
    void B05_whatAProducerAbortedIsNotHandled() throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, topic.route);
        try (KafkaProducer<byte[], byte[]> producer =
                KafkaTopic.producer(topic.settings, Map.of("transactional.id", topic.name))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(topic.event("aborted")).get(30, TimeUnit.SECONDS);
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(topic.event("committed"));
            producer.commitTransaction();
        }
        group.subscribe();
        await().atMost(KafkaTopic.LONG).until(() -> group.handled.contains("committed"));
        assertThat(group.handled).containsExactly("committed");
        assertThat(topic.settings
                        .consumer(Map.of("isolation.level", "read_uncommitted"))
                        .consumerProperties("g"))
                .containsEntry("isolation.level", "read_uncommitted");
    }

    @Test
    void B05_aGroupOfTheNewProtocolHandsItsPartitionsOver() throws Exception {
        KafkaTopics.create(topic.settings, 4, 1, topic.route);
        KafkaSettings modern = topic.settings.consumer(Map.of("group.protocol", "consumer"));
        Map<Integer, Set<String>> byMember = new ConcurrentHashMap<>();
        List<Subscription> members = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = KafkaTopic.producer(topic.settings, Map.of())) {
            int sent = 0;
            for (int m = 0; m < 2; m++) {
                int member = m;
                Set<String> own = ConcurrentHashMap.newKeySet();
                byMember.put(member, own);
                members.add(group.subscribe(modern, group.consumer((text, context) -> {
                    group.handled.add(text);
                    own.add(text);
                })));
                await().atMost(KafkaTopic.LONG).until(members.get(member)::healthy);
                long end = System.nanoTime() + KafkaTopic.LONG.toNanos();
                while (own.isEmpty() && System.nanoTime() < end) {
                    String id = "e" + sent++;
                    producer.send(topic.event(id, sent % 4)).get(30, TimeUnit.SECONDS);
                }
                assertThat(own).isNotEmpty();
            }
            int until = sent;
            await().atMost(KafkaTopic.LONG).until(() -> group.handled.size() == until);
            members.get(0).close();
            for (int partition = 0; partition < 4; partition++) {
                producer.send(topic.event("after" + partition, partition)).get(30, TimeUnit.SECONDS);
            }
            await().atMost(KafkaTopic.LONG).until(() -> group.handled.size() == until + 4);
            assertThat(group.handled).doesNotHaveDuplicates();
            assertThat(byMember.get(1)).contains("after0", "after1", "after2", "after3");
        }
    }

    // --- Memory, errors, corruption ----------------------------------------------------------------------------------

    /**
     * Handles everything that it receives, with a small heap. Arguments: bootstrap servers, topic, group, number of
     * messages.
     */
    static final class SmallHeap {
        private SmallHeap() {}

        public static void main(String[] arguments) throws Exception {
            AtomicInteger done = new AtomicInteger();
            List<Delivery> waiting = new CopyOnWriteArrayList<>();
            int all = Integer.parseInt(arguments[3]);
            Subscription subscription = KafkaBroker.of(arguments[0])
                    .subscribe(Route.to(arguments[1]).group(arguments[2]), KafkaGroup.receiver(waiting::add));
            while (done.get() < all) {
                Thread.sleep(20);
                for (Delivery each : waiting) { // slower than they arrive
                    waiting.remove(each);
                    if (each.wanted()) {
                        each.done();
                        done.incrementAndGet();
                    } else {
                        each.abandoned();
                    }
                }
            }
            System.out.println("done " + done + ", healthy " + subscription.healthy());
            subscription.close();
        }
    }

    @Test
    void B10_largeMessagesWaitInASmallHeapOnlyAsFarAsItHasRoom(@TempDir Path home) throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, topic.route);
        byte[] large = new byte[1_000_000];
        try (KafkaProducer<byte[], byte[]> producer = KafkaTopic.producer(
                topic.settings,
                Map.of("compression.type", "gzip", "max.request.size", 2_000_000, "batch.size", 1_100_000))) {
            for (int i = 0; i < 400; i++) {
                producer.send(topic.event("e" + i, large));
            }
        }
        Process process = Processes.java(
                "heap",
                home,
                Map.of(),
                SmallHeap.class,
                topic.server.bootstrap(),
                topic.name,
                topic.name + "-group",
                "400");
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(home.resolve("heap.log")))
                .contains("done 400, healthy true")
                .doesNotContain("OutOfMemoryError");
    }

    @Test
    void B10_aPartitionThatIsStuckWithLargeMessagesHoldsUpNoOther() throws Exception {
        KafkaTopics.create(topic.settings, 2, 1, topic.route);
        List<Delivery> stuck = new CopyOnWriteArrayList<>();
        AtomicInteger others = new AtomicInteger();
        byte[] large = new byte[100_000];
        try (KafkaProducer<byte[], byte[]> producer =
                KafkaTopic.producer(topic.settings, Map.of("compression.type", "lz4"))) {
            for (int i = 0; i < 50; i++) {
                producer.send(new ProducerRecord<>(topic.name, 0, null, large));
                producer.send(new ProducerRecord<>(topic.name, 1, null, large));
            }
        }
        KafkaSettings little = topic.settings.waitingBytes(1_000_000);
        Receiver receiver = KafkaGroup.receiver(delivery -> {
            if (delivery.lane().equals(new TopicPartition(topic.name, 0))) {
                stuck.add(delivery);
            } else {
                others.incrementAndGet();
                delivery.done();
            }
        });
        group.subscribe(little.partitionOrder(true), receiver);
        await().atMost(KafkaTopic.LONG).until(() -> others.get() == 50);
        assertThat(stuck.size()).isBetween(1, 3); // half of its share of the megabyte
    }

    @Test
    void B10_anErrorEndsAMemberOfTheGroupAndNotTheSubscription() throws Exception {
        KafkaTopics.create(topic.settings, 1, 1, topic.route);
        List<Error> errors = new CopyOnWriteArrayList<>(
                List.of(new OutOfMemoryError("planned"), new StackOverflowError(), new ThreadDeath()));
        List<String> received = new CopyOnWriteArrayList<>();
        Subscription subscription = group.subscribe(topic.settings, KafkaGroup.receiver(delivery -> {
            if (!errors.isEmpty()) {
                throw errors.remove(0);
            }
            received.add(new String(delivery.message().body(), UTF_8));
            delivery.done();
        }));
        topic.write(Map.of(), topic.event("1"), topic.event("2"));
        await().atMost(KafkaTopic.LONG).until(() -> received.containsAll(List.of("1", "2")));
        await().atMost(KafkaTopic.LONG).until(subscription::healthy);
        group.awaitCommitted(topic.settings, 0, 2);
        Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().equals("posthaste-kafka-" + topic.name + "-group"))
                .forEach(Thread::interrupt);
        topic.write(Map.of(), topic.event("3"));
        await().atMost(KafkaTopic.LONG).until(() -> received.contains("3"));
        subscription.close();
        assertThat(subscription.healthy()).isFalse();
    }

    @Test
    void B10_aRecordThatNobodyCanReadIsPassedOverAndItsPlaceIsADeadLetter(@TempDir Path data) throws Exception {
        try (KafkaServer own =
                KafkaServer.start(1, Map.of("log.dirs", data.resolve("log").toString()))) {
            KafkaSettings to = KafkaSettings.of(own.bootstrap());
            await().atMost(KafkaTopic.LONG).untilAsserted(() -> KafkaTopics.create(to, 2, 1, topic.route));
            try (KafkaProducer<byte[], byte[]> producer = KafkaTopic.producer(to, Map.of("linger.ms", 500))) {
                for (String id : List.of("first", "corrupt1", "corrupt2", "last")) {
                    producer.send(topic.event(id, 0));
                    if (!id.equals("corrupt1")) { // it shares a batch with the next
                        producer.flush();
                    }
                }
                producer.send(topic.event("other", 1)).get(30, TimeUnit.SECONDS);
            }
            corrupt(data.resolve("log").resolve(topic.name + "-0"), "corrupt2");
            Subscription subscription = group.subscribe(to, group.consumer());
            await().atMost(KafkaTopic.LONG).until(() -> group.handled.containsAll(List.of("first", "last", "other")));
            group.awaitCommitted(to, 0, 4);
            assertThat(group.handled).hasSize(3);
            assertThat(subscription.healthy()).isTrue();
            assertThat(TopicReader.read(to, topic.deadLetterTopic, 1))
                    .singleElement()
                    .satisfies(dead -> {
                        assertThat(KafkaTopic.header(dead, MessageHeaders.ERROR))
                                .contains("cannot be read");
                        assertThat(KafkaTopic.header(dead, MessageHeaders.ERROR_ORIGIN))
                                .isEqualTo(topic.name + "-0@1");
                        assertThat(KafkaTopic.header(dead, MessageHeaders.ERROR_BODY))
                                .contains("offsets 1 to 2 of " + topic.name + "-0");
                    });
            subscription.close();
        }
    }

    /** Changes one byte of a string in a partition's log. */
    private static void corrupt(Path partition, String text) throws Exception {
        Path segment;
        try (var files = Files.list(partition)) {
            segment = files.filter(each -> each.toString().endsWith(".log"))
                    .findFirst()
                    .orElseThrow();
        }
        String all = Files.readString(segment, java.nio.charset.StandardCharsets.ISO_8859_1);
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.seek(all.lastIndexOf(text));
            file.write('X');
        }
    }
}
