package dev.posthaste.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON whose parts are kept to the letter: no number is rounded, no text written differently. */
final class RawJson {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /** What is put into an object is a level deeper there, and readers take as many levels as this library's parser does. */
    private static final JsonMapper INNER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(StreamReadConstraints.DEFAULT_MAX_DEPTH - 1)
                            .build())
                    .build())
            .build();

    private RawJson() {}

    /**
     * The members of an object, each with its very bytes; the last of those with one name.
     *
     * @throws IllegalArgumentException if {@code json} is no JSON object in UTF-8 and nothing else; says why
     */
    static Map<String, byte[]> members(byte[] json) {
        requireUtf8(json, "it");
        Map<String, byte[]> members = new LinkedHashMap<>();
        try (JsonParser parser = JsonMapper.shared().createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IllegalArgumentException("it is no JSON object");
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                members.put(name, slice(json, parser));
            }
            if (parser.nextToken() != null) {
                throw new IllegalArgumentException("something follows the JSON object");
            }
            return members;
        } catch (JacksonException e) {
            throw new IllegalArgumentException("it is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Jackson finds UTF-16 and UTF-32 by itself, reads them as characters and then knows no offsets in bytes. It does so
     * only for a byte order mark, which is not valid in UTF-8, or a NUL among the first four bytes.
     */
    private static void requireUtf8(byte[] json, String what) {
        boolean valid = true;
        for (int i = 0; i < Math.min(4, json.length); i++) {
            valid &= json[i] != 0;
        }
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json));
        } catch (CharacterCodingException e) {
            valid = false;
        }
        if (!valid) {
            throw new IllegalArgumentException(what + " is not UTF-8");
        }
    }

    /** The value that the parser has begun. */
    private static byte[] slice(byte[] json, JsonParser parser) {
        int from = (int) parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        parser.finishToken();
        int to = (int) parser.currentLocation().getByteOffset();
        return new String(json, from, to - from, StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * A member's text, or its number to the letter; null when it is missing, null or empty.
     *
     * @throws IllegalArgumentException if it is an object or a list, or has half of a surrogate pair, which no column and
     *     no header can hold
     */
    static @Nullable String text(Map<String, byte[]> members, String name) {
        byte[] raw = members.get(name);
        if (raw == null) {
            return null;
        }
        JsonNode value;
        try {
            value = JsonMapper.shared().readTree(raw);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its " + name + " cannot be read: " + e.getOriginalMessage(), e);
        }
        if (value.isContainer()) {
            throw new IllegalArgumentException("its " + name + " is no text");
        }
        if (value.isNull()) {
            return null;
        }
        String text = value.isNumber() ? new String(raw, StandardCharsets.UTF_8) : value.asString();
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new IllegalArgumentException("its " + name + " has half of a surrogate pair");
        }
        return text.isEmpty() ? null : text;
    }

    /**
     * The text of a payload that can be put into other JSON as it is.
     *
     * @throws IllegalArgumentException unless these bytes are one JSON value in UTF-8
     */
    static String oneValue(byte[] json) {
        requireUtf8(json, "its payload");
        try (JsonParser parser = INNER.createParser(json)) {
            if (parser.nextToken() == null) {
                throw new IllegalArgumentException("its payload is empty, and no JSON");
            }
            parser.skipChildren();
            parser.finishToken();
            if (parser.nextToken() != null) {
                throw new IllegalArgumentException("its payload is more than one JSON value");
            }
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its payload is no JSON: " + e.getOriginalMessage(), e);
        }
        String text = new String(json, StandardCharsets.UTF_8);
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    }

    /**
     * Writes a member whose value is a text.
     *
     * @throws IllegalArgumentException if it has half of a surrogate pair: the generator would escape it, and no reader
     *     could make UTF-8 of it
     */
    static void writeText(JsonGenerator generator, String name, String value) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(value)) {
            throw new IllegalArgumentException("its " + name + " has half of a surrogate pair");
        }
        generator.writeStringProperty(name, value);
    }

    /**
     * Writes JSON.
     *
     * @throws IllegalArgumentException if none can be made: a text has half of a surrogate pair
     */
    static byte[] write(int expectedBytes, Consumer<JsonGenerator> content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(expectedBytes);
        try (JsonGenerator generator = JsonMapper.shared().createGenerator(out)) {
            content.accept(generator);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("it cannot be written as JSON: " + e.getOriginalMessage(), e);
        }
        return out.toByteArray();
    }
}
