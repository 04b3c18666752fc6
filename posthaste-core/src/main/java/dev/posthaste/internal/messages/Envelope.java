package dev.posthaste.internal.messages;

import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.RawJson;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object around an event's payload: {@code outbox_id}, {@code event_id}, {@code event_type}, {@code event_version},
 * {@code service_name}, {@code aggregate_id}, {@code payload}. The payload is kept verbatim. Other members are ignored.
 * Immutable and thread-safe.
 *
 * @param outboxId the row in the outbox, or 0 where the envelope does not give it
 * @param eventId null, like the others, if it is missing or empty
 * @param payload any JSON value, as UTF-8; not copied
 */
public record Envelope(
        long outboxId,
        @Nullable String eventId,
        @Nullable String eventType,
        @Nullable String eventVersion,
        @Nullable String serviceName,
        @Nullable String aggregateId,
        byte[] payload) {

    /** @throws IllegalArgumentException if {@code json} is not a JSON object with a payload; says why */
    public static Envelope open(byte[] json) {
        try {
            Map<String, byte[]> members = RawJson.members(json);
            byte[] payload = members.get("payload");
            if (payload == null) {
                throw new IllegalArgumentException("it has no payload");
            }
            return new Envelope(
                    outboxId(RawJson.text(members, "outbox_id")),
                    RawJson.text(members, "event_id"),
                    RawJson.text(members, "event_type"),
                    RawJson.text(members, "event_version"),
                    RawJson.text(members, "service_name"),
                    RawJson.text(members, "aggregate_id"),
                    payload);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("it is not an envelope: " + e.getMessage(), e);
        }
    }

    private static long outboxId(@Nullable String text) {
        Long row = EventIds.position(text);
        return row == null ? 0 : row;
    }

    /**
     * The envelope as JSON. Members that are null are left out, and {@code outbox_id} when it is 0.
     *
     * @throws IllegalArgumentException if the payload is not a JSON value, or a member is not text in UTF-8
     */
    public byte[] toJson() {
        Json.Raw raw = new Json.Raw(RawJson.oneValue(payload));
        Map<String, Object> members = new LinkedHashMap<>();
        if (outboxId != 0) {
            members.put("outbox_id", outboxId);
        }
        putIfKnown(members, "event_id", eventId);
        putIfKnown(members, "event_type", eventType);
        putIfKnown(members, "event_version", eventVersion);
        putIfKnown(members, "service_name", serviceName);
        putIfKnown(members, "aggregate_id", aggregateId);
        members.put("payload", raw);
        return RawJson.write(members);
    }

    private static void putIfKnown(Map<String, Object> members, String name, @Nullable String value) {
        if (value != null) {
            members.put(name, value);
        }
    }

    /** Names the event without its payload. */
    @Override
    public String toString() {
        return "envelope of event " + eventId + " (" + eventType + ")";
    }
}
