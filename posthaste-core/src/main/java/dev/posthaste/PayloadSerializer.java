package dev.posthaste;

import dev.posthaste.internal.json.FoundSerializer;

/**
 * How payloads become bytes, and bytes payloads. What is a {@code byte[]} or a text already is stored as it is, and given
 * as it is to a handler that asks for one; it never comes here. Implementations are thread-safe.
 *
 * <p>Nothing needs to be said where Jackson 3 or Jackson 2 is on the class path: see {@link #json}.
 */
public interface PayloadSerializer {

    /** @throws Exception if it cannot be done: the event is refused by {@link InvalidEventException}, before any SQL */
    byte[] write(Object payload, PayloadInfo info) throws Exception;

    /**
     * @throws Exception if it cannot be done, now or later: the event is not tried again, and {@link
     *     dev.posthaste.inbox.AfterLastAttempt} says what becomes of it
     */
    <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) throws Exception;

    /**
     * The media type of what {@link #write} makes. Travels as the header {@code content-type}, unless it is JSON, which is
     * what everybody assumes.
     */
    String contentType();

    /**
     * JSON, by Jackson 3 if it is there and works, else by Jackson 2, with the same result; both are optional. Where neither
     * is, only {@code byte[]} and text can be payloads, and whatever else is used is refused by a message that says which
     * library to add.
     *
     * <p>A Jackson 3 on the class path does not work beside annotations that are older than it needs, as Spring Boot 3
     * manages them. A warning in the log says if Jackson 2 was taken for that reason.
     */
    static PayloadSerializer json() {
        return FoundSerializer.get();
    }
}
