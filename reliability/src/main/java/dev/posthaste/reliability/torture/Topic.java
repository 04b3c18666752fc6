package dev.posthaste.reliability.torture;

import dev.posthaste.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What Kafka's topic has held, one incarnation of it after the other. */
final class Topic {
    /** A message, of each key in the order in which they arrived. */
    record Arrival(String key, long row) {}

    private final Map<String, String> keys = new HashMap<>();
    private final List<Arrival> arrivals = new ArrayList<>();
    private boolean deleted;

    List<Arrival> arrivals() {
        return arrivals;
    }

    /** From now on there is another of its name. */
    void deleted() {
        deleted = true;
    }

    boolean wasDeleted() {
        return deleted;
    }

    /**
     * Reads the topic as it is now, once for each incarnation.
     *
     * @throws IllegalStateException if that takes longer than two minutes
     */
    void read(Setup setup) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        Properties properties = new Properties();
        properties.put("bootstrap.servers", setup.broker());
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer
                    .partitionsFor(setup.wire().route().destination())
                    .stream()
                    .map(each -> new TopicPartition(each.topic(), each.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.getOrDefault(each, 0L))) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("Kafka's topic could not be read to its end within two minutes");
                }
                consumer.poll(Duration.ofSeconds(1)).forEach(this::arrived);
            }
        }
    }

    private void arrived(ConsumerRecord<byte[], byte[]> record) {
        String key = keys.computeIfAbsent(new String(record.key(), StandardCharsets.UTF_8), each -> each);
        byte[] row = record.headers().lastHeader(MessageHeaders.ROW).value();
        arrivals.add(new Arrival(key, Long.parseLong(new String(row, StandardCharsets.UTF_8))));
    }
}
