package dev.posthaste.internal.store;

import dev.posthaste.format.StoredEvent;
import org.jspecify.annotations.Nullable;

/**
 * An event as a store has read it.
 *
 * @param payload not copied; nothing changes it
 * @param defect why no message can ever be made of it, or null
 */
public record StoredRow(
        long position,
        String eventId,
        String type,
        String version,
        @Nullable String key,
        @Nullable String destination,
        @Nullable String routingKey,
        @Nullable String headers,
        byte[] payload,
        @Nullable String aggregateId,
        @Nullable String defect)
        implements StoredEvent {

    public StoredRow(
            long position,
            String eventId,
            String type,
            String version,
            @Nullable String key,
            @Nullable String destination,
            @Nullable String routingKey,
            @Nullable String headers,
            byte[] payload) {
        this(position, eventId, type, version, key, destination, routingKey, headers, payload, null, null);
    }

    /** The same event, whose payload was an envelope that says the rest. */
    public StoredRow opened(String eventId, String version, byte[] payload, @Nullable String aggregateId) {
        return new StoredRow(
                position, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, defect);
    }

    /** The same event with its contents. */
    public StoredRow with(@Nullable String headers, byte[] payload) {
        return new StoredRow(
                position, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, defect);
    }

    /** The same event, of which no message can ever be made. */
    public StoredRow defective(String why) {
        return new StoredRow(
                position, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, why);
    }

    /** Names the event without its payload. */
    @Override
    public String toString() {
        return "event " + eventId + " (position " + position + ", " + type + ", key " + key + ")";
    }
}
