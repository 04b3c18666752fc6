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
        /** A number without a fraction and an exponent. */
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

    /** A name or a text as it is meant, a number to the letter. */
    String text();

    /** Goes to the end of the object or array that just began; of any other token, to its last byte. */
    void skip();

    /** Where the token begins, in bytes. Only of a text that was given in bytes of UTF-8. */
    int from();

    /** Where what was read so far ends, in bytes. */
    int to();

    @Override
    void close();
}
