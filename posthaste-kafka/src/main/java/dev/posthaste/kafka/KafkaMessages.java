package dev.posthaste.kafka;

import dev.posthaste.broker.Message;
import dev.posthaste.internal.messages.EventIds;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/** What Posthaste reads from Kafka's records, for other programs' listeners. */
public final class KafkaMessages {
    private static final long BATCH_HEADER = 61;

    /** Attributes and the deltas to the batch's time and offset, which are 0 for a single record. */
    private static final long RECORD_HEADER = 3;

    private static final long MEMORY_OF_AN_EMPTY_RECORD = 512;
    private static final long MEMORY_OF_AN_EMPTY_HEADER = 100;

    private KafkaMessages() {}

    /**
     * The id of the event in any program's record, for {@code inbox.once(id, …)}: Posthaste's; that of a CloudEvent in
     * binary mode, which is its source and id together; or the header {@code id} of Debezium's outbox event router.
     *
     * @throws IllegalArgumentException if the headers contain none
     */
    public static String eventId(ConsumerRecord<?, ?> record) {
        return EventIds.in(headers(record));
    }

    // --- Between messages and records, whose keys and headers are UTF-8 ----------------------------------------------

    /**
     * Half of a surrogate pair becomes a question mark, because UTF-8 cannot hold it. In a header's name that happens here,
     * before the client sees it: the client would count another length than it writes, and spoil the whole batch.
     */
    static ProducerRecord<byte[], byte[]> record(Message message) {
        Headers headers = new RecordHeaders();
        message.headers().forEach((name, value) -> headers.add(text(bytes(name)), bytes(value)));
        String key = message.key();
        return new ProducerRecord<>(
                message.destination(), null, key == null ? null : bytes(key), message.body(), headers);
    }

    /** Size in bytes of a batch with this record alone, uncompressed: what a broker compares with {@code max.message.bytes}. */
    static long size(ProducerRecord<byte[], byte[]> record) {
        long body = RECORD_HEADER + field(record.key()) + field(record.value());
        int headers = 0;
        for (Header header : record.headers()) {
            body += field(bytes(header.key())) + field(header.value());
            headers++;
        }
        body += varint(headers);
        return BATCH_HEADER + varint(body) + body;
    }

    /** Size of a field: its length and its bytes. */
    private static long field(byte @Nullable [] bytes) {
        return bytes == null ? 1 : varint(bytes.length) + bytes.length;
    }

    /** Size of a number in Kafka's signed variable-length encoding. */
    private static int varint(long number) {
        int bytes = 1;
        for (long rest = number << 1; rest > 0x7f; rest >>>= 7) {
            bytes++;
        }
        return bytes;
    }

    /** Roughly the bytes that a received record takes in memory: its headers are kept as bytes and as strings. */
    static int memory(ConsumerRecord<byte[], byte[]> record) {
        long bytes = MEMORY_OF_AN_EMPTY_RECORD
                + Math.max(0, record.serializedKeySize())
                + Math.max(0, record.serializedValueSize());
        for (Header header : record.headers()) {
            byte[] value = header.value();
            bytes += MEMORY_OF_AN_EMPTY_HEADER + 2L * (header.key().length() + (value == null ? 0 : value.length));
        }
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }

    static Message message(ConsumerRecord<byte[], byte[]> record) {
        byte[] body = record.value();
        return Message.of(record.topic(), body == null ? new byte[0] : body)
                .key(record.key() == null ? null : text(record.key()))
                .headers(headers(record));
    }

    private static Map<String, String> headers(ConsumerRecord<?, ?> record) {
        Map<String, String> headers = new HashMap<>();
        for (Header header : record.headers()) {
            if (header.value() != null) {
                headers.put(header.key(), text(header.value()));
            }
        }
        return headers;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }
}
