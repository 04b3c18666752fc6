package dev.posthaste.internal.json;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The tokens of Jackson 2, from 2.18 on. Needs only its jackson-core. */
public final class Jackson2Json implements JsonLibrary {
    private final JsonFactory factory = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES) // the names come from outside
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
            return new Reader(factory.createParser(json));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public JsonReader read(String json) {
        try {
            return new Reader(factory.createParser(json));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static JsonException failed(IOException e) {
        return new JsonException(
                e instanceof JacksonException thrown ? thrown.getOriginalMessage() : e.getMessage(), e);
    }

    private record Reader(JsonParser parser) implements JsonReader {
        @Override
        public Token next() {
            try {
                return token(parser.nextToken());
            } catch (IOException e) {
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
                case FIELD_NAME -> Token.NAME;
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
                return parser.getText();
            } catch (IOException e) {
                throw failed(e);
            }
        }

        @Override
        public void skip() {
            try {
                parser.skipChildren();
                parser.finishToken();
            } catch (IOException e) {
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
            try {
                parser.close();
            } catch (IOException e) {
                throw failed(e);
            }
        }
    }
}
