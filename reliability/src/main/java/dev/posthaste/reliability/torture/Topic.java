package dev.posthaste.reliability.torture;

import dev.posthaste.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What Kafka's topic has contained, one incarnation after another. */
final class Topic {
    /** A message; those of one key are in the order in which they arrived. */
    record Arrival(String key, long row) {}

    private final Map<String, String> keys = new HashMap<>();
    private final List<Arrival> arrivals = new ArrayList<>();
    private boolean deleted;

    List<Arrival> arrivals() {
        return arrivals;
    }

    /** From now on there is a new topic of this name. */
    void deleted() {
        deleted = true;
    }

    boolean wasDeleted() {
        return deleted;
    }

    /**
     * Reads the current topic, once per incarnation.
     *
     * @throws IllegalStateException if that takes longer than two minutes
     */
    void read(Setup setup) {
        read(setup, setup.wire().route().destination(), this::arrived);
    }

    /**
     * Reads any topic from its beginning to its end.
     *
     * @throws IllegalStateException if that takes longer than two minutes
     */
    static void read(Setup setup, String topic, Consumer<ConsumerRecord<byte[], byte[]>> taker) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        Properties properties = new Properties();
        properties.put("bootstrap.servers", setup.broker());
        properties.put("isolation.level", "read_committed");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(each -> new TopicPartition(each.topic(), each.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.getOrDefault(each, 0L))) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "Topic " + topic + " could not be read to its end within two minutes");
                }
                consumer.poll(Duration.ofSeconds(1)).forEach(taker);
            }
        }
    }

    private void arrived(ConsumerRecord<byte[], byte[]> record) {
        Header row = record.headers().lastHeader(MessageHeaders.POSITION);
        if (row == null) {
            return; // another program's
        }
        String key = keys.computeIfAbsent(new String(record.key(), StandardCharsets.UTF_8), each -> each);
        arrivals.add(new Arrival(key, Long.parseLong(new String(row.value(), StandardCharsets.UTF_8))));
    }
}
