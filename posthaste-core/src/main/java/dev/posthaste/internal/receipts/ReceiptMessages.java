package dev.posthaste.internal.receipts;

import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.JsonException;
import dev.posthaste.internal.json.JsonObject;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.Receipt;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How receipts look as messages, for programs that send them without this library: a JSON object with {@code outbox},
 * {@code position}, {@code event_id}, {@code status} ({@code consumed}, {@code failed} or {@code rejected}), and for the last
 * two {@code error}, {@code attempts} and {@code generation}: the message's headers {@code posthaste-attempts} and
 * {@code posthaste-generation}, as numbers, where the message has them.
 *
 * <p>Before 1.0, {@code position} was called {@code row}, which is read until 2.0.
 *
 * <p>{@code attempts} and {@code generation} may be left out. Receipts may be delivered twice, and these numbers
 * distinguish a second delivery from a second refusal: a {@code failed} without {@code attempts} that comes twice
 * counts two attempts, and a late {@code rejected} without them makes an event dead that has been requeued since.
 */
public final class ReceiptMessages {
    /** The type of such a message. */
    public static final String TYPE = "posthaste.receipt";

    private ReceiptMessages() {}

    public static byte[] write(Receipt receipt) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("outbox", receipt.outbox());
        json.put("position", receipt.row());
        json.put("event_id", receipt.eventId());
        if (receipt instanceof Receipt.Refusal refusal) {
            json.put("status", refusal instanceof Receipt.Failed ? "failed" : "rejected");
            json.put("error", refusal.error());
            putIfKnown(json, "attempts", refusal.seenAttempts());
            putIfKnown(json, "generation", refusal.seenGeneration());
        } else {
            json.put("status", "consumed");
        }
        return Json.write(json).getBytes(StandardCharsets.UTF_8);
    }

    private static void putIfKnown(Map<String, Object> json, String name, @Nullable Integer number) {
        if (number != null) {
            json.put(name, number);
        }
    }

    /** @throws IllegalArgumentException if it is not a receipt; says why */
    public static Receipt read(byte[] body) {
        try {
            JsonObject json = Json.object(body);
            if (json == null) {
                throw new IllegalArgumentException("it is not a receipt: it is null");
            }
            String outbox = text(json, "outbox");
            Long row = row(json.scalar(json.has("position") ? "position" : "row"));
            String eventId = text(json, "event_id");
            String status = text(json, "status");
            if (row == null) {
                throw new IllegalArgumentException(
                        "it is not a receipt: its position is missing, or not a whole number");
            }
            return switch (status) {
                case "consumed" -> new Receipt.Consumed(outbox, row, eventId);
                case "failed" ->
                    new Receipt.Failed(
                            outbox, row, eventId, number(json, "attempts"), number(json, "generation"), error(json));
                case "rejected" ->
                    new Receipt.Rejected(
                            outbox, row, eventId, number(json, "attempts"), number(json, "generation"), error(json));
                default -> throw new IllegalArgumentException("it is not a receipt: its status is " + status);
            };
        } catch (JsonException e) {
            throw new IllegalArgumentException("it is not a receipt: " + e.getMessage(), e);
        }
    }

    private static String text(JsonObject json, String name) {
        String text = json.text(name);
        if (text == null || text.isEmpty()) {
            throw new IllegalArgumentException("it is not a receipt: its " + name + " is missing");
        }
        return text;
    }

    private static @Nullable Long row(JsonObject.@Nullable Scalar row) {
        return row != null && (row.isInteger() || row.isText()) ? EventIds.position(row.text()) : null;
    }

    private static String error(JsonObject json) {
        String error = json.text("error");
        return error == null ? "the consumer gave no reason" : error;
    }

    private static @Nullable Integer number(JsonObject json, String name) {
        JsonObject.Scalar number = json.scalar(name);
        if (number == null || !number.isInteger()) {
            return null;
        }
        try {
            return Integer.valueOf(number.text());
        } catch (NumberFormatException tooLarge) {
            return null;
        }
    }
}
