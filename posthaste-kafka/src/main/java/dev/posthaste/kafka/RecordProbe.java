package dev.posthaste.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads partitions outside the group, to tell an unreadable record, such as one with a wrong checksum, from a fault of the
 * group or of a connection. Not thread-safe.
 */
final class RecordProbe implements AutoCloseable {
    static final int TRIES = 3;
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final int MAX_OFFSETS = 1_000;

    private final KafkaConsumer<byte[], byte[]> consumer;

    RecordProbe(KafkaSettings settings) {
        Map<String, Object> properties = new HashMap<>(settings.consumerProperties("none"));
        List.of("group.id", "group.instance.id", "group.protocol", "group.remote.assignor", "client.id")
                .forEach(properties::remove);
        properties.put("max.poll.records", "1");
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Records that cannot be read, from the offset {@code first} to {@code last}. */
    record Unreadable(TopicPartition partition, long first, long last, RuntimeException failure) {}

    /**
     * Whether a failed poll may be due to a record. Other failures come from the cluster or the group: it cannot be
     * reached, or this client may not read from it.
     */
    static boolean isOfRecord(RuntimeException failure) {
        return failure instanceof CorruptRecordException
                || failure instanceof RecordTooLargeException
                || failure instanceof KafkaException
                        && !(failure instanceof ApiException)
                        && !(failure instanceof WakeupException)
                        && !(failure instanceof InterruptException);
    }

    /**
     * The first records found at one of these positions that cannot be read, however often they are fetched. Continues,
     * within a bound, up to the first that can be read.
     *
     * @return null if all can be read
     * @throws KafkaException if the cluster cannot be reached
     */
    @Nullable
    Unreadable find(Map<TopicPartition, Long> positions) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(positions.keySet(), PATIENCE);
        for (Map.Entry<TopicPartition, Long> each : positions.entrySet()) {
            long end = ends.getOrDefault(each.getKey(), 0L);
            RuntimeException failure = each.getValue() < end ? persistentFailure(each.getKey(), each.getValue()) : null;
            if (failure != null) {
                return new Unreadable(
                        each.getKey(), each.getValue(), lastUnreadable(each.getKey(), each.getValue(), end), failure);
            }
        }
        return null;
    }

    private @Nullable RuntimeException persistentFailure(TopicPartition partition, long offset) {
        RuntimeException failure = null;
        for (int i = 0; i < TRIES; i++) {
            failure = failure(partition, offset);
            if (failure == null) {
                return null;
            }
        }
        return failure;
    }

    private long lastUnreadable(TopicPartition partition, long first, long end) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        long last = first;
        while (last + 1 < end
                && last - first < MAX_OFFSETS
                && System.nanoTime() - deadline < 0
                && failure(partition, last + 1) != null) {
            last++;
        }
        return last;
    }

    /** Fetches again. */
    private @Nullable RuntimeException failure(TopicPartition partition, long offset) {
        consumer.unsubscribe(); // which drops what was fetched before
        consumer.assign(List.of(partition));
        consumer.seek(partition, offset);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            while (consumer.poll(Duration.ofMillis(100)).isEmpty()
                    && consumer.position(partition, PATIENCE) == offset
                    && System.nanoTime() - deadline < 0) {
                // nothing has come yet
            }
            return null;
        } catch (RuntimeException e) {
            if (isOfRecord(e)) {
                return e;
            }
            throw e;
        }
    }

    /** The offset that a member reads next in each partition. */
    static Map<TopicPartition, Long> positions(KafkaConsumer<?, ?> member, Collection<TopicPartition> partitions) {
        Map<TopicPartition, Long> positions = new HashMap<>();
        partitions.forEach(each -> positions.put(each, member.position(each, PATIENCE)));
        return positions;
    }

    @Override
    public void close() {
        consumer.close();
    }
}
