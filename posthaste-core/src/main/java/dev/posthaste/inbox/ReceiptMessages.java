package dev.posthaste.inbox;

import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.StoredEvent;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How receipts look as messages, for programs that send them without this library: a JSON object with {@code outbox},
 * {@code row}, {@code event_id}, {@code status} ({@code consumed}, {@code failed} or {@code rejected}), and for the last
 * two {@code error}, {@code attempts} and {@code generation}: the message's headers {@code posthaste-attempts} and
 * {@code posthaste-generation}, as numbers, where the message has them.
 *
 * <p>Both may be left out. Receipts may be delivered twice, and what they name is what tells the second time from a second
 * refusal: a {@code failed} without {@code attempts} that comes twice counts two attempts, and a late {@code rejected}
 * without them makes an event dead that has been requeued since.
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
        if (receipt instanceof Receipt.Refusal refusal) {
            json.put("status", refusal instanceof Receipt.Failed ? "failed" : "rejected");
            json.put("error", refusal.error());
            putIfKnown(json, "attempts", refusal.seenAttempts());
            putIfKnown(json, "generation", refusal.seenGeneration());
        } else {
            json.put("status", "consumed");
        }
        return JsonMapper.shared().writeValueAsBytes(json);
    }

    private static void putIfKnown(Map<String, Object> json, String name, @Nullable Integer number) {
        if (number != null) {
            json.put(name, number);
        }
    }

    /** @throws IllegalArgumentException if it is no receipt; says why */
    public static Receipt read(byte[] body) {
        try {
            JsonNode json = JsonMapper.shared().readTree(body);
            String outbox = text(json, "outbox");
            Long row = row(json.path("row"));
            String eventId = text(json, "event_id");
            String status = text(json, "status");
            if (row == null) {
                throw new IllegalArgumentException("it is no receipt: its row is missing, or no whole number");
            }
            return switch (status) {
                case "consumed" -> new Receipt.Consumed(outbox, row, eventId);
                case "failed" ->
                    new Receipt.Failed(
                            outbox, row, eventId, number(json, "attempts"), number(json, "generation"), error(json));
                case "rejected" ->
                    new Receipt.Rejected(
                            outbox, row, eventId, number(json, "attempts"), number(json, "generation"), error(json));
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

    private static @Nullable Long row(JsonNode row) {
        return row.isIntegralNumber() || row.isString() ? StoredEvent.row(row.asString()) : null;
    }

    private static String error(JsonNode json) {
        return json.path("error").asString("the consumer gave no reason");
    }

    private static @Nullable Integer number(JsonNode json, String name) {
        return json.path(name).isInt() ? json.path(name).asInt() : null;
    }
}
