package dev.posthaste.internal.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads and writes the JSON that Posthaste itself needs. Thread-safe. */
public final class Json {
    private Json() {}

    /**
     * A value that is already JSON, to be written as it is.
     *
     * @param json not checked
     */
    public record Raw(String json) {}

    // --- Reading -----------------------------------------------------------------------------------------------------

    /** @throws IllegalStateException if there is no library for it; names those that can be used */
    public static JsonReader read(byte[] json) {
        return JsonLibraries.found().read(json);
    }

    /** The same for a text. */
    public static JsonReader read(String json) {
        return JsonLibraries.found().read(json);
    }

    /**
     * @return null for JSON's null
     * @throws JsonException if it is not one JSON object, or null, and nothing else
     */
    public static @Nullable JsonObject object(byte[] json) {
        try (JsonReader reader = read(json)) {
            return object(reader);
        }
    }

    /** The same for a text. */
    public static @Nullable JsonObject object(String json) {
        try (JsonReader reader = read(json)) {
            return object(reader);
        }
    }

    private static @Nullable JsonObject object(JsonReader reader) {
        Object value = value(reader.next(), reader);
        if (reader.next() != JsonReader.Token.END) {
            throw new JsonException("something follows the JSON value");
        }
        if (value == null || value instanceof JsonObject) {
            return (JsonObject) value;
        }
        throw new JsonException("it is not a JSON object");
    }

    private static @Nullable Object value(JsonReader.Token token, JsonReader reader) {
        return switch (token) {
            case OBJECT -> {
                Map<String, @Nullable Object> members = new LinkedHashMap<>();
                while (reader.next() == JsonReader.Token.NAME) {
                    String name = reader.text();
                    members.put(name, value(reader.next(), reader));
                }
                yield new JsonObject(members);
            }
            case ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                for (JsonReader.Token each = reader.next(); each != JsonReader.Token.ARRAY_END; each = reader.next()) {
                    list.add(value(each, reader));
                }
                yield list;
            }
            case NULL -> null;
            case TEXT, TRUE, FALSE -> new JsonObject.Scalar(token, reader.text());
            case INTEGER, DECIMAL -> new JsonObject.Scalar(token, number(reader.text()));
            case NAME, OBJECT_END, ARRAY_END, END -> throw new JsonException("it is empty");
        };
    }

    /**
     * Libraries differ in when they notice that a number is too long.
     *
     * @throws JsonException if it is
     */
    public static String number(String digits) {
        if (digits.length() > JsonLibrary.MAX_NUMBER_LENGTH) {
            throw new JsonException("a number has more than " + JsonLibrary.MAX_NUMBER_LENGTH + " characters");
        }
        return digits;
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    /**
     * Escapes only what must be escaped.
     *
     * @param value null, a text, a Long, an Integer, {@link Raw}, or a map or list of such
     */
    public static String write(@Nullable Object value) {
        StringBuilder json = new StringBuilder(256);
        write(value, json);
        return json.toString();
    }

    private static void write(@Nullable Object value, StringBuilder json) {
        if (value == null || value instanceof Long || value instanceof Integer) {
            json.append(value);
        } else if (value instanceof CharSequence text) {
            quote(text, json);
        } else if (value instanceof Raw raw) {
            json.append(raw.json());
        } else if (value instanceof Map<?, ?> members) {
            json.append('{');
            members.forEach((name, member) -> {
                separate(json, '{');
                quote(String.valueOf(name), json);
                json.append(':');
                write(member, json);
            });
            json.append('}');
        } else if (value instanceof Iterable<?> list) {
            json.append('[');
            list.forEach(each -> {
                separate(json, '[');
                write(each, json);
            });
            json.append(']');
        } else {
            throw new IllegalArgumentException("cannot be written as JSON: " + value.getClass());
        }
    }

    private static void separate(StringBuilder json, char open) {
        if (json.charAt(json.length() - 1) != open) {
            json.append(',');
        }
    }

    private static void quote(CharSequence text, StringBuilder json) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char each = text.charAt(i);
            switch (each) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\b' -> json.append("\\b");
                case '\t' -> json.append("\\t");
                case '\n' -> json.append("\\n");
                case '\f' -> json.append("\\f");
                case '\r' -> json.append("\\r");
                default -> {
                    if (each < ' ') {
                        json.append(String.format("\\u%04X", (int) each));
                    } else {
                        json.append(each);
                    }
                }
            }
        }
        json.append('"');
    }
}
