package dev.posthaste.internal.messages;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A check of what a message says, made when it is sent and compared when it is handled: clients and brokers have swapped
 * the contents of messages under pressure (as in KAFKA-19012), and their own checksums were made after the swap.
 */
public final class Digest {
    private Digest() {}

    /** CRC-32C over the event's id, a zero, and the body, as eight hexadecimal digits. */
    public static String of(String eventId, byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(eventId.getBytes(StandardCharsets.UTF_8));
        crc.update(0);
        crc.update(body, 0, body.length);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** Whether the message is as it was sent; a message without a digest is accepted as it is. */
    public static boolean matches(Message message) {
        Map<String, String> headers = message.headers();
        String digest = headers.get(MessageHeaders.DIGEST);
        String id = message.eventId();
        return digest == null || id == null || digest.equals(of(id, message.body()));
    }
}
