package dev.posthaste;

import dev.posthaste.internal.json.FoundSerializer;

/**
 * Turns payloads into bytes, and bytes into payloads. A {@code byte[]} or a text is stored as it is, and passed as it
 * is to a handler that asks for one; it never comes here. Implementations are thread-safe.
 *
 * <p>No configuration is needed where Jackson 3 or Jackson 2 is on the class path: see {@link #json}.
 */
public interface PayloadSerializer {

    /** @throws Exception if it cannot be done: the event is invalid, {@link InvalidEventException}, before any SQL */
    byte[] write(Object payload, PayloadInfo info) throws Exception;

    /**
     * @throws Exception if it cannot be done, now or later: the event is not tried again, and {@link
     *     dev.posthaste.inbox.AfterLastAttempt} says what happens to it
     */
    <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) throws Exception;

    /**
     * The media type of what {@link #write} makes. Travels as the header {@code content-type}, unless it is JSON, which
     * is the default everywhere.
     */
    String contentType();

    /**
     * JSON, by Jackson 3 if it is present and works, otherwise by Jackson 2, with the same result; both are optional.
     * Where neither is present, only {@code byte[]} and text can be payloads, and anything else is invalid; the
     * message says which library to add.
     *
     * <p>Jackson 3 does not work with older annotations than it needs, such as those that Spring Boot 3 manages. If
     * Jackson 2 is used for that reason, a warning in the log says so.
     */
    static PayloadSerializer json() {
        return FoundSerializer.get();
    }
}
