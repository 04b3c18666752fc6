package dev.posthaste.internal.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.posthaste.PayloadSerializer;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** Jackson 3 and Jackson 2 read any bytes identically, and both read what is written here. */
class BothJacksonsTest {
    private static final String JSON =
            "{\"id\":\"e-1\",\"a\":{\"b\":[1,-2.50e+3,true,null]},\"a\":\"\\ud83d\\u00e4ü\\n\"}";
    private static final byte[] ALPHABET = bytes("{}[]\",:\\ue-1+.0Enulltrfas \n\t\uFEFFü\u0000/'");

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void readTheSame(byte[] json) {
        assertThat(TokenTrace.of(new Jackson2Json(), json))
                .as("%s…", new String(Arrays.copyOf(json, Math.min(100, json.length)), StandardCharsets.UTF_8))
                .isEqualTo(TokenTrace.of(new Jackson3Json(), json));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                JSON,
                "",
                " ",
                "\uFEFF{}",
                "{\"a\":1,\"a\":2}",
                "{} {}",
                "{\"a\":01}",
                "{\"a\":+1}",
                "{\"a\":.5}",
                "{\"a\":5.}",
                "{\"a\":NaN}",
                "{'a':1}",
                "{a:1}",
                "{\"a\":1,}",
                "[1,]",
                "[,1]",
                "// no\n{}",
                "# no\n{}",
                "{\"a\":\"\t\"}",
                "{\"a\":\"\\x\"}",
                "{\"a\":\"\\ud800\"}",
                "{\"a\":1e400,\"b\":12345678901234567890123.0,\"c\":-0}",
                "{\"a\":\"\\u0000\"}",
                "nul",
                "truex",
                "1 2",
                "\"text",
                "12",
                "-"
            })
    void theyAreEquallyStrict(String json) {
        readTheSame(bytes(json));
    }

    @Test
    void theyHaveTheSameLimits() {
        for (int size : new int[] {499, 500, 501, 999, 1000, 1001, 2000}) {
            readTheSame(bytes("[".repeat(size) + "]".repeat(size)));
            readTheSame(bytes("{\"a\":".repeat(size) + "1" + "}".repeat(size)));
        }
        for (int size : new int[] {49_999, 50_000, 50_001}) {
            readTheSame(bytes("{\"" + "n".repeat(size) + "\":1}"));
        }
        readTheSame(bytes("\"" + "t".repeat(21_000_000) + "\""));
        for (String number : List.of("9".repeat(5_000), "-0." + "0".repeat(5_000) + "1", "1e" + "9".repeat(400))) {
            for (JsonLibrary each : List.of(new Jackson2Json(), new Jackson3Json())) {
                assertThat(TokenTrace.of(each, bytes("{\"a\":" + number + "}"))).isNotEmpty();
            }
        }
    }

    @Test
    void theyReadTheSameOfCutAndChangedBytes() {
        byte[] whole = bytes(JSON);
        Random random = new Random(5);
        for (int round = 0; round < 30_000; round++) {
            byte[] json = Arrays.copyOf(whole, round % 3 == 0 ? random.nextInt(whole.length) : whole.length);
            for (int i = random.nextInt(4); i >= 0 && json.length > 0; i--) {
                json[random.nextInt(json.length)] =
                        random.nextBoolean() ? ALPHABET[random.nextInt(ALPHABET.length)] : (byte) random.nextInt(256);
            }
            readTheSame(json);
        }
    }

    @Test
    void whatIsWrittenIsToTheLetterWhatJacksonWrites() throws JsonProcessingException {
        StringBuilder all = new StringBuilder();
        for (int each = 0; each <= 0xffff; each++) {
            if (!Character.isSurrogate((char) each)) {
                all.append((char) each);
            }
        }
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("all \"characters\"\n", all.append("\uD83D\uDE00").toString());
        object.put("numbers", List.of(1, Long.MIN_VALUE, -0));
        object.put("nothing", null);
        object.put("empty", List.of(Map.of(), List.of(), ""));
        String written = Json.write(object);
        assertThat(written).isEqualTo(new ObjectMapper().writeValueAsString(object));
        assertThat(written).isEqualTo(JsonMapper.shared().writeValueAsString(object));
    }

    enum Size {
        SMALL {
            @Override
            public String toString() {
                return "small";
            }
        },
        LARGE
    }

    record Item(
            String product,
            int amount,
            BigDecimal price,
            Size size,
            @Nullable List<Item> parts) {}

    static class Bean {
        public String zebra = "z";
        public String ant = "a";
    }

    record Nothing() {}

    @Test
    void payloadsBecomeTheSameJson() throws Exception {
        PayloadSerializer three = FoundSerializer.Three.serializer();
        PayloadSerializer two = FoundSerializer.Two.serializer();
        Item item = new Item("tea", 3, new BigDecimal("1.50"), Size.SMALL, List.of());
        for (Object payload : List.of(
                item,
                new Bean(),
                new Nothing(),
                Map.of("b", 1),
                List.of(1.5e300, Size.LARGE),
                JsonMapper.shared().readTree("{\"a\":[1.50,\"ü\"]}").toString())) {
            byte[] json = three.write(payload, FoundSerializer.Probe.INFO);
            assertThat(two.write(payload, FoundSerializer.Probe.INFO))
                    .asString()
                    .isEqualTo(new String(json, StandardCharsets.UTF_8));
        }
        for (PayloadSerializer each : List.of(three, two)) {
            assertThat(each.read(each.write(item, FoundSerializer.Probe.INFO), Item.class, FoundSerializer.Probe.INFO))
                    .isEqualTo(item);
            assertThat(each.read(bytes("{\"zebra\":\"y\",\"unknown\":1}"), Bean.class, FoundSerializer.Probe.INFO)
                            .zebra)
                    .isEqualTo("y");
            for (String wrong : List.of("{\"product\":", "{\"amount\":null}", "{} {}", "[]", "{\"size\":\"SMALL\"}")) {
                assertThatThrownBy(() -> each.read(bytes(wrong), Item.class, FoundSerializer.Probe.INFO))
                        .as(wrong)
                        .isInstanceOf(IllegalArgumentException.class)
                        .message()
                        .isNotBlank()
                        .doesNotContain("Source", "product\"");
            }
        }
    }
}
