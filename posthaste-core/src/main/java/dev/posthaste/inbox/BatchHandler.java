package dev.posthaste.inbox;

import java.util.List;

/**
 * Handles many events in one transaction, which holds the inbox's notes of all of them. Events of one key are in their
 * order. When it throws, everything is rolled back, and each event of the batch is handled again in a batch of its own,
 * which is then retried and given up like any other event. Thread-safe, as a {@link Handler}.
 *
 * @param <T> as of {@link Handler}
 */
@FunctionalInterface
public interface BatchHandler<T> {
    /**
     * Handles the events of a batch.
     *
     * @param events at least one
     * @throws RejectedEventException if, alone in its batch, this event can never be handled
     * @throws Exception anything else is tried again
     */
    void handle(List<T> events, BatchContext context) throws Exception;
}
