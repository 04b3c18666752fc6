package dev.posthaste.kafka;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How to reach and use Kafka.
 *
 * @param bootstrapServers {@code host:port}, several with commas between
 * @param client Kafka's own properties for every client, such as {@code security.protocol}, {@code sasl.jaas.config} or
 *     {@code ssl.truststore.location}; secrets belong in files or the environment, and are never logged
 * @param producer Kafka's own properties for producers; they replace the defaults here
 * @param consumer Kafka's own properties for consumers; they replace the defaults here
 * @param deliveryTimeout how long a publish may take; at most the relay's publish timeout
 * @param topicCheck how often topics are looked up again: whether they exist, their partitions and limits
 * @param prefetch how many messages of one partition may be waiting or being handled in this process
 * @param waitingBytes how many bytes of messages of all partitions may be waiting; one message more may exceed it
 */
public record KafkaSettings(
        String bootstrapServers,
        Map<String, String> client,
        Map<String, String> producer,
        Map<String, String> consumer,
        Duration deliveryTimeout,
        Duration topicCheck,
        int prefetch,
        long waitingBytes) {
    private static final long DEFAULT_WAITING_BYTES = 32L << 20;
    private static final String MAX_POLL_RECORDS = "1";
    private static final String MAX_FETCH_BYTES = "8388608";
    private static final Duration DEAD_LETTER_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration MAX_BEFORE_SENDING = Duration.ofSeconds(1);

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

    public KafkaSettings {
        client = Map.copyOf(client);
        producer = Map.copyOf(producer);
        consumer = Map.copyOf(consumer);
        if (bootstrapServers.isBlank()) {
            throw new IllegalArgumentException("Kafka's bootstrap servers are missing; expected host:port");
        }
        if (prefetch < 1) {
            throw new IllegalArgumentException("prefetch must be positive, not " + prefetch);
        }
        if (waitingBytes < 1) {
            throw new IllegalArgumentException("waitingBytes must be positive, not " + waitingBytes);
        }
        if (deliveryTimeout.toMillis() < 100 || topicCheck.toMillis() < 100) {
            throw new IllegalArgumentException("deliveryTimeout and topicCheck must be at least 100 ms, not "
                    + Outcomes.time(deliveryTimeout) + " and " + Outcomes.time(topicCheck));
        }
        for (Map<String, String> each : List.of(client, producer, consumer)) {
            for (String key : each.keySet()) {
                if (OURS.contains(key)) {
                    throw new IllegalArgumentException(
                            "Kafka's property " + key + " is set by Posthaste, because its guarantees depend on it");
                }
            }
        }
    }

    /** 7 s for a publish, a topic lookup every 30 s, 500 messages of a partition and 32 MiB in memory. */
    public static KafkaSettings of(String bootstrapServers) {
        return new KafkaSettings(
                bootstrapServers,
                Map.of(),
                Map.of(),
                Map.of(),
                Duration.ofSeconds(7),
                Duration.ofSeconds(30),
                500,
                DEFAULT_WAITING_BYTES);
    }

    public KafkaSettings withClient(Map<String, String> client) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    public KafkaSettings withProducer(Map<String, String> producer) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    public KafkaSettings withConsumer(Map<String, String> consumer) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    public KafkaSettings withTimes(Duration deliveryTimeout, Duration topicCheck) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    public KafkaSettings withPrefetch(int prefetch) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    public KafkaSettings withWaitingBytes(long waitingBytes) {
        return new KafkaSettings(
                bootstrapServers, client, producer, consumer, deliveryTimeout, topicCheck, prefetch, waitingBytes);
    }

    /** How long a message may wait for its topic's lookup and for room; the client has the rest of its time. */
    Duration beforeSending() {
        Duration quarter = deliveryTimeout.dividedBy(4);
        return quarter.compareTo(MAX_BEFORE_SENDING) < 0 ? quarter : MAX_BEFORE_SENDING;
    }

    /** As {@link #beforeSending}, while the clients are starting. */
    Duration whileStarting() {
        return deliveryTimeout.dividedBy(2);
    }

    /** How long a topic's lookup may take at first. */
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
        return deliveryTimeout.minus(beforeSending());
    }

    /** Whether a message that is too large for a topic may be small enough once it is compressed. */
    boolean compresses() {
        return !"none".equals(producerProperties().get("compression.type"));
    }

    /**
     * Always idempotent and acknowledged by all in-sync replicas. Batch size, linger and compression were chosen by
     * measuring: see BENCHMARKS.md.
     *
     * <p>One request at a time on each connection. A broker does not read a second request before it has answered the
     * first, and none while it throttles this client: requests already sent would then be written after the client gave
     * them up. One request holds a batch for each partition, so this costs little time.
     *
     * <p>A request may take as long as a delivery, because a late answer is still an answer. {@code send} never blocks;
     * otherwise it would hold up every other topic.
     */
    Map<String, Object> producerProperties() {
        Map<String, Object> all = new HashMap<>();
        all.put("linger.ms", "5");
        all.put("batch.size", "131072");
        all.put("compression.type", "lz4");
        all.put("buffer.memory", "67108864");
        all.put("max.request.size", "33554432"); // the topic's own limit is lower
        all.put("retry.backoff.ms", "50");
        all.put("reconnect.backoff.max.ms", "1000");
        all.put("max.in.flight.requests.per.connection", "1");
        all.putAll(client);
        all.putAll(producer);
        all.putIfAbsent("request.timeout.ms", Long.toString(longestRequest(all.getOrDefault("linger.ms", 0))));
        all.put("delivery.timeout.ms", Long.toString(inClient().toMillis()));
        all.put("max.block.ms", "0");
        all.put("bootstrap.servers", bootstrapServers);
        all.put("acks", "all");
        all.put("enable.idempotence", "true");
        return all;
    }

    /** The client requires that the request timeout and the linger fit into the delivery timeout. */
    private long longestRequest(Object linger) {
        try {
            return Math.max(
                    1, inClient().toMillis() - Long.parseLong(linger.toString().trim()));
        } catch (NumberFormatException e) {
            return Math.max(1, inClient().toMillis() / 2); // the client reports what is wrong with it
        }
    }

    /** Long timeouts: the caller gives a lookup up, and a late answer is still an answer. */
    Map<String, Object> adminProperties() {
        Map<String, Object> all = new HashMap<>();
        all.put("reconnect.backoff.max.ms", "1000");
        all.put("request.timeout.ms", Long.toString(longestLookup().toMillis()));
        all.put("default.api.timeout.ms", Long.toString(longestLookup().toMillis()));
        all.putAll(client);
        all.put("bootstrap.servers", bootstrapServers);
        return all;
    }

    /**
     * For a group's dead letters: the producer's properties, except that it may block, takes records of any size, and sends
     * each in a batch of its own, so that a refused one spoils no others.
     */
    Map<String, Object> deadLetterProperties() {
        Map<String, Object> all = producerProperties();
        all.put("batch.size", "0");
        all.put("linger.ms", "0");
        all.put("max.request.size", Integer.toString(Integer.MAX_VALUE));
        all.put("buffer.memory", Integer.toString(Integer.MAX_VALUE)); // only a limit; memory is allocated as needed
        all.put("request.timeout.ms", Long.toString(deadLetterTimeout().toMillis() / 2));
        all.put("delivery.timeout.ms", Long.toString(deadLetterTimeout().toMillis()));
        all.put("max.block.ms", Long.toString(deadLetterTimeout().toMillis()));
        return all;
    }

    /** Long, because nothing but its own key waits for a dead letter, and it may be large. */
    Duration deadLetterTimeout() {
        return DEAD_LETTER_TIMEOUT;
    }

    /**
     * A new group begins with the oldest message, so that nothing is lost. Aborted transactions are not read. Topics are
     * never created.
     *
     * <p>One record per poll, because the memory in use is checked between polls, and one record may be large. That is
     * enough for 50,000 records of 300 bytes per second on two cores, more than any handler with a transaction can take.
     */
    Map<String, Object> consumerProperties(String group) {
        Map<String, Object> all = new HashMap<>(client);
        all.putAll(consumer);
        all.putIfAbsent("auto.offset.reset", "earliest");
        all.putIfAbsent("isolation.level", "read_committed");
        if (!"consumer".equalsIgnoreCase(String.valueOf(all.get("group.protocol")))) { // that protocol refuses both
            all.putIfAbsent(
                    "partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
            all.putIfAbsent("session.timeout.ms", "15000"); // how long a dead member keeps its partitions
        }
        all.putIfAbsent("metadata.max.age.ms", "5000");
        all.putIfAbsent("reconnect.backoff.max.ms", "1000");
        all.putIfAbsent("max.poll.records", MAX_POLL_RECORDS);
        all.putIfAbsent("fetch.max.bytes", MAX_FETCH_BYTES);
        all.put("bootstrap.servers", bootstrapServers);
        all.put("group.id", group);
        all.put("enable.auto.commit", "false");
        all.put("allow.auto.create.topics", "false");
        return all;
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
            throw new IllegalStateException("no answer within " + Outcomes.time(timeout), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException | RuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(Objects.requireNonNullElse(cause.getMessage(), cause.toString()), e);
        }
    }

    /** Names the properties without their values, some of which are secret. */
    @Override
    public String toString() {
        Set<String> names = new TreeMap<>(client).keySet();
        return "KafkaSettings[" + bootstrapServers + ", client properties " + names + ", delivery within "
                + Outcomes.time(deliveryTimeout) + "]";
    }
}
