package dev.posthaste.reliability.torture;

import dev.posthaste.servers.KafkaServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Kafka's faults while its server works. */
final class KafkaFaults {
    private static final Duration AWAY = Duration.ofSeconds(4);
    private static final Duration THROTTLED = Duration.ofSeconds(20);
    private static final double BYTES_PER_SECOND = 20_000;
    private static final String QUOTA = "producer_byte_rate";
    private static final long REQUEST_SECONDS = 30;

    static final String TOO_FEW_REPLICAS = "topic without enough replicas";
    private static final Duration BROKER_AWAY = Duration.ofSeconds(8);
    private static final Duration OPEN = Duration.ofSeconds(4);

    private final Testbed stage;
    private final Topic topic;
    private final Random random;
    private final String name;
    private @Nullable AbortedTransaction open;
    private int transactions;

    /** @param topic receives what the topic contains before it is deleted */
    KafkaFaults(Testbed stage, Topic topic, Random random) {
        this.stage = stage;
        this.topic = topic;
        this.random = random;
        this.name = stage.setup.wire().route().destination();
    }

    void add(List<Fault> faults) {
        faults.add(new Fault(
                "topic deleted and made again", Nemesis.EVERYTHING, AWAY, this::deleteTopic, stage::createTopics));
        faults.add(new Fault(
                "producers throttled by a quota",
                "quota",
                THROTTLED,
                () -> quota(BYTES_PER_SECOND),
                () -> quota(null)));
        faults.add(Fault.atOnce("messages of others", "messages of others", this::publishForeign));
        faults.add(new Fault(
                "somebody's transaction in the topic aborted",
                "transaction in the topic",
                OPEN,
                () -> open = AbortedTransaction.begin(stage.setup, ++transactions),
                () -> Objects.requireNonNull(open).end()));
        if (stage.broker instanceof KafkaServer kafka && kafka.brokers() > 1) {
            faults.add(new Fault(
                    TOO_FEW_REPLICAS,
                    "broker",
                    BROKER_AWAY.dividedBy(2),
                    BROKER_AWAY,
                    () -> takeOneAway(kafka),
                    () -> bringBack(kafka)));
        }
    }

    /**
     * This takes away a replica of most partitions, which need all of their replicas: those refuse new messages. The
     * broker is killed, which is noticed only after a while, or shut down, in which case it deregisters.
     */
    private void takeOneAway(KafkaServer kafka) throws Exception {
        int broker = random.nextInt(kafka.brokers());
        if (random.nextBoolean()) {
            kafka.killBroker(broker);
        } else {
            kafka.stopBroker(broker);
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(REQUEST_SECONDS);
        while (hasEnoughReplicas()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("A broker is away, but " + REQUEST_SECONDS
                        + " s later every partition still has enough replicas");
            }
            Thread.sleep(100);
        }
    }

    private void bringBack(KafkaServer kafka) throws Exception {
        kafka.startAgain();
        if (!hasEnoughReplicas()) {
            throw new IllegalStateException("Not all replicas are in sync again");
        }
    }

    private boolean hasEnoughReplicas() throws Exception {
        try (Admin admin = admin()) {
            TopicDescription described = admin.describeTopics(List.of(name))
                    .allTopicNames()
                    .get(REQUEST_SECONDS, TimeUnit.SECONDS)
                    .get(name);
            return Objects.requireNonNull(described).partitions().stream()
                    .allMatch(partition -> partition.isr().size() >= KafkaBrokers.REPLICAS);
        }
    }

    /**
     * Everything in the topic is handled and read first, because unhandled messages would be lost with it; new events
     * wait while it is away.
     */
    private void deleteTopic() throws Exception {
        stage.end(Testbed.WRITER, true);
        try {
            stage.awaitDrained(Duration.ofMinutes(2));
            topic.read(stage.setup);
            try (Admin admin = admin()) {
                topic.deleted();
                admin.deleteTopics(List.of(name)).all().get(REQUEST_SECONDS, TimeUnit.SECONDS);
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(REQUEST_SECONDS);
                while (admin.listTopics()
                        .names()
                        .get(REQUEST_SECONDS, TimeUnit.SECONDS)
                        .contains(name)) {
                    if (System.nanoTime() > deadline) {
                        throw new IllegalStateException(
                                "Topic " + name + " still exists " + REQUEST_SECONDS + " s after it was deleted");
                    }
                    Thread.sleep(20);
                }
            }
        } finally {
            stage.start(Testbed.WRITER);
        }
    }

    /** @param rate of each client, or null for no quota */
    private void quota(@Nullable Double rate) throws Exception {
        Map<String, @Nullable String> everyClient = new HashMap<>();
        everyClient.put(ClientQuotaEntity.CLIENT_ID, null);
        try (Admin admin = admin()) {
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
                            new ClientQuotaEntity(everyClient), List.of(new ClientQuotaAlteration.Op(QUOTA, rate)))))
                    .all()
                    .get(REQUEST_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Publishes messages without Posthaste's headers: each becomes a dead letter, and nothing else happens. */
    private void publishForeign() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer =
                producer(Map.of("delivery.timeout.ms", 5_000, "request.timeout.ms", 4_000, "linger.ms", 0))) {
            for (byte[] body : Foreign.bodies()) {
                producer.send(new ProducerRecord<>(name, body)).get(REQUEST_SECONDS, TimeUnit.SECONDS);
            }
        }
    }

    private Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", stage.setup.broker()));
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        Map<String, Object> properties = new HashMap<>(more);
        properties.put("bootstrap.servers", stage.setup.broker());
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }
}
