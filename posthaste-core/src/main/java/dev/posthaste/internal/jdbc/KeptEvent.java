package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.store.StoredRow;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the audit keeps of an event that an operator changes, as JSON. */
final class KeptEvent {

    private KeptEvent() {}

    /** Without its contents, which stay in its row. */
    static AuditTable.Changed without(FoundRow event) {
        return changed(event, snapshot(event));
    }

    /** With its contents, as its row is deleted. */
    static AuditTable.Changed with(FoundRow event, StoredRow stored) {
        return changed(event, snapshot(event, stored));
    }

    private static AuditTable.Changed changed(FoundRow event, Map<String, @Nullable Object> snapshot) {
        return new AuditTable.Changed(event.id(), event.eventId(), Json.write(snapshot));
    }

    private static Map<String, @Nullable Object> snapshot(FoundRow event) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("type", event.type());
        all.put("version", event.version());
        all.put("key", event.key());
        all.put("destination", event.destination());
        all.put("routingKey", event.routingKey());
        all.put("status", event.statusCode());
        all.put("attempts", event.attempts());
        all.put("error", event.error());
        all.put("createdAt", String.valueOf(event.createdAt()));
        return all;
    }

    private static Map<String, @Nullable Object> snapshot(FoundRow event, StoredRow stored) {
        Map<String, @Nullable Object> all = snapshot(event);
        all.put("headers", stored.headers());
        byte[] payload = stored.payload();
        try {
            all.put(
                    "payload",
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(payload))
                            .toString());
        } catch (CharacterCodingException e) {
            all.put("payloadBase64", Base64.getEncoder().encodeToString(payload));
        }
        return all;
    }
}
