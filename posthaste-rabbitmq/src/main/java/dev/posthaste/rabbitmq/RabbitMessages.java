package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Between {@link Message} and AMQP's properties. */
final class RabbitMessages {
    private static final int PERSISTENT = 2;
    /** AMQP 0-9-1, 4.2.5.3: the length of a short string is one byte. */
    private static final int MAX_SHORT_STRING_BYTES = 255;
    /** The most that UTF-8 makes of one char of a Java string. */
    private static final int MAX_BYTES_PER_CHAR = 3;
    /** Frame and content header without their properties' values, generously. */
    private static final int FIXED_BYTES = 256;
    /** Headers that RabbitMQ takes for lists of further routing keys; it closes the channel if they are texts. */
    private static final Set<String> RESERVED = Set.of("CC", "BCC");

    private static final long MEMORY_OF_AN_EMPTY_MESSAGE = 1024;
    private static final long MEMORY_OF_AN_EMPTY_HEADER = 100;
    /** Before the name of what a dead letter cannot have under the name it came with. */
    private static final String ORIGINAL = "posthaste-original-";

    private static final int MAX_NAMES = 1000;
    private static final List<String> NAMES_OF_THE_EVENT = List.of(
            MessageHeaders.EVENT_ID,
            MessageHeaders.EVENT_TYPE,
            MessageHeaders.EVENT_VERSION,
            MessageHeaders.EVENT_KEY,
            MessageHeaders.OUTBOX,
            MessageHeaders.ROW);

    private RabbitMessages() {}

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
     * Why AMQP, or this connection, cannot carry a message, or null if it can. To be asked before the client's {@code
     * basicPublish}: that counts the message before it encodes it, so if the encoding fails, its count is ahead of the
     * server's, and every later confirm of the channel belongs to another message.
     *
     * @param frameMax the largest frame of the connection in bytes, 0 for no limit
     */
    static @Nullable Outcome defect(Message message, AMQP.BasicProperties properties, int frameMax) {
        try {
            String reason = shortStringDefect(message);
            if (reason != null) {
                return new Outcome.Rejected(reason, true);
            }
            for (String reserved : RESERVED) {
                if (message.headers().containsKey(reserved)) {
                    return new Outcome.Rejected(
                            "RabbitMQ reserves the headers CC and BCC for lists of routing keys, so it takes no message"
                                    + " with the text header " + reserved + "; rename the header",
                            true);
                }
            }
            if (frameMax == 0 || mostBytes(message) <= frameMax) {
                return null;
            }
            int size = headerFrameBytes(message, properties);
            return size <= frameMax
                    ? null
                    : Outcome.rejected("its headers take a frame of " + size + " bytes; the connection's largest is "
                            + frameMax + " (RabbitMQ's frame_max)");
        } catch (IOException | RuntimeException e) {
            return new Outcome.Rejected("it cannot be encoded for AMQP: " + e, true);
        }
    }

    /** Whether the client's own encoder refuses it. */
    static boolean isUnencodable(Message message, AMQP.BasicProperties properties) {
        try {
            headerFrameBytes(message, properties);
            return false;
        } catch (IOException | RuntimeException e) {
            return true;
        }
    }

    /** What the client compares with the largest frame: the whole frame, as its own encoder writes it. */
    private static int headerFrameBytes(Message message, AMQP.BasicProperties properties) throws IOException {
        return properties.toFrame(0, message.body().length).size();
    }

    /** An upper bound that is cheap to compute and enough for almost all messages. */
    private static long mostBytes(Message message) {
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
        return what + " has " + shown.getBytes(StandardCharsets.UTF_8).length + " bytes in UTF-8; AMQP carries "
                + MAX_SHORT_STRING_BYTES + ": " + shown.substring(0, Math.min(shown.length(), 40)) + "…";
    }

    /** A text as it looks after it was sent: half of a surrogate pair arrives as a question mark. */
    static String asSent(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    /** Why a message's properties cannot be sent on a connection with such frames, or null if they can be. */
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
     * The properties as they came and more headers, but nothing that would let the copy expire, be routed elsewhere, or be
     * refused because another user sent it; that is kept under other names.
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

    /** Without the headers and properties that came, but for those that name the event; lists the names of the others. */
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

    /** Bytes that a message that was received takes in memory, roughly: its headers are kept twice. */
    static long memory(Message message) {
        long bytes = MEMORY_OF_AN_EMPTY_MESSAGE + message.body().length;
        for (Map.Entry<String, String> header : message.headers().entrySet()) {
            bytes += MEMORY_OF_AN_EMPTY_HEADER
                    + 2L * (header.getKey().length() + header.getValue().length());
        }
        return bytes;
    }

    /** What a foreign program sent says its id, type and content type in AMQP's own properties. */
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
        return new Message(exchange, routingKey, headers.get(MessageHeaders.EVENT_KEY), headers, body);
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
