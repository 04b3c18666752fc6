package dev.posthaste.internal.json;

import dev.posthaste.internal.json.JsonReader.Token;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON whose parts are kept verbatim: no number is rounded, no text is rewritten. */
public final class RawJson {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /** A value inside an object is one level deeper, and readers accept as many levels as this writer does. */
    private static final int MAX_PAYLOAD_DEPTH = JsonLibrary.MAX_DEPTH - 1;

    private RawJson() {}

    /**
     * The members of an object, each with its very bytes; the last of those with one name.
     *
     * @throws IllegalArgumentException if {@code json} is not a JSON object in UTF-8 and nothing else; says why
     */
    public static Map<String, byte[]> members(byte[] json) {
        requireUtf8(json, "it");
        Map<String, byte[]> members = new LinkedHashMap<>();
        try (JsonReader reader = Json.read(json)) {
            if (reader.next() != Token.OBJECT) {
                throw new IllegalArgumentException("it is not a JSON object");
            }
            while (reader.next() == Token.NAME) {
                String name = reader.text();
                reader.next();
                members.put(name, slice(json, reader));
            }
            if (reader.next() != Token.END) {
                throw new IllegalArgumentException("something follows the JSON object");
            }
            return members;
        } catch (JsonException e) {
            throw new IllegalArgumentException("it is not JSON: " + e.getMessage(), e);
        }
    }

    /**
     * Jackson detects UTF-16 and UTF-32 on its own, reads them as characters and then knows no offsets in bytes. It
     * does so only for a byte order mark, which is not valid in UTF-8, or a NUL among the first four bytes.
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

    /** The value that the reader has begun. */
    private static byte[] slice(byte[] json, JsonReader reader) {
        int from = reader.from();
        reader.skip();
        int to = reader.to();
        return new String(json, from, to - from, StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * A member's text, or its number verbatim; null when it is missing, null or empty.
     *
     * @throws IllegalArgumentException if it is an object or a list, or has half of a surrogate pair, which no column and
     *     no header can hold
     */
    public static @Nullable String text(Map<String, byte[]> members, String name) {
        byte[] raw = members.get(name);
        if (raw == null) {
            return null;
        }
        String text;
        try (JsonReader reader = Json.read(raw)) {
            Token token = reader.next();
            if (token == Token.NULL) {
                return null;
            }
            if (token == Token.OBJECT || token == Token.ARRAY) {
                throw new IllegalArgumentException("its " + name + " is not text");
            }
            boolean isNumber = token == Token.INTEGER || token == Token.DECIMAL;
            text = isNumber ? Json.number(reader.text()) : reader.text();
        } catch (JsonException e) {
            throw new IllegalArgumentException("its " + name + " cannot be read: " + e.getMessage(), e);
        }
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
    public static String oneValue(byte[] json) {
        requireUtf8(json, "its payload");
        try (JsonReader reader = Json.read(json)) {
            Token token = reader.next();
            if (token == Token.END) {
                throw new IllegalArgumentException("its payload is empty, which is not JSON");
            }
            skipShallow(token, reader);
            if (reader.next() != Token.END) {
                throw new IllegalArgumentException("its payload is more than one JSON value");
            }
        } catch (JsonException e) {
            throw new IllegalArgumentException("its payload is not JSON: " + e.getMessage(), e);
        }
        String text = new String(json, StandardCharsets.UTF_8);
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    }

    private static void skipShallow(Token first, JsonReader reader) {
        int depth = 0;
        for (Token token = first; ; token = reader.next()) {
            switch (token) {
                case OBJECT, ARRAY -> depth++;
                case OBJECT_END, ARRAY_END -> depth--;
                default -> {}
            }
            if (depth > MAX_PAYLOAD_DEPTH) {
                throw new JsonException("it is nested deeper than " + MAX_PAYLOAD_DEPTH + " levels");
            }
            if (depth == 0) {
                reader.skip(); // to the last byte of a text
                return;
            }
        }
    }

    /**
     * An object of strings, numbers and ready-made JSON.
     *
     * @throws IllegalArgumentException if a text has half of a surrogate pair: it cannot be written as UTF-8
     */
    public static byte[] write(Map<String, ?> members) {
        members.forEach((name, value) -> {
            if (value instanceof String text
                    && !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
                throw new IllegalArgumentException("its " + name + " has half of a surrogate pair");
            }
        });
        return Json.write(members).getBytes(StandardCharsets.UTF_8);
    }
}
