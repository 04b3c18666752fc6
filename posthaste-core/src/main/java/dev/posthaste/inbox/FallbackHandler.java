package dev.posthaste.inbox;

/**
 * What is done with an event that its handler could not handle, instead of the dead letter. It runs after the last attempt,
 * in a new transaction that holds the inbox's note: if it returns, the event was handled; if it throws, the event is a dead
 * letter. It does not run for an event that the handler rejected, or whose payload cannot be read. Thread-safe, as a {@link
 * Handler}.
 *
 * @param <T> as of {@link Handler}
 */
@FunctionalInterface
public interface FallbackHandler<T> {
    /**
     * Does what is left to do for the event.
     *
     * @param cause what the handler threw at its last attempt
     */
    void handle(T event, EventContext context, Throwable cause) throws Exception;
}
