package dev.posthaste.reliability.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.broker.MessageHeaders;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** An event's content shows its handler whether it arrived as it was written. */
class ContentTest {
    private static final int ROUNDS = 4_000;

    private static Map<String, String> onTheWire(Event event) {
        Map<String, String> headers = new HashMap<>(event.headers());
        headers.put(MessageHeaders.POSITION, "17");
        headers.put(MessageHeaders.EVENT_ID, event.id());
        return headers;
    }

    @Test
    void everyEventIsReadWhole() {
        Set<String> headers = new HashSet<>();
        for (int version = 1; version <= ROUNDS; version++) {
            Event event = Content.event(
                    OutboxTable.OWN,
                    Content.transaction("writer.1-0", version) + "-3",
                    version,
                    version,
                    31L * version,
                    null);
            Content.Read read = Content.read(event.id(), event.payload().toString(), onTheWire(event));
            assertThat(read).isEqualTo(new Content.Read(version, version, true));
            headers.addAll(event.headers().keySet());
        }
        assertThat(headers).contains("CC", "large-10", "größe", MessageHeaders.POSITION);
    }

    @Test
    void inAnEnvelopeItIsReadWholeAndHasNoHeaders() {
        for (int version = 1; version <= ROUNDS; version++) {
            Event event = Content.event(OutboxTable.EXISTING, "writer.1-0-1-0", version, version, 31L * version, null);
            assertThat(event.payload().toString()).startsWith("\"").endsWith("\"");
            assertThat(event.headers()).isEmpty();
            assertThat(Content.read(event.id(), event.payload().toString(), onTheWire(event)))
                    .isEqualTo(new Content.Read(version, version, true));
        }
    }

    @Test
    void whateverWasChangedOnTheWayIsNoticed() {
        Event event =
                Content.event(OutboxTable.OWN, "writer.1-0-1-0", 5, 17, 3, null); // this version comes with a header
        String payload = event.payload().toString();
        Map<String, String> headers = onTheWire(event);
        assertThat(Content.read(event.id(), payload, headers).whole()).isTrue();
        assertThat(Content.read("another", payload, headers).whole()).isFalse();
        assertThat(Content.read(event.id(), payload.replaceFirst("17", "18"), headers)
                        .whole())
                .isFalse();
        assertThat(Content.read(event.id(), payload, Map.of()).whole()).isFalse();
        headers.put("one", "more");
        assertThat(Content.read(event.id(), payload, headers).whole()).isFalse();
    }

    @Test
    void everyAggregateHasAKeyOfItsOwn() {
        Set<String> keys = new HashSet<>();
        for (int aggregate = 0; aggregate < Setup.KEYS; aggregate++) {
            assertThat(keys.add(Content.key(aggregate)))
                    .as(Content.key(aggregate))
                    .isTrue();
        }
    }
}
