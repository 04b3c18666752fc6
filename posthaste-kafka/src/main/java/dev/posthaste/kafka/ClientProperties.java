package dev.posthaste.kafka;

import java.util.HashMap;
import java.util.Map;

/**
 * The properties of Kafka's clients: the settings' properties, Posthaste's defaults, and what its promises depend on.
 */
final class ClientProperties {
    private static final String MAX_POLL_RECORDS = "1";
    private static final String MAX_FETCH_BYTES = "8388608";

    private ClientProperties() {}

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
    static Map<String, Object> producer(KafkaSettings settings) {
        Map<String, Object> all = new HashMap<>();
        all.put("linger.ms", "5");
        all.put("batch.size", "131072");
        all.put("compression.type", "lz4");
        all.put("buffer.memory", "67108864");
        all.put("max.request.size", "33554432"); // the topic's own limit is lower
        all.put("retry.backoff.ms", "50");
        all.put("reconnect.backoff.max.ms", "1000");
        all.put("max.in.flight.requests.per.connection", "1");
        all.putAll(settings.client());
        all.putAll(settings.producer());
        all.putIfAbsent(
                "request.timeout.ms", Long.toString(longestRequest(settings, all.getOrDefault("linger.ms", 0))));
        all.put("delivery.timeout.ms", Long.toString(settings.inClient().toMillis()));
        all.put("max.block.ms", "0");
        all.put("bootstrap.servers", settings.bootstrapServers());
        all.put("acks", "all");
        all.put("enable.idempotence", "true");
        return all;
    }

    /** The client requires that the request timeout and the linger fit into the delivery timeout. */
    private static long longestRequest(KafkaSettings settings, Object linger) {
        try {
            return Math.max(
                    1,
                    settings.inClient().toMillis()
                            - Long.parseLong(linger.toString().trim()));
        } catch (NumberFormatException e) {
            return Math.max(1, settings.inClient().toMillis() / 2); // the client reports what is wrong with it
        }
    }

    /** Long timeouts: the caller gives up on a lookup, and a late answer is still an answer. */
    static Map<String, Object> admin(KafkaSettings settings) {
        Map<String, Object> all = new HashMap<>();
        all.put("reconnect.backoff.max.ms", "1000");
        all.put("request.timeout.ms", Long.toString(settings.longestLookup().toMillis()));
        all.put("default.api.timeout.ms", Long.toString(settings.longestLookup().toMillis()));
        all.putAll(settings.client());
        all.put("bootstrap.servers", settings.bootstrapServers());
        return all;
    }

    /**
     * For a group's dead letters: the producer's properties, except that it may block, takes records of any size, and
     * sends each in its own batch, so that a refused one spoils no others.
     */
    static Map<String, Object> deadLetters(KafkaSettings settings) {
        Map<String, Object> all = producer(settings);
        all.put("batch.size", "0");
        all.put("linger.ms", "0");
        all.put("max.request.size", Integer.toString(Integer.MAX_VALUE));
        all.put("buffer.memory", Integer.toString(Integer.MAX_VALUE)); // only a limit; memory is allocated as needed
        all.put("request.timeout.ms", Long.toString(settings.deadLetterTimeout().toMillis() / 2));
        all.put(
                "delivery.timeout.ms",
                Long.toString(settings.deadLetterTimeout().toMillis()));
        all.put("max.block.ms", Long.toString(settings.deadLetterTimeout().toMillis()));
        return all;
    }

    /**
     * A new group begins with the oldest message, so that nothing is lost. Aborted transactions are not read. Topics are
     * never created.
     *
     * <p>One record per poll, because the memory in use is checked between polls, and one record may be large. That is
     * enough for 50,000 records of 300 bytes per second on two cores, more than any handler with a transaction can take.
     */
    static Map<String, Object> consumer(KafkaSettings settings, String group) {
        Map<String, Object> all = new HashMap<>(settings.client());
        all.putAll(settings.consumer());
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
        all.put("bootstrap.servers", settings.bootstrapServers());
        all.put("group.id", group);
        all.put("enable.auto.commit", "false");
        all.put("allow.auto.create.topics", "false");
        return all;
    }
}
