package dev.posthaste.internal.json;

/** The tokens of one JSON text, in order. As strict as RFC 8259. Not thread-safe. */
public interface JsonReader extends AutoCloseable {
    /** A token, or the end of the text. */
    enum Token {
        OBJECT,
        OBJECT_END,
        ARRAY,
        ARRAY_END,
        /** A member's name. */
        NAME,
        TEXT,
        /** A number without a fraction or an exponent. */
        INTEGER,
        DECIMAL,
        TRUE,
        FALSE,
        NULL,
        /** The text is over. */
        END
    }

    /** @throws JsonException if the text is not JSON from here on */
    Token next();

    /** A name or a text without its escapes, a number verbatim. */
    String text();

    /** Goes to the end of the object or array that just began; of any other token, to its last byte. */
    void skip();

    /** Where the token begins, in bytes. Only for text that was given as bytes of UTF-8. */
    int from();

    /** Where the part that was read ends, in bytes. */
    int to();

    @Override
    void close();
}
