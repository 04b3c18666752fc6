package dev.posthaste;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes events in the transaction that the calling code is in. There is no connection to pass, and so no wrong one: a
 * framework supplies the outbox, and {@link JdbcOutbox#joining} makes one of a framework's {@link Transactions}. Tests may
 * implement it.
 *
 * <p>If the transaction commits, the event will be published; if it rolls back, the event never was. What the limits are,
 * and how order follows from locks, is described at {@link JdbcOutbox}. Thread-safe. Methods may be added, with defaults.
 */
public interface Outbox {
    /**
     * Writes events: all of them, or, if this throws, none once the transaction is rolled back.
     *
     * @throws NoTransactionException outside of a transaction
     * @throws InvalidEventException before any SQL, if one of the events could never be stored or sent
     */
    void write(Collection<Event> events);

    /**
     * Writes an event unless one with its id was written before.
     *
     * @return whether it was written
     * @throws NoTransactionException outside of a transaction
     * @throws InvalidEventException before any SQL, if the event could never be stored or sent
     */
    boolean writeIfAbsent(Event event);

    /** Writes one event; see {@link #write(Collection)}. */
    default void write(Event event) {
        write(List.of(event));
    }

    /**
     * Writes an event without options.
     *
     * @param key events with the same key are published in order; null if the order does not matter
     * @param payload bytes or text, stored as they are; or any other object, as the serializer writes it
     */
    default void write(String type, @Nullable String key, Object payload) {
        write(Event.of(type, key, payload));
    }
}
