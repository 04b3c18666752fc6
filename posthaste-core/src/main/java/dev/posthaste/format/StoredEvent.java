package dev.posthaste.format;

import org.jspecify.annotations.Nullable;

/**
 * An event as the outbox keeps it.
 *
 * @param id the row's number: the order of publication, never the event's identity
 * @param destination the event's own topic or exchange, or null for the route's
 * @param headers a JSON object as text, or null for none; foreign programs may have written anything
 * @param payload not copied; nobody changes it
 * @param aggregateId what the event is about, where the outbox keeps that beside the key; otherwise null
 * @param defect why no message can ever be made of the row, or null
 */
public record StoredEvent(
        long id,
        String eventId,
        String type,
        String version,
        @Nullable String key,
        @Nullable String destination,
        @Nullable String routingKey,
        @Nullable String headers,
        byte[] payload,
        @Nullable String aggregateId,
        @Nullable String defect) {

    public StoredEvent(
            long id,
            String eventId,
            String type,
            String version,
            @Nullable String key,
            @Nullable String destination,
            @Nullable String routingKey,
            @Nullable String headers,
            byte[] payload) {
        this(id, eventId, type, version, key, destination, routingKey, headers, payload, null, null);
    }

    /** The id of an event that was written without one: no other outbox has it. */
    public static String idOfRow(String outbox, long row) {
        return outbox + "-" + row;
    }

    /** The number of a row as text says it, in decimal digits; null if it says none. Any {@code long} is one. */
    public static @Nullable Long row(@Nullable String text) {
        if (text == null || !text.matches("-?[0-9]{1,19}")) {
            return null;
        }
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            return null; // 19 digits, and more than there are rows
        }
    }

    /** The same row, whose payload was an envelope that says the rest. */
    public StoredEvent opened(String eventId, String version, byte[] payload, @Nullable String aggregateId) {
        return new StoredEvent(
                id, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, defect);
    }

    /** The same row with its contents. */
    public StoredEvent with(@Nullable String headers, byte[] payload) {
        return new StoredEvent(
                id, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, defect);
    }

    /** The same row, of which no message can ever be made. */
    public StoredEvent defective(String why) {
        return new StoredEvent(
                id, eventId, type, version, key, destination, routingKey, headers, payload, aggregateId, why);
    }

    /** Names the event without its payload. */
    @Override
    public String toString() {
        return "event " + eventId + " (row " + id + ", " + type + ", key " + key + ")";
    }
}
