package dev.posthaste.internal.json;

import java.util.ArrayList;
import java.util.List;

/** Everything that a library reads from a text, for comparing libraries. */
final class TokenTrace {
    private TokenTrace() {}

    /** Each token with its text and its bytes, or that the text is not JSON. */
    static List<String> of(JsonLibrary library, byte[] json) {
        List<String> tokens = new ArrayList<>();
        try (JsonReader reader = library.read(json)) {
            JsonReader.Token token;
            do {
                token = reader.next();
                tokens.add(token + describe(token, reader));
            } while (token != JsonReader.Token.END);
        } catch (JsonException e) {
            return List.of("refused"); // one library notices it a token earlier than the other
        }
        return tokens;
    }

    private static String describe(JsonReader.Token token, JsonReader reader) {
        return switch (token) {
            case NAME -> " " + reader.text();
            case TEXT, INTEGER, DECIMAL, TRUE, FALSE, NULL -> {
                int from = reader.from();
                reader.skip();
                int to = reader.to();
                String text = reader.text();
                yield " " + from + "-" + to + " " + (token == JsonReader.Token.TEXT ? text : Json.number(text));
            }
            case OBJECT, ARRAY -> " " + reader.from();
            case OBJECT_END, ARRAY_END, END -> "";
        };
    }
}
