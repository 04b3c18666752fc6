package dev.posthaste.kafka;

import dev.posthaste.CheckReturnValue;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * How to reach and use Kafka. Kafka's own properties pass through, except those that Posthaste's promises depend on.
 * Immutable: every method with a parameter returns a changed copy.
 *
 * <pre>{@code
 * KafkaSettings.of("localhost:9092")
 *         .client(Map.of("security.protocol", "SSL"))
 *         .createTopics(12, 3)
 * }</pre>
 */
@CheckReturnValue
public final class KafkaSettings {
    private static final long DEFAULT_WAITING_BYTES = 32L << 20;
    private static final Duration DEAD_LETTER_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration MAX_BEFORE_SENDING = Duration.ofSeconds(1);
    private static final Duration MIN_TIME = Duration.ofMillis(100);
    private static final Duration MAX_TIME = Duration.ofDays(1);

    private static final Set<String> OURS = Set.of(
            "bootstrap.servers",
            "key.serializer",
            "value.serializer",
            "key.deserializer",
            "value.deserializer",
            "acks",
            "enable.idempotence",
            "transactional.id",
            "delivery.timeout.ms",
            "max.block.ms",
            "enable.auto.commit",
            "group.id");

    private final Fields fields;

    /** The settings' fields; changed only until a settings object holds them. */
    private static final class Fields implements Cloneable {
        private final String bootstrapServers;
        private Map<String, String> client = Map.of();
        private Map<String, String> producer = Map.of();
        private Map<String, String> consumer = Map.of();
        private int partitions;
        private int replicas;
        private boolean partitionOrder;
        private int prefetch = 500;
        private long waitingBytes = DEFAULT_WAITING_BYTES;
        private Duration deliveryTimeout = Duration.ofSeconds(7);
        private Duration topicCheck = Duration.ofSeconds(30);

        private Fields(String bootstrapServers) {
            this.bootstrapServers = bootstrapServers;
        }

        private Fields copy() {
            try {
                return (Fields) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }

        private List<Object> all() {
            return List.of(
                    bootstrapServers,
                    client,
                    producer,
                    consumer,
                    partitions,
                    replicas,
                    partitionOrder,
                    prefetch,
                    waitingBytes,
                    deliveryTimeout,
                    topicCheck);
        }
    }

    private KafkaSettings(Fields fields) {
        this.fields = fields;
    }

    private KafkaSettings with(Consumer<Fields> change) {
        Fields changed = fields.copy();
        change.accept(changed);
        return new KafkaSettings(changed);
    }

    /**
     * Nothing is created; a publish may take 7 s; 500 messages of each partition, and 32 MiB, wait in memory.
     *
     * @param bootstrapServers {@code host:port}, several separated by commas
     * @throws IllegalArgumentException if it is blank
     */
    public static KafkaSettings of(String bootstrapServers) {
        if (bootstrapServers.isBlank()) {
            throw new IllegalArgumentException("Kafka's bootstrap servers are missing; expected host:port");
        }
        return new KafkaSettings(new Fields(bootstrapServers));
    }

    /**
     * Kafka's own properties for every client, such as {@code security.protocol}, {@code sasl.jaas.config} or {@code
     * ssl.truststore.location}, instead of those given before. Secrets belong in files or the environment, and are never
     * logged.
     *
     * @throws IllegalArgumentException for a property that Posthaste sets itself
     */
    public KafkaSettings client(Map<String, String> properties) {
        return with(copy -> copy.client = allowed(properties));
    }

    /** The same for producers; they replace Posthaste's defaults. */
    public KafkaSettings producer(Map<String, String> properties) {
        return with(copy -> copy.producer = allowed(properties));
    }

    /** The same for consumers; they replace Posthaste's defaults. */
    public KafkaSettings consumer(Map<String, String> properties) {
        return with(copy -> copy.consumer = allowed(properties));
    }

    /**
     * Creates what is missing of each route that the broker publishes to or subscribes to: its topic, and its group's
     * dead-letter topic, which has one partition and accepts messages at least as large as the topic does. What exists
     * stays as it is. Unless this is set, Posthaste creates no topics.
     *
     * @param partitions choose enough for years: a key's order depends on its partition, and raising the number later
     *     moves keys to other partitions
     * @param replicas 3 in production, which sets {@code min.insync.replicas} to 2; -1 for the brokers' default
     */
    public KafkaSettings createTopics(int partitions, int replicas) {
        positive("partitions", partitions);
        if (replicas != -1) {
            positive("replicas", replicas);
        }
        return with(copy -> {
            copy.partitions = partitions;
            copy.replicas = replicas;
        });
    }

    /**
     * Whether all messages of a partition wait for one another, and are handled in the order of their offsets. Otherwise only
     * those of one key do, so that a failing key delays only itself, and messages without a key do not wait.
     */
    public KafkaSettings partitionOrder(boolean partitionOrder) {
        return with(copy -> copy.partitionOrder = partitionOrder);
    }

    /** How many messages of one partition may be waiting or being handled in this process; 500 unless set. */
    public KafkaSettings prefetch(int messages) {
        positive("prefetch", messages);
        return with(copy -> copy.prefetch = messages);
    }

    /**
     * How many bytes of messages of all partitions of a subscription may be waiting; it may be exceeded by one message.
     * 32 MiB unless set.
     */
    public KafkaSettings waitingBytes(long bytes) {
        positive("waitingBytes", bytes);
        return with(copy -> copy.waitingBytes = bytes);
    }

    /** How long a publish may take, from 100 ms to a day, and at most the relay's publish timeout; 7 s unless set. */
    public KafkaSettings deliveryTimeout(Duration timeout) {
        inRange("deliveryTimeout", timeout);
        return with(copy -> copy.deliveryTimeout = timeout);
    }

    /**
     * How often topics are looked up again: whether they exist, their partitions and limits. From 100 ms to a day; 30 s unless
     * set.
     */
    public KafkaSettings topicCheck(Duration interval) {
        inRange("topicCheck", interval);
        return with(copy -> copy.topicCheck = interval);
    }

    private static Map<String, String> allowed(Map<String, String> properties) {
        for (String key : properties.keySet()) {
            if (OURS.contains(key)) {
                throw new IllegalArgumentException(
                        "Kafka's property " + key + " is set by Posthaste, because its guarantees depend on it");
            }
        }
        return Map.copyOf(properties);
    }

    private static void positive(String what, long number) {
        if (number < 1) {
            throw new IllegalArgumentException(what + " must be positive, not " + number);
        }
    }

    private static void inRange(String what, Duration time) {
        if (time.compareTo(MIN_TIME) < 0 || time.compareTo(MAX_TIME) > 0) {
            throw new IllegalArgumentException(what + " must be from 100 ms to a day, not " + DurationText.of(time));
        }
    }

    // --- Values ------------------------------------------------------------------------------------------------------

    String bootstrapServers() {
        return fields.bootstrapServers;
    }

    Map<String, String> client() {
        return fields.client;
    }

    Map<String, String> producer() {
        return fields.producer;
    }

    Map<String, String> consumer() {
        return fields.consumer;
    }

    boolean createsTopics() {
        return fields.partitions > 0;
    }

    int partitions() {
        return fields.partitions;
    }

    int replicas() {
        return fields.replicas;
    }

    boolean partitionOrder() {
        return fields.partitionOrder;
    }

    int prefetch() {
        return fields.prefetch;
    }

    long waitingBytes() {
        return fields.waitingBytes;
    }

    Duration deliveryTimeout() {
        return fields.deliveryTimeout;
    }

    Duration topicCheck() {
        return fields.topicCheck;
    }

    // --- Derived values ----------------------------------------------------------------------------------------------

    /** How long a message may wait for its topic's lookup and for room; the client gets the rest of its time. */
    Duration beforeSending() {
        Duration quarter = fields.deliveryTimeout.dividedBy(4);
        return quarter.compareTo(MAX_BEFORE_SENDING) < 0 ? quarter : MAX_BEFORE_SENDING;
    }

    /** Like {@link #beforeSending}, while the clients are starting. */
    Duration whileStarting() {
        return fields.deliveryTimeout.dividedBy(2);
    }

    /** How long the first lookup of a topic may take. */
    Duration firstLookup() {
        return whileStarting().plus(PendingSend.GRACE);
    }

    /** How long the next lookup may take if one got no answer within {@code time}. */
    Duration nextLookup(Duration time) {
        Duration twice = time.multipliedBy(2);
        return twice.compareTo(longestLookup()) < 0 ? twice : longestLookup();
    }

    /** How long a lookup may take at most, whatever waits for it. */
    Duration longestLookup() {
        return firstLookup().multipliedBy(4);
    }

    /** How long the client has for a message. */
    Duration inClient() {
        return fields.deliveryTimeout.minus(beforeSending());
    }

    /** Whether a message that is too large for a topic may be small enough once it is compressed. */
    boolean compresses() {
        return !"none".equals(producerProperties().get("compression.type"));
    }

    /** Long, because nothing but its own key waits for a dead letter, and it may be large. */
    Duration deadLetterTimeout() {
        return DEAD_LETTER_TIMEOUT;
    }

    Map<String, Object> producerProperties() {
        return ClientProperties.producer(this);
    }

    Map<String, Object> adminProperties() {
        return ClientProperties.admin(this);
    }

    Map<String, Object> deadLetterProperties() {
        return ClientProperties.deadLetters(this);
    }

    Map<String, Object> consumerProperties(String group) {
        return ClientProperties.consumer(this, group);
    }

    /**
     * Makes the same clients as a broker with these settings, and waits for the cluster to answer.
     *
     * @throws IllegalStateException if a client refuses a property, or no answer came in time; the message says why
     */
    public void check(Duration timeout) {
        try {
            new KafkaProducer<>(producerProperties(), new ByteArraySerializer(), new ByteArraySerializer())
                    .close(Duration.ZERO);
            Admin admin = Admin.create(adminProperties());
            try {
                admin.describeCluster().clusterId().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                admin.close(Duration.ZERO); // close() would wait for a cluster that does not answer
            }
        } catch (TimeoutException e) {
            throw new IllegalStateException("no answer within " + DurationText.of(timeout), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException | RuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(Objects.requireNonNullElse(cause.getMessage(), cause.toString()), e);
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof KafkaSettings settings && fields.all().equals(settings.fields.all());
    }

    @Override
    public int hashCode() {
        return fields.all().hashCode();
    }

    /** Names the properties without their values, some of which are secret. */
    @Override
    public String toString() {
        return "Kafka at " + fields.bootstrapServers + ", client properties " + new TreeSet<>(fields.client.keySet())
                + ", delivery within " + DurationText.of(fields.deliveryTimeout);
    }
}
