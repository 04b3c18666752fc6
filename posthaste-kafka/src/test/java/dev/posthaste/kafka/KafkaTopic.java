package dev.posthaste.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.servers.KafkaServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A test's own topic on the shared server, and others whose names begin with its name. Nothing is created until the
 * test asks for it; everything is deleted at the end.
 */
final class KafkaTopic implements AutoCloseable {
    static final Duration LONG = Duration.ofSeconds(60);
    static final String TYPE = "placed";
    private static final AtomicInteger NEXT = new AtomicInteger();

    final KafkaServer server = KafkaServer.shared();
    final String name = "own" + ProcessHandle.current().pid() + "-" + NEXT.incrementAndGet();
    final Route route = Route.to(name).group(name + "-group");
    final String deadLetterTopic = KafkaTopics.deadLetterTopic(name + "-group");
    final KafkaSettings settings = KafkaSettings.of(server.bootstrap());

    /** Creates a topic with one partition. */
    void create(String topic, Map<String, String> configs) throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(configs)))
                    .all()
                    .get();
        }
        KafkaTopics.create(settings, 1, 1, Route.to(topic)); // waits for its leader
    }

    long limit(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = Admin.create(settings.adminProperties())) {
            Map<ConfigResource, Config> configs =
                    admin.describeConfigs(List.of(resource)).all().get();
            return Long.parseLong(Objects.requireNonNull(configs.get(resource))
                    .get("max.message.bytes")
                    .value());
        }
    }

    // --- Writing like Posthaste --------------------------------------------------------------------------------------

    static CompletableFuture<Outcome> send(KafkaBroker broker, Message message) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        broker.publish(message, outcome::complete);
        return outcome;
    }

    static Outcome publish(KafkaBroker broker, Message message) throws Exception {
        return send(broker, message).get(30, TimeUnit.SECONDS);
    }

    // --- Writing and reading like other programs ---------------------------------------------------------------------

    static KafkaProducer<byte[], byte[]> producer(KafkaSettings to, Map<String, Object> more) {
        Map<String, Object> properties = new HashMap<>(Map.of("bootstrap.servers", to.bootstrapServers()));
        properties.putAll(more);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    ProducerRecord<byte[], byte[]> event(String id, int partition, byte[] value) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(name, partition, id.getBytes(UTF_8), value);
        record.headers().add(MessageHeaders.EVENT_ID, id.getBytes(UTF_8));
        record.headers().add(MessageHeaders.EVENT_TYPE, TYPE.getBytes(UTF_8));
        return record;
    }

    ProducerRecord<byte[], byte[]> event(String id, byte[] value) {
        return event(id, 0, value);
    }

    ProducerRecord<byte[], byte[]> event(String id, int partition) {
        return event(id, partition, id.getBytes(UTF_8));
    }

    ProducerRecord<byte[], byte[]> event(String id) {
        return event(id, 0);
    }

    @SafeVarargs
    final void write(Map<String, Object> how, ProducerRecord<byte[], byte[]>... records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(settings, how)) {
            for (ProducerRecord<byte[], byte[]> each : records) {
                producer.send(each).get(30, TimeUnit.SECONDS);
            }
        }
    }

    List<ConsumerRecord<byte[], byte[]>> deadLetters() {
        return TopicReader.read(settings, deadLetterTopic, 1);
    }

    static String header(ConsumerRecord<byte[], byte[]> record, String header) {
        return new String(record.headers().lastHeader(header).value(), UTF_8);
    }

    @Override
    public void close() throws Exception {
        try (Admin admin = Admin.create(settings.adminProperties())) {
            admin.deleteTopics(admin.listTopics().names().get().stream()
                            .filter(topic -> topic.startsWith(name))
                            .toList())
                    .all()
                    .get();
        }
    }
}
