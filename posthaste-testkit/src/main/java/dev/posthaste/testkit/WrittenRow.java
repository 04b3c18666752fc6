package dev.posthaste.testkit;

import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.Status;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was read from a row. */
record WrittenRow(
        String id,
        String type,
        String version,
        @Nullable String key,
        Status status,
        Map<String, String> headers,
        byte[] payload)
        implements WrittenEvent {

    @Override
    public <T> T payload(Class<T> type) {
        if (type == byte[].class) {
            return type.cast(payload.clone());
        }
        if (type == String.class) {
            return type.cast(new String(payload, StandardCharsets.UTF_8));
        }
        try {
            return PayloadSerializer.json().read(payload, type, new Info(this.type, version, headers));
        } catch (Exception e) {
            throw new IllegalArgumentException(
                    "The payload of " + this + " cannot be read as " + type.getName() + ": " + e.getMessage(), e);
        }
    }

    /** How assertions show it: never with its payload. */
    @Override
    public String toString() {
        return type + " (" + status.code() + ", key " + key + (headers.isEmpty() ? "" : ", headers " + headers)
                + ", id " + id + ")";
    }

    /** What is known about a payload besides its bytes. */
    record Info(String eventType, String version, Map<String, String> headers) implements PayloadInfo {}
}
