package dev.posthaste.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the bytes, a format reads them or refuses them with an IllegalArgumentException; it throws nothing else. */
class HostileJsonTest {
    private static final String STRUCTURED = "application/cloudevents+json";
    private static final String ENVELOPE =
            "{\"id\":\"e-1\",\"source\":\"/s\",\"event_id\":\"e-1\",\"type\":\"t\",\"data\":{\"a\":[1,2]},\"payload\":{\"a\":[1,\"ü\"]}}";
    private static final OutboxDefinition OUTBOX =
            OutboxDefinition.named("agent").route(Route.to("topic")).types("t");
    private static final List<MessageFormat> FORMATS = List.of(
            MessageFormat.RAW,
            MessageFormat.ENVELOPE,
            MessageFormat.cloudEvents("/s"),
            MessageFormat.cloudEventsStructured("/s"));

    private static Message message(byte[] body) {
        return Message.of("topic", body).headers(new HashMap<>(Map.of("content-type", STRUCTURED)));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Reads and writes {@code body} in every way. */
    private static void tryAll(byte[] body) {
        attempt(body, () -> Envelope.open(body));
        attempt(body, () -> new Envelope(1, "e", "t", "v1", "s", "a", body).toJson());
        for (MessageFormat format : FORMATS) {
            attempt(body, () -> format.read(message(body)));
            attempt(body, () -> format.write(new StoredRow(1, "e", "t", "v1", "k", null, null, null, body), OUTBOX));
            attempt(
                    body,
                    () -> format.write(
                            new StoredRow(
                                    1,
                                    "e",
                                    "t",
                                    "v1",
                                    "k",
                                    null,
                                    null,
                                    new String(body, StandardCharsets.UTF_8),
                                    bytes("1")),
                            OUTBOX));
        }
    }

    private static void attempt(byte[] body, Runnable work) {
        try {
            work.run();
        } catch (IllegalArgumentException expected) {
            assertThat(expected).hasMessageMatching("(?s).+");
        } catch (Throwable e) {
            fail("by " + Arrays.toString(Arrays.copyOf(body, Math.min(200, body.length))), e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE", "UTF-32LE"})
    void B03_jsonInAnotherEncodingIsRefused(String charset) {
        for (String json : List.of(ENVELOPE, " " + ENVELOPE, "1", "[]", "\uFEFF" + ENVELOPE)) {
            byte[] body = json.getBytes(Charset.forName(charset));
            tryAll(body);
            assertThatThrownBy(() -> Envelope.open(body))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not UTF-8");
            assertThatThrownBy(() -> new Envelope(1, "e", "t", null, null, null, body).toJson())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not UTF-8");
        }
    }

    @Test
    void B03_aByteOrderMarkOfUtf8IsAcceptedAndLeftOut() {
        assertThat(Envelope.open(bytes("\uFEFF" + ENVELOPE)).payload()).isEqualTo(bytes("{\"a\":[1,\"ü\"]}"));
        byte[] written = new Envelope(0, "e", null, null, null, null, bytes("\uFEFF{\"a\":1}")).toJson();
        assertThat(new String(written, StandardCharsets.UTF_8)).isEqualTo("{\"event_id\":\"e\",\"payload\":{\"a\":1}}");
        assertThatCode(() -> MessageFormat.cloudEventsStructured("/s").read(message(bytes("\uFEFF" + ENVELOPE))))
                .doesNotThrowAnyException();
    }

    @Test
    void B03_brokenBytesAreNotReadAsQuestionMarks() {
        byte[] body = bytes(ENVELOPE);
        body[ENVELOPE.indexOf("e-1")] = (byte) 0xff;
        assertThatThrownBy(() -> Envelope.open(body)).hasMessageContaining("is not UTF-8");
    }

    @Test
    void B03_whateverIsNestedHowDeepIsReadOrRefused() {
        for (String open : List.of("[", "{\"a\":", "{\"event_id\":[", "{\"payload\":{\"data\":")) {
            tryAll(bytes(open.repeat(10_000)));
            tryAll(bytes("{\"event_id\":" + open.repeat(10_000)));
            tryAll(bytes("{\"payload\":" + open.repeat(10_000)));
        }
        tryAll(bytes("{\"event_id\":\"e\",\"id\":\"e\",\"type\":\"t\",\"payload\":" + "[".repeat(10_000)
                + "]".repeat(10_000) + "}"));
        tryAll(bytes("[".repeat(10_000) + "]".repeat(10_000)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "17|17",
                "1.10|1.10",
                "12345678901234567890123|12345678901234567890123",
                "0.1000000000000000055|0.1000000000000000055",
                "1e400|1e400",
                "true|true"
            })
    void B03_anIdThatIsANumberIsKeptToTheLetter(String json, String id) {
        assertThat(Envelope.open(bytes("{\"event_id\": " + json + " ,\"payload\":1}"))
                        .eventId())
                .isEqualTo(id);
    }

    @Test
    void B03_hugeNumbersAndNamesAreReadOrRefused() {
        for (String value : List.of("9".repeat(5_000), "1e" + "9".repeat(400), "-0." + "0".repeat(5_000) + "1")) {
            tryAll(bytes(value));
            tryAll(bytes("{\"payload\":" + value + "}"));
            tryAll(bytes("{\"event_id\":" + value + ",\"id\":" + value + ",\"type\":1,\"outbox_id\":" + value
                    + ",\"payload\":1}"));
        }
        tryAll(bytes("{\"" + "n".repeat(100_000) + "\":1,\"payload\":1}"));
        tryAll(bytes("{\"event_id\":\"" + "i".repeat(1_000_000) + "\",\"payload\":1}"));
    }

    @Test
    void B03_theLastOfTwoMembersWithOneNameCounts() {
        Envelope envelope = Envelope.open(bytes("{\"event_id\":\"a\",\"payload\":1,\"event_id\":\"b\",\"payload\":2}"));
        assertThat(envelope.eventId()).isEqualTo("b");
        assertThat(envelope.payload()).isEqualTo(bytes("2"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\ud800", "\\udc00", "x\\ud83dx", "\\ude00\\ud83d"})
    void B03_anIdWithHalfASurrogatePairIsRefusedForItWouldBecomeAQuestionMark(String id) {
        byte[] body = bytes(
                "{\"event_id\":\"" + id + "\",\"id\":\"" + id + "\",\"source\":\"/s\",\"type\":\"t\",\"payload\":1}");
        tryAll(body);
        assertThatThrownBy(() -> Envelope.open(body)).hasMessageContaining("its event_id has half of a surrogate pair");
        assertThatThrownBy(() -> MessageFormat.cloudEventsStructured("/s").read(message(body)))
                .hasMessageContaining("its id has half of a surrogate pair");
        String broken = "\ud800";
        for (MessageFormat format : FORMATS) {
            attempt(
                    body,
                    () -> format.write(
                            new StoredRow(1, broken, broken, broken, broken, null, null, null, bytes("1")), OUTBOX));
        }
        attempt(body, () -> new Envelope(1, broken, null, null, null, broken, bytes("1")).toJson());
    }

    @Test
    void B03_cutAndChangedBytesAreReadOrRefused() {
        byte[] whole = bytes(ENVELOPE);
        for (int i = 0; i <= whole.length; i++) {
            tryAll(Arrays.copyOf(whole, i));
            tryAll(Arrays.copyOfRange(whole, i, whole.length));
        }
        Random random = new Random(3);
        byte[] alphabet = bytes("{}[]\",:\\ue-1+.0Enulltrfas \n\t\uFEFFü\u0000");
        for (int round = 0; round < 6_000; round++) {
            byte[] body = whole.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                body[random.nextInt(body.length)] =
                        random.nextBoolean() ? alphabet[random.nextInt(alphabet.length)] : (byte) random.nextInt(256);
            }
            tryAll(body);
            byte[] noise = new byte[random.nextInt(40)];
            random.nextBytes(noise);
            tryAll(noise);
            for (int i = 0; i < noise.length; i++) {
                noise[i] = alphabet[random.nextInt(alphabet.length)];
            }
            tryAll(noise);
        }
    }
}
