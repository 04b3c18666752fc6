package dev.posthaste.internal.messages;

import dev.posthaste.broker.MessageHeaders;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The id that identifies an event, whichever program wrote its message. */
public final class EventIds {
    /** The prefixes of CloudEvents attributes in headers: in Kafka, and the two spellings in AMQP. */
    public static final List<String> CLOUD_EVENTS = List.of("ce_", "cloudEvents:", "cloudEvents_");

    private EventIds() {}

    /** The id of an event that was written without one: no other outbox has it. */
    public static String ofPosition(String outbox, long position) {
        return outbox + "-" + position;
    }

    /** The position that a text says in decimal digits; null if it says none. Any {@code long} is one. */
    public static @Nullable Long position(@Nullable String text) {
        if (text == null || !text.matches("-?[0-9]{1,19}")) {
            return null;
        }
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            return null; // 19 digits, and more than there are positions
        }
    }

    /**
     * Posthaste's id; that of a CloudEvent whose attributes are headers; or the header {@code id}, where Debezium's outbox event
     * router puts it.
     *
     * @throws IllegalArgumentException if the headers contain none
     */
    public static String in(Map<String, String> headers) {
        String ours = headers.getOrDefault(MessageHeaders.EVENT_ID, "");
        if (!ours.isEmpty()) {
            return ours;
        }
        for (String prefix : CLOUD_EVENTS) {
            String source = headers.getOrDefault(prefix + "source", "");
            String id = headers.getOrDefault(prefix + "id", "");
            if (!source.isEmpty() && !id.isEmpty()) {
                return ofCloudEvent(source, id);
            }
        }
        String debeziums = headers.getOrDefault("id", "");
        if (!debeziums.isEmpty()) {
            return debeziums;
        }
        throw new IllegalArgumentException("The message has no event id: it has neither the header "
                + MessageHeaders.EVENT_ID + ", nor those of a CloudEvent (ce_source and ce_id), nor Debezium's (id)");
    }

    /**
     * A CloudEvent is identified by its source and its id together: the hexadecimal SHA-256 of the source's length in
     * bytes, the source and the id.
     */
    public static String ofCloudEvent(String source, String id) {
        byte[] first = source.getBytes(StandardCharsets.UTF_8);
        byte[] second = id.getBytes(StandardCharsets.UTF_8);
        byte[] both = ByteBuffer.allocate(4 + first.length + second.length)
                .putInt(first.length)
                .put(first)
                .put(second)
                .array();
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(both));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
