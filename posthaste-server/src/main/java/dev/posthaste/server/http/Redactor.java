package dev.posthaste.server.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Hides what no one is to see in payloads and headers. A mask is the name of a field at any depth, ignoring case, or a
 * path from the top such as {@code customer.card}. Where anything is masked, a payload that is not JSON is hidden
 * entirely, because its contents are not known. Immutable.
 */
final class Redactor {
    static final String MASKED = "•••";
    private final Set<String> masks;
    private final JsonMapper json;

    Redactor(Set<String> masks, JsonMapper json) {
        this.masks = masks.stream().map(mask -> mask.toLowerCase(Locale.ROOT)).collect(Collectors.toUnmodifiableSet());
        this.json = json;
    }

    /** @return the payload as text, or null when it is not text */
    @Nullable
    String text(byte[] payload) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(payload))
                    .toString();
        } catch (CharacterCodingException e) {
            return masks.isEmpty() ? null : MASKED;
        }
        return masks.isEmpty() ? text : json(text);
    }

    /** The same for a JSON text. */
    @Nullable
    String json(@Nullable String text) {
        if (masks.isEmpty() || text == null) {
            return text;
        }
        try {
            JsonNode node = json.readTree(text);
            return node.isContainer() ? json.writeValueAsString(masked(node, "")) : MASKED;
        } catch (JacksonException e) {
            return MASKED;
        }
    }

    private JsonNode masked(JsonNode node, String path) {
        if (node instanceof ObjectNode object) {
            for (String name : Set.copyOf(object.propertyNames())) {
                String key = name.toLowerCase(Locale.ROOT);
                String inner = path.isEmpty() ? key : path + "." + key;
                if (masks.contains(key) || masks.contains(inner)) {
                    object.put(name, MASKED);
                } else {
                    object.set(name, masked(object.get(name), inner));
                }
            }
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                array.set(i, masked(array.get(i), path));
            }
        } else if (node.isString() && looksLikeJson(node.stringValue())) {
            // JSON inside a string, as in an audited payload or an envelope.
            return json.getNodeFactory().stringNode(json(node.stringValue()));
        }
        return node;
    }

    private static boolean looksLikeJson(String text) {
        String start = text.stripLeading();
        return start.startsWith("{") || start.startsWith("[");
    }
}
