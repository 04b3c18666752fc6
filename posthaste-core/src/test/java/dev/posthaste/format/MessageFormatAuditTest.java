package dev.posthaste.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Messages that anyone may have sent. */
class MessageFormatAuditTest {
    private static final MessageFormat CLOUD_EVENTS = MessageFormat.cloudEvents("/shop");
    private static final Map<String, String> STRUCTURED = Map.of("content-type", "application/cloudevents+json");

    private static Message message(Map<String, String> headers, byte[] body) {
        return Message.of("t", body).headers(headers);
    }

    private static Message structured(String json) {
        return message(STRUCTURED, json.getBytes(StandardCharsets.UTF_8));
    }

    private static String id(String sourceAndId) {
        return String.valueOf(CLOUD_EVENTS
                .read(structured("{\"specversion\":\"1.0\",\"type\":\"placed\"," + sourceAndId + "}"))
                .eventId());
    }

    private static String binaryId(String prefix, String source, String id) {
        return String.valueOf(CLOUD_EVENTS
                .read(message(
                        Map.of(prefix + "id", id, prefix + "source", source, prefix + "type", "placed"), new byte[0]))
                .eventId());
    }

    @Test
    void B11_aCloudEventIsKnownByItsSourceAndItsId() {
        String eu = id("\"source\":\"/shop/eu\",\"id\":\"1\"");
        assertThat(eu).matches("[0-9a-f]{64}").isEqualTo(id("\"id\":\"1\",\"source\":\"/shop/eu\""));
        assertThat(eu).isNotEqualTo(id("\"source\":\"/shop/us\",\"id\":\"1\""));
        assertThat(id("\"source\":\"ab\",\"id\":\"c\"")).isNotEqualTo(id("\"source\":\"a\",\"id\":\"bc\""));
        for (String prefix : List.of("ce_", "cloudEvents:", "cloudEvents_")) {
            assertThat(binaryId(prefix, "/shop/eu", "1"))
                    .as("the same event in another mode")
                    .isEqualTo(eu);
        }
        assertThat(id("\"source\":\"/s\",\"id\":\"" + "x".repeat(1_000) + "\"")).hasSize(64);
    }

    @Test
    void B11_idsThatAreNumbersAreKnownToTheLetter() {
        assertThat(id("\"source\":\"/s\",\"id\":1e400")).isNotEqualTo(id("\"source\":\"/s\",\"id\":1e999999999"));
        assertThat(id("\"source\":\"/s\",\"id\":9007199254740993"))
                .isNotEqualTo(id("\"source\":\"/s\",\"id\":9007199254740992"));
    }

    @Test
    void B11_withoutSourceIdOrTypeItIsNoCloudEvent() {
        for (String json : List.of(
                "{\"id\":\"1\",\"type\":\"placed\"}",
                "{\"id\":\"1\",\"type\":\"placed\",\"source\":\"\"}",
                "{\"source\":\"/s\",\"type\":\"placed\"}",
                "{\"source\":\"/s\",\"id\":\"1\"}")) {
            assertThatThrownBy(() -> CLOUD_EVENTS.read(structured(json)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageMatching("it is not a CloudEvent: its (source|id|type) is missing");
        }
        assertThatThrownBy(() -> CLOUD_EVENTS.read(message(Map.of("ce_id", "1", "ce_type", "t"), new byte[0])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("source is missing");
    }

    @Test
    void B11_whatTheTransportCallsItsMessageDoesNotNameTheEvent() {
        Map<String, String> headers = new HashMap<>(Map.of("ce_id", "1", "ce_source", "/shop/eu", "ce_type", "placed"));
        headers.put(MessageHeaders.EVENT_ID, "1"); // from AMQP's message-id
        headers.put(MessageHeaders.EVENT_TYPE, "something");
        Message read = CLOUD_EVENTS.read(message(headers, new byte[0]));
        assertThat(read.eventId()).isEqualTo(binaryId("ce_", "/shop/eu", "1"));
        assertThat(read.eventType()).isEqualTo("placed");
    }

    @Test
    void B11_whatAnOutboxSentKeepsItsId() {
        StoredRow event =
                new StoredRow(7, "e-1", "placed", "v1", "k", null, null, null, "{}".getBytes(StandardCharsets.UTF_8));
        OutboxDefinition outbox =
                OutboxDefinition.named("orders").route(Route.to("orders")).types("placed");
        for (MessageFormat format : List.of(
                CLOUD_EVENTS, MessageFormat.cloudEventsAmqp("/shop"), MessageFormat.cloudEventsStructured("/shop"))) {
            assertThat(format.read(format.write(event, outbox)).eventId()).isEqualTo("e-1");
        }
    }

    // --- Any input ---------------------------------------------------------------------------------------------------

    @Test
    void B11_whateverComesIsReadOrRefusedWithAReason() {
        List<byte[]> bodies = new ArrayList<>();
        List<String> texts = new ArrayList<>(
                List.of(
                        "",
                        " ",
                        "null",
                        "7",
                        "[]",
                        "{}",
                        "{",
                        "{\"payload\":NaN}",
                        "{\"payload\":1e999999999,\"event_id\":1e400,\"outbox_id\":99999999999999999999}",
                        "{\"payload\":{},\"payload\":[],\"event_id\":{}}",
                        "{\"payload\":{},\"event_id\":\"\\ud800\"}",
                        "{\"\\ud800\":1,\"payload\":\"\\udc00\"}",
                        "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data_base64\":\"=!*\"}",
                        "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data_base64\":{}}",
                        "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":1} {}",
                        "{\"id\":true,\"source\":[],\"type\":null}",
                        "{\"payload\":" + "9".repeat(100_000) + ",\"event_id\":" + "9".repeat(100_000) + "}",
                        "{\"payload\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}",
                        "{\"a\":".repeat(100_000),
                        "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"a\":[1,2,{\"b\":\"\u00e4\ud83d\ude00\"}]}}",
                        "{\"outbox_id\":7,\"event_id\":\"7\",\"event_type\":\"t\",\"service_name\":\"s\",\"payload\":{\"a\":1.10}}"));
        for (String each : texts) {
            for (String charset : List.of(
                    "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE", "ISO-8859-1")) {
                bodies.add(each.getBytes(Charset.forName(charset)));
            }
            bodies.add(("\uFEFF" + each).getBytes(StandardCharsets.UTF_8));
        }
        Random random = new Random(14);
        List<byte[]> small = bodies.stream().filter(each -> each.length < 1_000).toList();
        for (int i = 0; i < 2_000; i++) {
            byte[] mutant = small.get(random.nextInt(small.size())).clone();
            for (int j = random.nextInt(4); j >= 0 && mutant.length > 0; j--) {
                mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
            }
            bodies.add(mutant);
        }
        List<Map<String, String>> headers = List.of(
                Map.of(),
                STRUCTURED,
                Map.of("content-type", "\ud800", "ce_id", "1"),
                Map.of("ce_id", "", "ce_source", "", "ce_type", ""),
                Map.of("posthaste-row", "x", "posthaste-outbox", "\ud800", "posthaste-digest", "-"));
        for (byte[] body : bodies) {
            for (Map<String, String> each : headers) {
                for (MessageFormat format : List.of(MessageFormat.RAW, MessageFormat.ENVELOPE, CLOUD_EVENTS)) {
                    readOrRefuse(format, message(each, body));
                }
            }
        }
    }

    private static void readOrRefuse(MessageFormat format, Message message) {
        try {
            assertThat(format.read(message).body()).isNotNull();
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("it is no");
        }
    }
}
