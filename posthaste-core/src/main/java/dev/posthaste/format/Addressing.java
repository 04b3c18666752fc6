package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.journal.StoredEvent;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** What all formats have in common: where a message goes, and the headers that Posthaste adds. */
final class Addressing {
    private static final TypeReference<Map<String, String>> HEADERS = new TypeReference<>() {};

    private Addressing() {}

    /**
     * The headers that the writer gave, and Posthaste's. A program that passes on the headers of a message it received does
     * not say of its own event what Posthaste said of that message.
     */
    static Map<String, String> headers(StoredEvent event, OutboxDefinition outbox) {
        Map<String, String> headers = new HashMap<>();
        String written = event.headers();
        if (written != null) {
            headers.putAll(read(written));
            headers.keySet().removeIf(MessageHeaders::isReserved);
        }
        headers.put(MessageHeaders.EVENT_ID, event.eventId());
        headers.put(MessageHeaders.EVENT_TYPE, event.type());
        headers.put(MessageHeaders.EVENT_VERSION, event.version());
        headers.put(MessageHeaders.OUTBOX, outbox.name());
        headers.put(MessageHeaders.ROW, Long.toString(event.id()));
        String key = event.key();
        if (key != null) {
            headers.put(MessageHeaders.EVENT_KEY, key);
        }
        return headers;
    }

    private static Map<String, String> read(String written) {
        try {
            Map<String, String> read = JsonMapper.shared().readValue(written, HEADERS);
            if (read == null) {
                return Map.of();
            }
            read.values().removeIf(Objects::isNull); // a header that is null says nothing
            return read;
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its headers are no JSON object of texts", e);
        }
    }

    static Message message(StoredEvent event, OutboxDefinition outbox, Map<String, String> headers, byte[] body) {
        String destination = event.destination();
        String routingKey = event.routingKey();
        return new Message(
                destination == null ? outbox.route().destination() : destination,
                routingKey == null ? outbox.route().routingKey() : routingKey,
                event.key(),
                headers,
                body);
    }

    /** {@code message} with another body, and an id and a type where its headers had none. */
    static Message opened(Message message, @Nullable String id, @Nullable String type, byte[] body) {
        Map<String, String> headers = new HashMap<>(message.headers());
        putIfMissing(headers, MessageHeaders.EVENT_ID, id);
        putIfMissing(headers, MessageHeaders.EVENT_TYPE, type);
        return new Message(message.destination(), message.routingKey(), message.key(), headers, body);
    }

    static void putIfMissing(Map<String, String> headers, String name, @Nullable String value) {
        if (value != null) {
            headers.putIfAbsent(name, value);
        }
    }
}
