package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.JsonException;
import dev.posthaste.internal.json.JsonObject;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What all formats have in common: where a message goes, and the headers that Posthaste adds. */
final class Addressing {
    private Addressing() {}

    /**
     * The headers that the writer gave, and Posthaste's. When a program passes on the headers of a message it received,
     * those that Posthaste set on that message do not apply to the new event.
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
        headers.put(MessageHeaders.POSITION, Long.toString(event.position()));
        String key = event.key();
        if (key != null) {
            headers.put(MessageHeaders.EVENT_KEY, key);
        }
        return headers;
    }

    private static Map<String, String> read(String written) {
        try {
            JsonObject read = Json.object(written);
            Map<String, String> headers = new HashMap<>();
            if (read != null) {
                read.members().forEach((name, value) -> {
                    if (value instanceof JsonObject.Scalar scalar) {
                        headers.put(name, scalar.text());
                    } else if (value != null) { // a header that is null is left out
                        throw new JsonException("a header is an object or a list");
                    }
                });
            }
            return headers;
        } catch (JsonException e) {
            throw new IllegalArgumentException("its headers are not a JSON object of strings", e);
        }
    }

    static Message message(StoredEvent event, OutboxDefinition outbox, Map<String, String> headers, byte[] body) {
        String destination = event.destination();
        String routingKey = event.routingKey();
        return Message.of(destination == null ? outbox.route().destination() : destination, body)
                .routingKey(routingKey == null ? outbox.route().routingKey() : routingKey)
                .key(event.key())
                .headers(headers);
    }

    /** {@code message} with another body, and an id and a type where its headers had none. */
    static Message opened(Message message, @Nullable String id, @Nullable String type, byte[] body) {
        Map<String, String> headers = new HashMap<>(message.headers());
        putIfMissing(headers, MessageHeaders.EVENT_ID, id);
        putIfMissing(headers, MessageHeaders.EVENT_TYPE, type);
        return Message.of(message.destination(), body)
                .routingKey(message.routingKey())
                .key(message.key())
                .headers(headers);
    }

    static void putIfMissing(Map<String, String> headers, String name, @Nullable String value) {
        if (value != null) {
            headers.putIfAbsent(name, value);
        }
    }
}
