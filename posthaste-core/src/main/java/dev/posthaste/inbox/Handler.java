package dev.posthaste.inbox;

/**
 * What an inbox does with an event. It runs inside the inbox's transaction: what it writes through {@link
 * EventContext#connection()} is committed together with the note that the event was handled, or not at all. Anything
 * outside that connection (a call to another service, a file) may happen more than once.
 *
 * @param <T> what the payload is read as: a type that Jackson can read, {@code String}, or {@code byte[]}
 */
@FunctionalInterface
public interface Handler<T> {
    /**
     * @throws RejectedEventException if this event can never be handled: it is not tried again, see {@link
     *     AfterLastAttempt}
     * @throws Exception anything else is tried again
     */
    void handle(T event, EventContext context) throws Exception;
}
