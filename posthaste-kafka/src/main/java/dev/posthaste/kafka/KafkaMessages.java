package dev.posthaste.kafka;

import dev.posthaste.broker.Message;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/** Between {@link Message} and Kafka's records. Keys and headers are UTF-8. */
final class KafkaMessages {
    /** The batch's header, the record's own, and the longest of its variable-length numbers. */
    private static final long OVERHEAD = 61 + 21 + 10;

    private KafkaMessages() {}

    static ProducerRecord<byte[], byte[]> record(Message message) {
        Headers headers = new RecordHeaders();
        message.headers().forEach((name, value) -> headers.add(name, bytes(value)));
        String key = message.key();
        return new ProducerRecord<>(
                message.destination(), null, key == null ? null : bytes(key), message.body(), headers);
    }

    /** At most so many bytes in the log. */
    static long size(ProducerRecord<byte[], byte[]> record) {
        byte[] key = record.key();
        long size = OVERHEAD + (key == null ? 0 : key.length) + record.value().length;
        for (Header header : record.headers()) {
            size += header.key().length() * 3L + header.value().length + 10L;
        }
        return size;
    }

    static Message message(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = new HashMap<>();
        for (Header header : record.headers()) {
            if (header.value() != null) {
                headers.put(header.key(), text(header.value()));
            }
        }
        byte[] body = record.value();
        return new Message(
                record.topic(),
                null,
                record.key() == null ? null : text(record.key()),
                headers,
                body == null ? new byte[0] : body);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }
}
