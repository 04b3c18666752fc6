package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.RawJson;
import dev.posthaste.internal.messages.EventIds;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * CloudEvents 1.0. The event's key is the attribute {@code subject} and the extension {@code partitionkey}, its version the
 * extension {@code eventversion}, the writer's trace the extension {@code traceparent}. Both modes are read.
 *
 * <p>A CloudEvent is identified by its source and its id together (CloudEvents 1.0, "id"): two sources may both count
 * from 1. So the event id of one that no outbox of Posthaste sent is a hash of both.
 *
 * @param prefix of the headers; null for structured mode
 */
record CloudEventsFormat(String source, @Nullable String prefix) implements MessageFormat {
    private static final String CONTENT_TYPE = "content-type";
    private static final String JSON = "application/json";
    private static final String STRUCTURED = "application/cloudevents+json";

    CloudEventsFormat {
        if (source.isBlank()) {
            throw new IllegalArgumentException("CloudEvents need a source: a URI reference that names the producer");
        }
        java.net.URI.create(source);
    }

    @Override
    public Message write(StoredEvent event, OutboxDefinition outbox) {
        Map<String, String> headers = Addressing.headers(event, outbox);
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("specversion", "1.0");
        attributes.put("id", event.eventId());
        attributes.put("source", source);
        attributes.put("type", event.type());
        attributes.put("eventversion", event.version());
        String key = event.key();
        if (key != null && !key.isEmpty()) {
            attributes.put("subject", key);
            attributes.put("partitionkey", key);
        }
        Addressing.putIfMissing(attributes, "traceparent", headers.get("traceparent"));
        if (prefix == null) {
            headers.put(CONTENT_TYPE, STRUCTURED + "; charset=UTF-8");
            return Addressing.message(event, outbox, headers, structured(attributes, event.payload()));
        }
        attributes.forEach((name, value) -> headers.put(prefix + name, value));
        if (headers.getOrDefault(CONTENT_TYPE, STRUCTURED)
                .toLowerCase(Locale.ROOT)
                .startsWith(STRUCTURED)) {
            headers.put(CONTENT_TYPE, JSON); // of the message that a header was passed on from, not of this one
        }
        return Addressing.message(event, outbox, headers, event.payload());
    }

    private static byte[] structured(Map<String, String> attributes, byte[] payload) {
        Json.Raw data = new Json.Raw(RawJson.oneValue(payload));
        Map<String, Object> members = new LinkedHashMap<>(attributes);
        members.put("datacontenttype", JSON);
        members.put("data", data);
        return RawJson.write(members);
    }

    @Override
    public Message read(Message message) {
        String contentType = message.headers().getOrDefault(CONTENT_TYPE, "").toLowerCase(Locale.ROOT);
        if (contentType.startsWith(STRUCTURED)) {
            return readStructured(message);
        }
        for (String each : EventIds.CLOUD_EVENTS) {
            Map<String, String> headers = message.headers();
            if (headers.containsKey(each + "id")) {
                try {
                    return opened(
                            message,
                            headers.get(each + "source"),
                            headers.get(each + "id"),
                            headers.get(each + "type"),
                            message.body());
                } catch (IllegalArgumentException e) {
                    throw noCloudEvent(e);
                }
            }
        }
        throw new IllegalArgumentException("it is not a CloudEvent: neither its headers nor its content type say so");
    }

    private static Message readStructured(Message message) {
        try {
            Map<String, byte[]> event = RawJson.members(message.body());
            return opened(
                    message,
                    RawJson.text(event, "source"),
                    RawJson.text(event, "id"),
                    RawJson.text(event, "type"),
                    data(event));
        } catch (IllegalArgumentException e) {
            throw noCloudEvent(e);
        }
    }

    private static IllegalArgumentException noCloudEvent(IllegalArgumentException why) {
        return new IllegalArgumentException("it is not a CloudEvent: " + why.getMessage(), why);
    }

    private static Message opened(
            Message message, @Nullable String source, @Nullable String id, @Nullable String type, byte[] body) {
        Map<String, String> headers = new HashMap<>(message.headers());
        if (!headers.containsKey(MessageHeaders.EVENT_ID) || !headers.containsKey(MessageHeaders.OUTBOX)) {
            headers.put(MessageHeaders.EVENT_ID, EventIds.ofCloudEvent(required("source", source), required("id", id)));
            headers.put(MessageHeaders.EVENT_TYPE, required("type", type));
        }
        return Message.of(message.destination(), body)
                .routingKey(message.routingKey())
                .key(message.key())
                .headers(headers);
    }

    private static String required(String attribute, @Nullable String value) {
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("its " + attribute + " is missing");
        }
        return value;
    }

    private static byte[] data(Map<String, byte[]> event) {
        String base64 = RawJson.text(event, "data_base64");
        return base64 == null
                ? event.getOrDefault("data", new byte[0])
                : Base64.getDecoder().decode(base64);
    }
}
