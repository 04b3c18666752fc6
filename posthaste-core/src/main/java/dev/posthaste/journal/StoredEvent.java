package dev.posthaste.journal;

import org.jspecify.annotations.Nullable;

/**
 * An event as the outbox keeps it.
 *
 * @param id the row's number: the order of publication, never the event's identity
 * @param destination the event's own topic or exchange, or null for the route's
 * @param headers a JSON object as text, or null for none; foreign programs may have written anything
 * @param payload not copied; nobody changes it
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
        byte[] payload) {

    /** Names the event without its payload. */
    @Override
    public String toString() {
        return "event " + eventId + " (row " + id + ", " + type + ", key " + key + ")";
    }
}
