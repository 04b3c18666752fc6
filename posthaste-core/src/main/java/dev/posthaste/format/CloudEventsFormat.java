package dev.posthaste.format;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.Message;
import dev.posthaste.journal.StoredEvent;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * CloudEvents 1.0. The event's key is the attribute {@code subject} and the extension {@code partitionkey}, its version the
 * extension {@code eventversion}, the writer's trace the extension {@code traceparent}. Either mode is read.
 */
final class CloudEventsFormat implements MessageFormat {
    private static final String CONTENT_TYPE = "content-type";
    private static final String STRUCTURED = "application/cloudevents+json";
    private static final List<String> PREFIXES = List.of("ce_", "cloudEvents:", "cloudEvents_");

    private final String source;
    private final @Nullable String prefix;

    /** @param prefix of the headers; null for structured mode */
    CloudEventsFormat(String source, @Nullable String prefix) {
        if (source.isBlank()) {
            throw new IllegalArgumentException("CloudEvents need a source: a URI reference that names who speaks");
        }
        java.net.URI.create(source);
        this.source = source;
        this.prefix = prefix;
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
        headers.put(CONTENT_TYPE, "application/json");
        return Addressing.message(event, outbox, headers, event.payload());
    }

    private static byte[] structured(Map<String, String> attributes, byte[] payload) {
        String data = RawJson.oneValue(payload);
        return RawJson.write(payload.length + 256, generator -> {
            generator.writeStartObject();
            attributes.forEach(generator::writeStringProperty);
            generator.writeStringProperty("datacontenttype", "application/json");
            generator.writeName("data");
            generator.writeRawValue(data);
            generator.writeEndObject();
        });
    }

    @Override
    public Message read(Message message) {
        String contentType = message.headers().getOrDefault(CONTENT_TYPE, "").toLowerCase(Locale.ROOT);
        if (contentType.startsWith(STRUCTURED)) {
            return readStructured(message);
        }
        for (String each : PREFIXES) {
            String id = message.headers().get(each + "id");
            if (id != null) {
                return Addressing.opened(message, id, message.headers().get(each + "type"), message.body());
            }
        }
        throw new IllegalArgumentException("it is no CloudEvent: neither its headers nor its content type say so");
    }

    private static Message readStructured(Message message) {
        try {
            Map<String, byte[]> event = RawJson.members(message.body());
            String id = RawJson.text(event, "id");
            String type = RawJson.text(event, "type");
            if (id == null || type == null) {
                throw new IllegalArgumentException("its id or type is missing");
            }
            return Addressing.opened(message, id, type, data(event));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("it is no CloudEvent: " + e.getMessage(), e);
        }
    }

    private static byte[] data(Map<String, byte[]> event) {
        String base64 = RawJson.text(event, "data_base64");
        return base64 == null
                ? event.getOrDefault("data", new byte[0])
                : Base64.getDecoder().decode(base64);
    }
}
