package dev.posthaste.internal.json;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/** The tokens of Jackson 3. Needs only its jackson-core, which uses no annotations. */
public final class Jackson3Json implements JsonLibrary {
    private final JsonFactory factory = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_TEXT_LENGTH)
                    .maxNameLength(MAX_NAME_LENGTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .build())
            .build();

    @Override
    public JsonReader read(byte[] json) {
        try {
            return new Reader(factory.createParser(ObjectReadContext.empty(), json));
        } catch (JacksonException e) {
            throw failed(e);
        }
    }

    @Override
    public JsonReader read(String json) {
        try {
            return new Reader(factory.createParser(ObjectReadContext.empty(), json));
        } catch (JacksonException e) {
            throw failed(e);
        }
    }

    private static JsonException failed(JacksonException e) {
        return new JsonException(e.getOriginalMessage(), e);
    }

    private record Reader(JsonParser parser) implements JsonReader {
        @Override
        public Token next() {
            try {
                return token(parser.nextToken());
            } catch (JacksonException e) {
                throw failed(e);
            }
        }

        private static Token token(@Nullable JsonToken token) {
            if (token == null) {
                return Token.END;
            }
            return switch (token) {
                case START_OBJECT -> Token.OBJECT;
                case END_OBJECT -> Token.OBJECT_END;
                case START_ARRAY -> Token.ARRAY;
                case END_ARRAY -> Token.ARRAY_END;
                case PROPERTY_NAME -> Token.NAME;
                case VALUE_STRING -> Token.TEXT;
                case VALUE_NUMBER_INT -> Token.INTEGER;
                case VALUE_NUMBER_FLOAT -> Token.DECIMAL;
                case VALUE_TRUE -> Token.TRUE;
                case VALUE_FALSE -> Token.FALSE;
                case VALUE_NULL -> Token.NULL;
                case NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT -> throw new JsonException("unexpected " + token);
            };
        }

        @Override
        public String text() {
            try {
                return parser.getString();
            } catch (JacksonException e) {
                throw failed(e);
            }
        }

        @Override
        public void skip() {
            try {
                parser.skipChildren();
                parser.finishToken();
            } catch (JacksonException e) {
                throw failed(e);
            }
        }

        @Override
        public int from() {
            return (int) parser.currentTokenLocation().getByteOffset();
        }

        @Override
        public int to() {
            return (int) parser.currentLocation().getByteOffset();
        }

        @Override
        public void close() {
            parser.close();
        }
    }
}
