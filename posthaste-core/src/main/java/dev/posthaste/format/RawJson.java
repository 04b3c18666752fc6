package dev.posthaste.format;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON whose parts are kept to the letter: no number is rounded, no text written differently. */
final class RawJson {
    private RawJson() {}

    /**
     * The members of an object, each with its very bytes.
     *
     * @throws IllegalArgumentException if {@code json} is no JSON object and nothing else; says why
     */
    static Map<String, byte[]> members(byte[] json) {
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

    /** The value at which the parser stands. */
    private static byte[] slice(byte[] json, JsonParser parser) {
        int from = (int) parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        parser.finishToken();
        int to = (int) parser.currentLocation().getByteOffset();
        return new String(json, from, to - from, StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * A member's text; null when it is missing, null or empty.
     *
     * @throws IllegalArgumentException if it is an object or a list
     */
    static @Nullable String text(Map<String, byte[]> members, String name) {
        byte[] raw = members.get(name);
        if (raw == null) {
            return null;
        }
        JsonNode value = JsonMapper.shared().readTree(raw);
        if (value.isContainer()) {
            throw new IllegalArgumentException("its " + name + " is no text");
        }
        String text = value.isNull() ? "" : value.asString();
        return text.isEmpty() ? null : text;
    }

    /** @throws IllegalArgumentException unless these bytes are one JSON value in UTF-8 */
    static void requireOneValue(byte[] json) {
        try (JsonParser parser = JsonMapper.shared().createParser(json)) {
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
    }
}
