package dev.posthaste.inbox;

/**
 * What an inbox does with an event. It runs inside the inbox's transaction: what it writes through {@link
 * EventContext#connection()} is committed together with the note that the event was handled, or not at all. Anything
 * outside that connection (a call to another service, a file) may happen more than once.
 *
 * <p>Called on the inbox's threads, for events of different keys at the same time, so it is thread-safe; events of one key
 * come one after another. A handler that still runs when its inbox has waited long enough to close is interrupted.
 *
 * @param <T> what the payload is read as: a type that Jackson can read, {@code String}, or {@code byte[]}
 */
@FunctionalInterface
public interface Handler<T> {
    /**
     * Handles one event.
     *
     * @param event what the inbox's serializer read from the payload
     * @throws RejectedEventException if this event can never be handled: it is not tried again, see {@link
     *     AfterLastAttempt}
     * @throws Exception anything else is tried again
     */
    void handle(T event, EventContext context) throws Exception;
}
