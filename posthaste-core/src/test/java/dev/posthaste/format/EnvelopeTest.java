package dev.posthaste.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopeTest {
    private static final OutboxDefinition AGENT =
            OutboxDefinition.named("agent").route(Route.to("agent-topic")).types("t");

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static StoredRow event(String id, String payload, @Nullable String aggregate) {
        return new StoredRow(17, id, "t", "v2", "conv-1", null, null, null, bytes(payload), aggregate, null);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"role\": \"user\",  \"text\":\"späße 漢字 \uD83D\uDE00\"}",
                "1.0",
                "12345678901234567890.10",
                "1e400",
                "\"text\"",
                "\"ünï\"",
                "[1, 2 ,3]",
                "null",
                "true",
                "{}"
            })
    void thePayloadIsKeptToTheLetter(String payload) {
        byte[] json = bytes("{\"event_id\":\"e\",\"x\":{\"payload\":0},\"payload\": " + payload
                + " ,\"aggregate_id\":\"ä\",\"outbox_id\":5}");
        Envelope envelope = Envelope.open(json);
        assertThat(text(envelope.payload())).isEqualTo(payload);
        assertThat(envelope.aggregateId()).isEqualTo("ä");
        assertThat(envelope.outboxId()).isEqualTo(5);
        assertThat(text(Envelope.open(envelope.toJson()).payload())).isEqualTo(payload);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "[]",
                "{}",
                "{\"payload\":",
                "{\"event_id\":{},\"payload\":1}",
                "{\"payload\":1} more",
                "{\"payload\":1}{\"payload\":2}"
            })
    void whatIsNoEnvelopeIsRefusedWithTheReason(String json) {
        assertThatThrownBy(() -> Envelope.open(bytes(json)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not an envelope");
    }

    @Test
    void emptyMembersAreNone() {
        Envelope envelope = Envelope.open(bytes("{\"event_id\":\"\",\"event_type\":null,\"payload\":1}"));
        assertThat(envelope.eventId()).isNull();
        assertThat(envelope.eventType()).isNull();
    }

    @Test
    void itIsWrittenAsOtherProgramsExpectIt() {
        Message message = MessageFormat.ENVELOPE.write(event("e-1", "{\"a\":1}", "msg-9"), AGENT);
        assertThat(message.key()).isEqualTo("conv-1");
        assertThat(message.destination()).isEqualTo("agent-topic");
        assertThat(text(message.body()))
                .isEqualTo("{\"outbox_id\":17,\"event_id\":\"e-1\",\"event_type\":\"t\",\"event_version\":\"v2\","
                        + "\"service_name\":\"agent\",\"aggregate_id\":\"msg-9\",\"payload\":{\"a\":1}}");
    }

    @Test
    void anEventWithoutAnIdIsKnownByItsRowOnTheWireAndByServiceAndRowToConsumers() {
        Message message = MessageFormat.ENVELOPE.write(event(EventIds.ofPosition("agent", 17), "1", null), AGENT);
        assertThat(text(message.body())).contains("\"event_id\":\"17\"", "\"aggregate_id\":\"conv-1\"");
        assertThat(MessageFormat.ENVELOPE.read(message).eventId()).isEqualTo("agent-17");
        Message bare = Message.of("agent-topic", message.body()).key("conv-1").headers(new HashMap<>());
        Message read = MessageFormat.ENVELOPE.read(bare);
        assertThat(read.eventId()).isEqualTo("agent-17");
        assertThat(read.eventType()).isEqualTo("t");
        assertThat(read.headers())
                .containsEntry(MessageHeaders.OUTBOX, "agent")
                .containsEntry(MessageHeaders.POSITION, "17")
                .containsEntry(MessageHeaders.EVENT_VERSION, "v2");
        assertThat(text(read.body())).isEqualTo("1");
    }

    @Test
    void aPayloadThatIsNoJsonCannotBeSentInIt() {
        assertThatThrownBy(() -> MessageFormat.ENVELOPE.write(event("e", "plain text", null), AGENT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not JSON");
        assertThatThrownBy(() -> MessageFormat.ENVELOPE.write(event("e", "1},\"payload\":{2", null), AGENT))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aHeaderThatIsNullSaysNothing() {
        StoredRow event = new StoredRow(
                1, "e", "t", "v1", null, null, null, "{\"tenant\":\"acme\",\"nothing\":null}", bytes("1"));
        assertThat(MessageFormat.RAW.write(event, AGENT).headers())
                .containsEntry("tenant", "acme")
                .doesNotContainKey("nothing");
    }

    @Test
    void H15_aSwappedContentDoesNotMatchItsDigest() {
        Map<String, String> headers =
                Map.of(MessageHeaders.EVENT_ID, "e", MessageHeaders.DIGEST, Digest.of("e", bytes("one")));
        assertThat(Digest.matches(Message.of("t", bytes("one")).headers(headers)))
                .isTrue();
        assertThat(Digest.matches(Message.of("t", bytes("two")).headers(headers)))
                .isFalse();
        Map<String, String> another =
                Map.of(MessageHeaders.EVENT_ID, "f", MessageHeaders.DIGEST, Digest.of("e", bytes("one")));
        assertThat(Digest.matches(Message.of("t", bytes("one")).headers(another)))
                .isFalse();
        assertThat(Digest.matches(Message.of("t", bytes("two")))).isTrue();
    }
}
