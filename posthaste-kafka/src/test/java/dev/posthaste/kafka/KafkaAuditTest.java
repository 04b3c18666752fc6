package dev.posthaste.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receiver;
import dev.posthaste.inbox.RejectEvent;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.Processes;
import dev.posthaste.servers.TestDatabase;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Messages of others: what any producer may have written to a topic, and what a group does with it. */
class KafkaAuditTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String TYPE = "placed";
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final KafkaServer server = KafkaServer.shared();

    private final String name = "audit" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
    private final Route route = new Route(name, null, name + "-group");
    private final String deadLetterTopic = KafkaTopics.deadLetterTopic(name + "-group");
    private final KafkaSettings settings = KafkaSettings.of(server.bootstrap());
    private final TestDatabase database = DatabaseServer.of(Database.H2).createDatabase();
    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<String> handled = new CopyOnWriteArrayList<>();

    @BeforeEach
    void createTables() throws Exception {
        Schema.create(database.dataSource(), Catalog.of().outboxes());
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        database.close();
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.deleteTopics(admin.listTopics().names().get().stream()
                            .filter(topic -> topic.startsWith(name))
                            .toList())
                    .all()
                    .get();
        }
    }

    // --- Writing and reading as others do ----------------------------------------------------------------------------

    private static KafkaProducer<byte[], byte[]> producer(KafkaSettings to, Map<String, Object> more) {
        Map<String, Object> properties = new HashMap<>(Map.of("bootstrap.servers", to.bootstrapServers()));
        properties.putAll(more);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private ProducerRecord<byte[], byte[]> event(String id, byte[] value) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(name, 0, id.getBytes(UTF_8), value);
        record.headers().add(MessageHeaders.EVENT_ID, id.getBytes(UTF_8));
        record.headers().add(MessageHeaders.EVENT_TYPE, TYPE.getBytes(UTF_8));
        return record;
    }

    private ProducerRecord<byte[], byte[]> event(String id) {
        return event(id, id.getBytes(UTF_8));
    }

    @SafeVarargs
    private void write(Map<String, Object> how, ProducerRecord<byte[], byte[]>... records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(settings, how)) {
            for (ProducerRecord<byte[], byte[]> each : records) {
                producer.send(each).get(30, TimeUnit.SECONDS);
            }
        }
    }

    private Consumer consumer() {
        return consumer((text, context) -> {
            if (text.startsWith("bad")) {
                throw new RejectEvent("no such customer");
            }
            handled.add(text.substring(0, Math.min(text.length(), 20)));
        });
    }

    private Consumer consumer(Handler<String> handler) {
        Inbox inbox = Inbox.builder(database.dataSource())
                .consumer("audit")
                .on(TYPE, String.class, handler)
                .build();
        return new Consumer(
                inbox,
                ConsumerSettings.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(10), 3)),
                ConsumerListener.NONE);
    }

    private KafkaSubscription subscribe(KafkaSettings to) {
        return subscribe(to, consumer());
    }

    private KafkaSubscription subscribe(KafkaSettings to, Receiver receiver) {
        KafkaSubscription subscription = new KafkaSubscription(to, route, receiver);
        open.add(0, subscription);
        subscription.start();
        return subscription;
    }

    private List<ConsumerRecord<byte[], byte[]>> deadLetters() {
        return TopicReader.read(settings, deadLetterTopic, 1);
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String header) {
        return new String(record.headers().lastHeader(header).value(), UTF_8);
    }

    private void awaitCommitted(KafkaSettings to, int partition, long offset) throws Exception {
        try (Admin admin = Admin.create(to.adminProperties())) {
            await().atMost(LONG).untilAsserted(() -> {
                Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(name + "-group")
                        .partitionsToOffsetAndMetadata()
                        .get();
                assertThat(committed)
                        .hasEntrySatisfying(
                                new TopicPartition(name, partition),
                                each -> assertThat(each.offset()).isEqualTo(offset));
            });
        }
    }

    private void create(String topic, Map<String, String> configs) throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(configs)))
                    .all()
                    .get();
        }
        KafkaTopics.create(settings, 1, 1, Route.to(topic)); // waits for its leader
    }

    private long limit(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = Admin.create(settings.adminProperties())) {
            Map<ConfigResource, Config> configs =
                    admin.describeConfigs(List.of(resource)).all().get();
            return Long.parseLong(Objects.requireNonNull(configs.get(resource))
                    .get("max.message.bytes")
                    .value());
        }
    }

    // --- What is read ------------------------------------------------------------------------------------------------

    @Test
    void B05_whatAProducerAbortedIsNotHandled() throws Exception {
        KafkaTopics.create(settings, 1, 1, route);
        try (KafkaProducer<byte[], byte[]> producer = producer(settings, Map.of("transactional.id", name))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(event("aborted")).get(30, TimeUnit.SECONDS);
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(event("committed"));
            producer.commitTransaction();
        }
        subscribe(settings);
        await().atMost(LONG).until(() -> handled.contains("committed"));
        assertThat(handled).containsExactly("committed");
        assertThat(settings.withConsumer(Map.of("isolation.level", "read_uncommitted"))
                        .consumerProperties("g"))
                .containsEntry("isolation.level", "read_uncommitted");
    }

    @Test
    void B05_aGroupOfTheNewProtocolHandsItsPartitionsOver() throws Exception {
        KafkaTopics.create(settings, 4, 1, route);
        KafkaSettings modern = settings.withConsumer(Map.of("group.protocol", "consumer"));
        Map<Integer, Set<String>> byMember = new ConcurrentHashMap<>();
        List<KafkaSubscription> members = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(settings, Map.of())) {
            int sent = 0;
            for (int m = 0; m < 2; m++) {
                int member = m;
                Set<String> own = ConcurrentHashMap.newKeySet();
                byMember.put(member, own);
                members.add(subscribe(modern, consumer((text, context) -> {
                    handled.add(text);
                    own.add(text);
                })));
                await().atMost(LONG).until(members.get(member)::healthy);
                long end = System.nanoTime() + LONG.toNanos();
                while (own.isEmpty() && System.nanoTime() < end) {
                    String id = "e" + sent++;
                    producer.send(partitioned(id, sent % 4)).get(30, TimeUnit.SECONDS);
                }
                assertThat(own).isNotEmpty();
            }
            int until = sent;
            await().atMost(LONG).until(() -> handled.size() == until);
            members.get(0).close();
            for (int partition = 0; partition < 4; partition++) {
                producer.send(partitioned("after" + partition, partition)).get(30, TimeUnit.SECONDS);
            }
            await().atMost(LONG).until(() -> handled.size() == until + 4);
            assertThat(handled).doesNotHaveDuplicates();
            assertThat(byMember.get(1)).contains("after0", "after1", "after2", "after3");
        }
    }

    private ProducerRecord<byte[], byte[]> partitioned(String id, int partition) {
        ProducerRecord<byte[], byte[]> event = event(id);
        return new ProducerRecord<>(name, partition, event.key(), event.value(), event.headers());
    }

    // --- Dead letters ------------------------------------------------------------------------------------------------

    @Test
    void B06_deadLettersAreWhatCameToTheByteAndTheOffsetMovesOn() throws Exception {
        KafkaTopics.create(settings, 1, 1, route);
        byte[] bytes = {(byte) 0x80, 1, (byte) 0xff, 0};
        List<Header> headers = List.of(
                new RecordHeader("twice", new byte[] {1}),
                new RecordHeader("nothing", (byte[]) null),
                new RecordHeader("twice", bytes),
                new RecordHeader(MessageHeaders.ERROR, "an earlier error".getBytes(UTF_8)));
        write(
                Map.of(),
                new ProducerRecord<>(name, 0, bytes, bytes, headers),
                new ProducerRecord<>(name, 0, bytes, null, headers),
                new ProducerRecord<>(name, 0, null, new byte[0]),
                event("good"));
        subscribe(settings);
        awaitCommitted(settings, 0, 4);
        assertThat(handled).containsExactly("good");
        List<ConsumerRecord<byte[], byte[]>> dead = deadLetters();
        assertThat(dead).hasSize(3);
        for (ConsumerRecord<byte[], byte[]> each : dead) {
            assertThat(header(each, MessageHeaders.ERROR)).contains("no event id");
            assertThat(header(each, MessageHeaders.ERROR_CONSUMER)).isEqualTo("audit");
        }
        dead.sort((a, b) -> header(a, MessageHeaders.ERROR_ORIGIN).compareTo(header(b, MessageHeaders.ERROR_ORIGIN)));
        assertThat(dead.get(0).value()).isEqualTo(bytes);
        assertThat(dead.get(1).value()).as("a tombstone").isNull();
        assertThat(dead.get(2).value()).isEmpty();
        assertThat(dead.get(2).key()).isNull();
        for (int i = 0; i < 3; i++) {
            assertThat(header(dead.get(i), MessageHeaders.ERROR_ORIGIN)).isEqualTo(name + "-0@" + i);
        }
        for (ConsumerRecord<byte[], byte[]> each : dead.subList(0, 2)) {
            assertThat(each.key()).isEqualTo(bytes);
            assertThat(List.of(each.headers().toArray()).subList(0, headers.size()))
                    .isEqualTo(headers);
        }
    }

    @Test
    void B06_whatFitIntoItsTopicCompressedFitsIntoTheDeadLetterTopicWhole() throws Exception {
        create(name, Map.of("max.message.bytes", "10485760"));
        KafkaTopics.create(settings, 1, 1, route);
        byte[] text = ("bad" + "x".repeat(3_000_000)).getBytes(UTF_8);
        byte[] noise = new byte[9_000_000];
        new Random(1).nextBytes(noise);
        System.arraycopy("bad".getBytes(UTF_8), 0, noise, 0, 3);
        Map<String, Object> large = Map.of("max.request.size", 100_000_000, "compression.type", "gzip");
        write(large, event("text", text), event("noise", noise), event("good"));
        subscribe(settings);
        awaitCommitted(settings, 0, 3);
        assertThat(handled).containsExactly("good");
        assertThat(deadLetters()).extracting(ConsumerRecord::value).containsExactlyInAnyOrder(text, noise);
        assertThat(limit(deadLetterTopic)).isGreaterThanOrEqualTo(64 << 20);
    }

    @Test
    void B06_whatTheDeadLetterTopicRefusesIsSentWithLessAndLessOfIt() throws Exception {
        KafkaTopics.create(settings, 1, 1, Route.to(name));
        create(deadLetterTopic, Map.of("max.message.bytes", "2600", "cleanup.policy", "compact"));
        byte[] noise = new byte[2_000];
        new Random(1).nextBytes(noise);
        byte[] tooLarge = new byte[4_000];
        new Random(2).nextBytes(tooLarge);
        List<Header> large = List.of(new RecordHeader("large", tooLarge));
        write(
                Map.of(),
                new ProducerRecord<>(name, 0, new byte[] {1}, noise), // not with all of its stack
                new ProducerRecord<>(name, 0, new byte[] {2}, tooLarge),
                new ProducerRecord<>(name, 0, new byte[] {3}, noise, large),
                new ProducerRecord<>(name, 0, null, noise), // a compacted topic demands a key
                event("good"));
        subscribe(settings, failing());
        awaitCommitted(settings, 0, 5);
        List<ConsumerRecord<byte[], byte[]>> dead = deadLetters();
        dead.sort((a, b) -> header(a, MessageHeaders.ERROR_ORIGIN).compareTo(header(b, MessageHeaders.ERROR_ORIGIN)));
        assertThat(dead)
                .extracting(each -> header(each, MessageHeaders.ERROR_ORIGIN))
                .containsExactly(name + "-0@0", name + "-0@1", name + "-0@2", name + "-0@3", name + "-0@4");
        assertThat(dead.get(0).value()).isEqualTo(noise);
        assertThat(dead.get(0).headers().lastHeader(MessageHeaders.ERROR_STACK)).isNull();
        for (int i = 1; i <= 3; i++) {
            assertThat(dead.get(i).value()).isEmpty();
            assertThat(header(dead.get(i), MessageHeaders.ERROR_BODY)).contains("left out", name + "-0@" + i);
        }
        assertThat(dead.get(1).key()).isEqualTo(new byte[] {2});
        assertThat(dead.get(3).key()).isEqualTo((name + "-0@3").getBytes(UTF_8));
    }

    /** Gives everything up, with a stack whose text cannot be compressed. */
    private static Receiver failing() {
        RuntimeException cause = new RuntimeException();
        Random random = new Random(3);
        cause.setStackTrace(IntStream.range(0, 40)
                .mapToObj(i -> new StackTraceElement(Long.toHexString(random.nextLong()), "m", "F.java", i))
                .toArray(StackTraceElement[]::new));
        return receiver(delivery -> {
            try {
                delivery.deadLetter(new dev.posthaste.inbox.Failure("failing", "no", cause, 1));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    private interface Accepting {
        void accept(Delivery delivery);
    }

    private static Receiver receiver(Accepting accepting) {
        return new Receiver() {
            @Override
            public String name() {
                return "receiver";
            }

            @Override
            public boolean handles(Message message) {
                return true;
            }

            @Override
            public void accept(Delivery delivery) {
                accepting.accept(delivery);
            }

            @Override
            public void close() {}
        };
    }

    @Test
    void B06_aMissingOrSmallDeadLetterTopicIsWarnedAboutAndNotCreated() throws Exception {
        KafkaTopics.create(settings, 1, 1, Route.to(name));
        Logger logger = (Logger) LoggerFactory.getLogger(KafkaSubscription.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        logger.addAppender(appender);
        try {
            write(Map.of(), event("bad"));
            KafkaSubscription first = subscribe(settings);
            await().atMost(LONG).until(() -> logged(appender, deadLetterTopic + " does not exist: what is given up"));
            try (Admin admin = Admin.create(settings.adminProperties())) {
                assertThat(admin.listTopics().names().get()).doesNotContain(deadLetterTopic);
            }
            create(deadLetterTopic, Map.of("max.message.bytes", "1114124"));
            awaitCommitted(settings, 0, 1);
            first.close();
            assertThat(limit(deadLetterTopic)).isEqualTo(1_114_124);
            KafkaTopics.create(settings, 1, 1, route);
            assertThat(limit(deadLetterTopic))
                    .as("raised: nobody chose the limit of an earlier version")
                    .isEqualTo(64 << 20);
        } finally {
            logger.detachAppender(appender);
        }
    }

    private static boolean logged(ListAppender<ILoggingEvent> appender, String text) {
        return List.copyOf(appender.list).stream()
                .anyMatch(each -> each.getFormattedMessage().contains(text));
    }

    // --- Memory, errors, corruption ----------------------------------------------------------------------------------

    /** Handles everything it is sent, in a small heap. Arguments: bootstrap servers, topic, group, how many. */
    static final class SmallHeap {
        private SmallHeap() {}

        public static void main(String[] arguments) throws Exception {
            AtomicInteger done = new AtomicInteger();
            List<Delivery> waiting = new CopyOnWriteArrayList<>();
            int all = Integer.parseInt(arguments[3]);
            KafkaSubscription subscription = new KafkaSubscription(
                    KafkaSettings.of(arguments[0]),
                    new Route(arguments[1], null, arguments[2]),
                    receiver(waiting::add));
            subscription.start();
            while (done.get() < all) {
                Thread.sleep(20);
                for (Delivery each : waiting) { // slower than they come
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
        KafkaTopics.create(settings, 1, 1, route);
        byte[] large = new byte[1_000_000];
        try (KafkaProducer<byte[], byte[]> producer = producer(
                settings, Map.of("compression.type", "gzip", "max.request.size", 2_000_000, "batch.size", 1_100_000))) {
            for (int i = 0; i < 400; i++) {
                producer.send(event("e" + i, large));
            }
        }
        Process process = Processes.java(
                "heap", home, Map.of(), SmallHeap.class, server.bootstrap(), name, name + "-group", "400");
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(home.resolve("heap.log")))
                .contains("done 400, healthy true")
                .doesNotContain("OutOfMemoryError");
    }

    @Test
    void B10_aPartitionThatIsStuckWithLargeMessagesHoldsUpNoOther() throws Exception {
        KafkaTopics.create(settings, 2, 1, route);
        List<Delivery> stuck = new CopyOnWriteArrayList<>();
        AtomicInteger others = new AtomicInteger();
        byte[] large = new byte[100_000];
        try (KafkaProducer<byte[], byte[]> producer = producer(settings, Map.of("compression.type", "lz4"))) {
            for (int i = 0; i < 50; i++) {
                producer.send(new ProducerRecord<>(name, 0, null, large));
                producer.send(new ProducerRecord<>(name, 1, null, large));
            }
        }
        KafkaSettings little = settings.withWaitingBytes(1_000_000);
        Receiver receiver = receiver(delivery -> {
            if (delivery.lane().equals(new TopicPartition(name, 0))) {
                stuck.add(delivery);
            } else {
                others.incrementAndGet();
                delivery.done();
            }
        });
        KafkaSubscription subscription =
                new KafkaSubscription(little, route, KafkaSubscription.Order.PARTITION, receiver);
        open.add(subscription);
        subscription.start();
        await().atMost(LONG).until(() -> others.get() == 50);
        assertThat(stuck.size()).isBetween(1, 3); // half of its share of the megabyte
    }

    @Test
    void B10_anErrorEndsAMemberOfTheGroupAndNotTheSubscription() throws Exception {
        KafkaTopics.create(settings, 1, 1, route);
        List<Error> errors = new CopyOnWriteArrayList<>(
                List.of(new OutOfMemoryError("planned"), new StackOverflowError(), new ThreadDeath()));
        List<String> received = new CopyOnWriteArrayList<>();
        KafkaSubscription subscription = subscribe(settings, receiver(delivery -> {
            if (!errors.isEmpty()) {
                throw errors.remove(0);
            }
            received.add(new String(delivery.message().body(), UTF_8));
            delivery.done();
        }));
        write(Map.of(), event("1"), event("2"));
        await().atMost(LONG).until(() -> received.containsAll(List.of("1", "2")));
        await().atMost(LONG).until(subscription::healthy);
        awaitCommitted(settings, 0, 2);
        Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().equals("posthaste-kafka-" + name + "-group"))
                .forEach(Thread::interrupt);
        write(Map.of(), event("3"));
        await().atMost(LONG).until(() -> received.contains("3"));
        subscription.close();
        assertThat(subscription.healthy()).isFalse();
    }

    @Test
    void B10_aRecordThatNobodyCanReadIsPassedOverAndItsPlaceIsADeadLetter(@TempDir Path data) throws Exception {
        try (KafkaServer own =
                KafkaServer.start(1, Map.of("log.dirs", data.resolve("log").toString()))) {
            KafkaSettings to = KafkaSettings.of(own.bootstrap());
            await().atMost(LONG).untilAsserted(() -> KafkaTopics.create(to, 2, 1, route));
            try (KafkaProducer<byte[], byte[]> producer = producer(to, Map.of("linger.ms", 500))) {
                for (String id : List.of("first", "corrupt1", "corrupt2", "last")) {
                    producer.send(partitioned(id, 0));
                    if (!id.equals("corrupt1")) { // which shares a batch with the next
                        producer.flush();
                    }
                }
                producer.send(partitioned("other", 1)).get(30, TimeUnit.SECONDS);
            }
            corrupt(data.resolve("log").resolve(name + "-0"), "corrupt2");
            KafkaSubscription subscription = subscribe(to);
            await().atMost(LONG).until(() -> handled.containsAll(List.of("first", "last", "other")));
            awaitCommitted(to, 0, 4);
            assertThat(handled).hasSize(3);
            assertThat(subscription.healthy()).isTrue();
            assertThat(TopicReader.read(to, deadLetterTopic, 1)).singleElement().satisfies(dead -> {
                assertThat(header(dead, MessageHeaders.ERROR)).contains("cannot be read");
                assertThat(header(dead, MessageHeaders.ERROR_ORIGIN)).isEqualTo(name + "-0@1");
                assertThat(header(dead, MessageHeaders.ERROR_BODY)).contains("offsets 1 to 2 of " + name + "-0");
            });
            subscription.close();
        }
    }

    /** Changes one byte of a text in a partition's log. */
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
