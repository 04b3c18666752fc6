package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.messages.EventIds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What Posthaste reads from AMQP messages, for other programs' listeners. */
public final class RabbitMessages {
    private static final int PERSISTENT = 2;
    /** AMQP 0-9-1, 4.2.5.3: the length of a short string is one byte. */
    private static final int MAX_SHORT_STRING_BYTES = 255;
    /** The most bytes that one char of a Java string takes in UTF-8. */
    private static final int MAX_BYTES_PER_CHAR = 3;
    /** A generous bound for the frame and content header without the properties' values. */
    private static final int FIXED_BYTES = 256;
    /** Headers that RabbitMQ interprets as lists of further routing keys; it closes the channel if they are strings. */
    private static final Set<String> RESERVED = Set.of("CC", "BCC");

    private static final long MEMORY_OF_AN_EMPTY_MESSAGE = 1024;
    private static final long MEMORY_OF_AN_EMPTY_HEADER = 100;
    /** Prefix for headers and properties that a dead letter cannot keep under their own names. */
    private static final String ORIGINAL = "posthaste-original-";

    private static final int MAX_NAMES = 1000;
    private static final List<String> NAMES_OF_THE_EVENT = List.of(
            MessageHeaders.EVENT_ID,
            MessageHeaders.EVENT_TYPE,
            MessageHeaders.EVENT_VERSION,
            MessageHeaders.EVENT_KEY,
            MessageHeaders.OUTBOX,
            MessageHeaders.POSITION,
            MessageHeaders.ROW);

    private RabbitMessages() {}

    /**
     * The id of the event in any program's message, for {@code inbox.once(id, …)}: Posthaste's; that of a CloudEvent in
     * binary mode, which is its source and id together; the header {@code id} of Debezium's outbox event router; or
     * AMQP's own {@code message-id}.
     *
     * @throws IllegalArgumentException if the message contains none
     */
    public static String eventId(AMQP.BasicProperties properties) {
        return EventIds.in(message("", "", properties, new byte[0]).headers());
    }

    // --- Between messages and AMQP's properties, and what AMQP cannot carry ------------------------------------------

    static AMQP.BasicProperties properties(Message message, Map<String, String> more) {
        Map<String, Object> headers = new HashMap<>(message.headers());
        headers.putAll(more);
        return new AMQP.BasicProperties.Builder()
                .deliveryMode(PERSISTENT)
                .contentType("application/json")
                .messageId(message.eventId())
                .type(message.eventType())
                .headers(headers)
                .build();
    }

    /**
     * Why AMQP, or this connection, cannot carry a message, or null if it can. To be called before the client's {@code
     * basicPublish}, which counts the message before encoding it: if the encoding fails, the client's count is ahead of the
     * server's, and every later confirm on the channel belongs to another message.
     *
     * @param frameMax the largest frame of the connection in bytes, 0 for no limit
     */
    static @Nullable Outcome defect(Message message, AMQP.BasicProperties properties, int frameMax) {
        try {
            String reason = shortStringDefect(message);
            if (reason != null) {
                return Outcome.rejected(reason).permanent(true);
            }
            for (String reserved : RESERVED) {
                if (message.headers().containsKey(reserved)) {
                    return Outcome.rejected(
                                    "RabbitMQ reserves the headers CC and BCC for lists of routing keys and refuses messages"
                                            + " with the text header " + reserved + "; rename the header")
                            .permanent(true);
                }
            }
            if (frameMax == 0 || maxBytes(message) <= frameMax) {
                return null;
            }
            int size = headerFrameBytes(message, properties);
            return size <= frameMax
                    ? null
                    : Outcome.rejected("its headers take a frame of " + size + " bytes; the connection's largest is "
                            + frameMax + " (RabbitMQ's frame_max)");
        } catch (IOException | RuntimeException e) {
            return Outcome.rejected("it cannot be encoded for AMQP: " + e).permanent(true);
        }
    }

    /** Whether the client's own encoder refuses the message. */
    static boolean isUnencodable(Message message, AMQP.BasicProperties properties) {
        try {
            headerFrameBytes(message, properties);
            return false;
        } catch (IOException | RuntimeException e) {
            return true;
        }
    }

    /** The size that the client compares with the largest frame: that of the whole frame, as its own encoder writes it. */
    private static int headerFrameBytes(Message message, AMQP.BasicProperties properties) throws IOException {
        return properties.toFrame(0, message.body().length).size();
    }

    /** An upper bound that is cheap to compute and enough for almost all messages. */
    private static long maxBytes(Message message) {
        long chars = length(message.eventId()) + length(message.eventType());
        long fields = 0;
        for (Map.Entry<String, String> header : message.headers().entrySet()) {
            chars += header.getKey().length() + length(header.getValue());
            fields++;
        }
        return FIXED_BYTES + 8 * fields + MAX_BYTES_PER_CHAR * chars;
    }

    private static long length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }

    private static @Nullable String shortStringDefect(Message message) {
        if (isTooLong(message.destination())) {
            return tooLong("the exchange's name", message.destination());
        }
        if (isTooLong(message.routingKey())) {
            return tooLong("its routing key", message.routingKey());
        }
        if (isTooLong(message.eventId())) {
            return tooLong("its event id", message.eventId());
        }
        if (isTooLong(message.eventType())) {
            return tooLong("its event type", message.eventType());
        }
        for (String name : message.headers().keySet()) {
            if (isTooLong(name)) {
                return tooLong("the name of a header", name);
            }
        }
        return null;
    }

    private static boolean isTooLong(@Nullable String text) {
        return text != null
                && text.length() * MAX_BYTES_PER_CHAR > MAX_SHORT_STRING_BYTES
                && text.getBytes(StandardCharsets.UTF_8).length > MAX_SHORT_STRING_BYTES;
    }

    private static String tooLong(String what, @Nullable String text) {
        String shown = String.valueOf(text);
        return what + " has " + shown.getBytes(StandardCharsets.UTF_8).length + " bytes in UTF-8; AMQP allows "
                + MAX_SHORT_STRING_BYTES + ": " + shown.substring(0, Math.min(shown.length(), 40)) + "…";
    }

    /** A string as it arrives: half of a surrogate pair has become a question mark. */
    static String asSent(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    /** Why properties cannot be sent on a connection with this frame limit, or null if they can. */
    static @Nullable String frameDefect(AMQP.BasicProperties properties, int bodyBytes, int frameMax) {
        try {
            int size = properties.toFrame(0, bodyBytes).size();
            return frameMax == 0 || size <= frameMax
                    ? null
                    : "its headers take a frame of " + size + " bytes; the connection's largest is " + frameMax;
        } catch (IOException | RuntimeException e) {
            return "it cannot be encoded for AMQP: " + e;
        }
    }

    /**
     * The properties as they came, and more headers. Whatever would let the copy expire, be routed elsewhere, or be refused
     * because another user sent it, is kept under another name.
     */
    static AMQP.BasicProperties deadLetter(AMQP.BasicProperties came, Map<String, String> more) {
        Map<String, Object> headers = new HashMap<>();
        if (came.getHeaders() != null) {
            came.getHeaders()
                    .forEach((name, value) -> headers.put(RESERVED.contains(name) ? ORIGINAL + name : name, value));
        }
        putIfMissing(headers, ORIGINAL + "expiration", came.getExpiration());
        putIfMissing(headers, ORIGINAL + "user-id", came.getUserId());
        headers.putAll(more);
        return came.builder()
                .headers(headers)
                .deliveryMode(PERSISTENT)
                .expiration(null)
                .userId(null)
                .build();
    }

    /** Only the headers and properties that identify the event, and the names of those left out. */
    static AMQP.BasicProperties bareDeadLetter(AMQP.BasicProperties came, Map<String, String> more) {
        Map<String, Object> all = came.getHeaders() == null ? Map.of() : came.getHeaders();
        Map<String, Object> headers = new HashMap<>();
        putIfShort(headers, MessageHeaders.EVENT_ID, came.getMessageId());
        putIfShort(headers, MessageHeaders.EVENT_TYPE, came.getType());
        NAMES_OF_THE_EVENT.forEach(name -> putIfShort(headers, name, all.get(name)));
        String names = String.join(", ", all.keySet());
        headers.put(
                MessageHeaders.ERROR_HEADERS, "left out: " + names.substring(0, Math.min(names.length(), MAX_NAMES)));
        headers.putAll(more);
        return new AMQP.BasicProperties.Builder()
                .deliveryMode(PERSISTENT)
                .headers(headers)
                .build();
    }

    private static void putIfShort(Map<String, Object> headers, String name, @Nullable Object value) {
        String text = value == null ? "" : text(value);
        if (value != null && text.length() <= MAX_SHORT_STRING_BYTES) {
            headers.put(name, text);
        }
    }

    /** Roughly the bytes that a received message takes in memory: its headers are kept twice. */
    static long memory(Message message) {
        long bytes = MEMORY_OF_AN_EMPTY_MESSAGE + message.body().length;
        for (Map.Entry<String, String> header : message.headers().entrySet()) {
            bytes += MEMORY_OF_AN_EMPTY_HEADER
                    + 2L * (header.getKey().length() + header.getValue().length());
        }
        return bytes;
    }

    /** Other programs put id, type and content type into AMQP's own properties, so those count where headers are missing. */
    static Message message(String exchange, String routingKey, AMQP.BasicProperties properties, byte[] body) {
        Map<String, String> headers = new HashMap<>();
        if (properties.getHeaders() != null) {
            properties.getHeaders().forEach((name, value) -> {
                if (value != null) {
                    headers.put(name, text(value));
                }
            });
        }
        putIfMissing(headers, MessageHeaders.EVENT_ID, properties.getMessageId());
        putIfMissing(headers, MessageHeaders.EVENT_TYPE, properties.getType());
        putIfMissing(headers, "content-type", properties.getContentType());
        return Message.of(exchange, body)
                .routingKey(routingKey)
                .key(headers.get(MessageHeaders.EVENT_KEY))
                .headers(headers);
    }

    private static String text(Object value) {
        return value instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : value.toString();
    }

    private static void putIfMissing(Map<String, ? super String> headers, String name, @Nullable String value) {
        if (value != null) {
            headers.putIfAbsent(name, value);
        }
    }
}
