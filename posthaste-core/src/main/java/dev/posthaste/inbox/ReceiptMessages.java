package dev.posthaste.inbox;

import dev.posthaste.journal.Receipt;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How receipts look as messages, for programs that send them without this library: a JSON object with {@code outbox},
 * {@code row}, {@code event_id}, {@code status} ({@code consumed}, {@code failed} or {@code rejected}), and for the last
 * two {@code error} and perhaps {@code attempts}, the message's header {@code posthaste-attempts}.
 */
public final class ReceiptMessages {
    /** The type of such a message. */
    public static final String TYPE = "posthaste.receipt";

    private ReceiptMessages() {}

    public static byte[] write(Receipt receipt) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("outbox", receipt.outbox());
        json.put("row", receipt.row());
        json.put("event_id", receipt.eventId());
        if (receipt instanceof Receipt.Failed failed) {
            json.put("status", "failed");
            json.put("error", failed.error());
            Integer attempts = failed.seenAttempts();
            if (attempts != null) {
                json.put("attempts", attempts);
            }
        } else if (receipt instanceof Receipt.Rejected rejected) {
            json.put("status", "rejected");
            json.put("error", rejected.error());
        } else {
            json.put("status", "consumed");
        }
        return JsonMapper.shared().writeValueAsBytes(json);
    }

    /** @throws IllegalArgumentException if it is no receipt; says why */
    public static Receipt read(byte[] body) {
        try {
            JsonNode json = JsonMapper.shared().readTree(body);
            String outbox = text(json, "outbox");
            long row = json.path("row").asLong(0);
            String eventId = text(json, "event_id");
            String status = text(json, "status");
            if (row < 1) {
                throw new IllegalArgumentException("it is no receipt: its row is missing");
            }
            return switch (status) {
                case "consumed" -> new Receipt.Consumed(outbox, row, eventId);
                case "failed" -> new Receipt.Failed(outbox, row, eventId, attempts(json), error(json));
                case "rejected" -> new Receipt.Rejected(outbox, row, eventId, error(json));
                default -> throw new IllegalArgumentException("it is no receipt: its status is " + status);
            };
        } catch (JacksonException e) {
            throw new IllegalArgumentException("it is no receipt: " + e.getOriginalMessage(), e);
        }
    }

    private static String text(JsonNode json, String name) {
        String text = json.path(name).asString("");
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is no receipt: its " + name + " is missing");
        }
        return text;
    }

    private static String error(JsonNode json) {
        return json.path("error").asString("the consumer gave no reason");
    }

    private static @Nullable Integer attempts(JsonNode json) {
        return json.path("attempts").isInt() ? json.path("attempts").asInt() : null;
    }
}
