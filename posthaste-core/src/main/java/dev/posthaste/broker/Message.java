package dev.posthaste.broker;

import dev.posthaste.CheckReturnValue;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What goes over the wire. Immutable: every method with a parameter returns a changed copy. The body is not copied: do not
 * change it.
 */
@CheckReturnValue
public final class Message {
    private final String destination;
    private final @Nullable String routingKey;
    private final @Nullable String key;
    private final Map<String, String> headers;
    private final byte[] body;

    private Message(
            String destination,
            @Nullable String routingKey,
            @Nullable String key,
            Map<String, String> headers,
            byte[] body) {
        this.destination = destination;
        this.routingKey = routingKey;
        this.key = key;
        this.headers = headers;
        this.body = body;
    }

    /** @param destination topic, or exchange */
    public static Message of(String destination, byte[] body) {
        return new Message(
                Objects.requireNonNull(destination, "destination"), null, null, Map.of(), Objects.requireNonNull(body));
    }

    /** The key by which the broker orders and partitions, or null for none. */
    public Message key(@Nullable String key) {
        return new Message(destination, routingKey, key, headers, body);
    }

    /** RabbitMQ's routing key; null or ignored elsewhere. */
    public Message routingKey(@Nullable String routingKey) {
        return new Message(destination, routingKey, key, headers, body);
    }

    /** Adds a header, or replaces the one with this name. */
    public Message header(String name, String value) {
        return headers(Map.of(name, value));
    }

    /** Adds all of these headers, or replaces those with these names. */
    public Message headers(Map<String, String> more) {
        if (headers.isEmpty()) {
            return new Message(destination, routingKey, key, Map.copyOf(more), body);
        }
        Map<String, String> all = new HashMap<>(headers);
        all.putAll(more);
        return new Message(destination, routingKey, key, Map.copyOf(all), body);
    }

    /** The same with another body. */
    public Message body(byte[] body) {
        return new Message(destination, routingKey, key, headers, Objects.requireNonNull(body));
    }

    /** Topic, or exchange. */
    public String destination() {
        return destination;
    }

    /** RabbitMQ's routing key; null for none. */
    public @Nullable String routingKey() {
        return routingKey;
    }

    /** The key by which the broker orders and partitions; null for none. */
    public @Nullable String key() {
        return key;
    }

    /** With the event's id, type and the like under the names in {@link MessageHeaders}. Unmodifiable. */
    public Map<String, String> headers() {
        return headers;
    }

    /** Not copied: do not change it. */
    public byte[] body() {
        return body;
    }

    /** The event's id, or null if a foreign program sent a message without one. */
    public @Nullable String eventId() {
        return headers.get(MessageHeaders.EVENT_ID);
    }

    /** The event's type, or null as above. */
    public @Nullable String eventType() {
        return headers.get(MessageHeaders.EVENT_TYPE);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Message message
                && destination.equals(message.destination)
                && Objects.equals(routingKey, message.routingKey)
                && Objects.equals(key, message.key)
                && headers.equals(message.headers)
                && Arrays.equals(body, message.body);
    }

    @Override
    public int hashCode() {
        return Objects.hash(destination, routingKey, key, headers, Arrays.hashCode(body));
    }

    /** Names the message without its body. */
    @Override
    public String toString() {
        return "message " + eventId() + " (" + eventType() + ", key " + key + ") for " + destination
                + (routingKey == null ? "" : "/" + routingKey);
    }
}
