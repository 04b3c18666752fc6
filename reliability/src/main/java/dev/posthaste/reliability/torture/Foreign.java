package dev.posthaste.reliability.torture;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Bodies of messages that other programs send to our queue or topic, without any header of Posthaste's. */
final class Foreign {
    private Foreign() {}

    static List<byte[]> bodies() {
        return List.of(
                new byte[0],
                new byte[] {(byte) 0xff, 0, (byte) 0x80},
                "{}".getBytes(StandardCharsets.UTF_8),
                "{\"event_id\":\"1\"".getBytes(StandardCharsets.UTF_8),
                "[".repeat(10_000).getBytes(StandardCharsets.UTF_8),
                "{\"id\":\"1\",\"type\":\"order.placed\"}".getBytes(StandardCharsets.UTF_16),
                "1|1|nobody-0|0|plain|0".getBytes(StandardCharsets.UTF_8));
    }
}
