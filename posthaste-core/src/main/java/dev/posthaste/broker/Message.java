package dev.posthaste.broker;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What goes over the wire.
 *
 * @param destination topic, or exchange
 * @param routingKey RabbitMQ's; null or ignored elsewhere
 * @param key the ordering and partition key, or null
 * @param headers with the event's id, type and the like under the names in {@link MessageHeaders}
 * @param body not copied; nobody changes it
 */
public record Message(
        String destination,
        @Nullable String routingKey,
        @Nullable String key,
        Map<String, String> headers,
        byte[] body) {

    /** The event's id, or null when a foreign program sent a message without one. */
    public @Nullable String eventId() {
        return headers.get(MessageHeaders.EVENT_ID);
    }

    /** The event's type, or null as above. */
    public @Nullable String eventType() {
        return headers.get(MessageHeaders.EVENT_TYPE);
    }

    /** The same message with more headers. */
    public Message with(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(headers);
        all.putAll(more);
        return new Message(destination, routingKey, key, all, body);
    }

    /** Names the message without its body. */
    @Override
    public String toString() {
        return "message " + eventId() + " (" + eventType() + ", key " + key + ") for " + destination
                + (routingKey == null ? "" : "/" + routingKey);
    }
}
