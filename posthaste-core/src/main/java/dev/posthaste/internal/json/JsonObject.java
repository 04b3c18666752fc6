package dev.posthaste.internal.json;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An object that was read; of members with the same name, the last.
 *
 * @param members by name: a {@link JsonObject}, a {@link List}, a {@link Scalar}, or null
 */
public record JsonObject(Map<String, @Nullable Object> members) {
    /**
     * What is neither an object nor a list.
     *
     * @param token which of them
     * @param text a number verbatim
     */
    public record Scalar(JsonReader.Token token, String text) {
        public boolean isText() {
            return token == JsonReader.Token.TEXT;
        }

        /** Whether it is a number without a fraction or an exponent. */
        public boolean isInteger() {
            return token == JsonReader.Token.INTEGER;
        }
    }

    /** True even if it is null. */
    public boolean has(String name) {
        return members.containsKey(name);
    }

    public @Nullable Scalar scalar(String name) {
        return members.get(name) instanceof Scalar scalar ? scalar : null;
    }

    /** The text, number, true or false of this name; null if there is none. */
    public @Nullable String text(String name) {
        Scalar scalar = scalar(name);
        return scalar == null ? null : scalar.text();
    }

    /** 0 if there is none. */
    public long number(String name) {
        String text = text(name);
        return text == null ? 0 : Long.parseLong(text);
    }

    public @Nullable JsonObject object(String name) {
        return members.get(name) instanceof JsonObject object ? object : null;
    }

    /** Empty if there is none. */
    public List<?> list(String name) {
        return members.get(name) instanceof List<?> list ? list : List.of();
    }
}
