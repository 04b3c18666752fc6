package dev.posthaste.fuzz;

import dev.posthaste.internal.json.Jackson2Json;
import dev.posthaste.internal.json.Jackson3Json;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.json.JsonException;
import dev.posthaste.internal.json.JsonLibrary;
import dev.posthaste.internal.json.JsonReader;
import java.util.LinkedHashMap;
import java.util.Map;

/** Either version of Jackson reads an envelope identically: token by token, to the byte, or not at all. */
final class JsonTarget implements Target {
    private final JsonLibrary three = new Jackson3Json();
    private final JsonLibrary two = new Jackson2Json();

    @Override
    public String name() {
        return "json";
    }

    @Override
    public void run(Dice dice) {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("outbox_id", dice.number());
        members.put("event_id", dice.quoted(dice.text(64)));
        members.put("aggregate_id", dice.quoted(dice.text(64)));
        members.put("payload", dice.json(3));
        byte[] json = dice.tried("json", dice.mutated(Dice.utf8(dice.objectLike(members))));
        FindingException.unlessEqual("what is read", tokens(three, json), tokens(two, json));
    }

    private static String tokens(JsonLibrary library, byte[] json) {
        StringBuilder tokens = new StringBuilder();
        try (JsonReader reader = library.read(json)) {
            JsonReader.Token token;
            do {
                token = reader.next();
                tokens.append(token).append(' ');
                switch (token) {
                    case NAME -> tokens.append(reader.text());
                    case TEXT, TRUE, FALSE, NULL -> {
                        tokens.append(reader.from()).append(' ').append(reader.text());
                        reader.skip();
                        tokens.append(' ').append(reader.to());
                    }
                    case INTEGER, DECIMAL ->
                        tokens.append(reader.from()).append(' ').append(Json.number(reader.text()));
                    default -> {}
                }
                tokens.append('\n');
            } while (token != JsonReader.Token.END);
        } catch (JsonException e) {
            return "refused";
        }
        return tokens.toString();
    }
}
