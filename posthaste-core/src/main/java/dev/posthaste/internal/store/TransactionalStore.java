package dev.posthaste.internal.store;

import dev.posthaste.DuplicateEventException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What an outbox's store does inside the caller's transaction: statements on the connection that is handed in, and
 * nothing else. It never opens, commits, rolls back or closes anything. Thread-safe.
 */
public interface TransactionalStore {
    /**
     * Writes events.
     *
     * @throws DuplicateEventException if one of the event ids exists already
     */
    void write(Connection connection, List<NewEvent> events) throws SQLException;

    /**
     * Writes an event unless one with its id exists. The transaction stays usable either way.
     *
     * @return whether it was written
     */
    boolean writeIfAbsent(Connection connection, NewEvent event) throws SQLException;

    /**
     * Records that an event was consumed, whether it was known to be published or not, or was dead; only in tracked
     * outboxes.
     *
     * @return false if it was consumed before, or does not exist
     */
    boolean consumed(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /** The same for an event that its inbox had noted before: its row most likely records that already, or is gone. */
    boolean consumedBefore(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /** Applies receipts, row by row; like {@link ReceiptStore#receive}. */
    ReceiptStore.Received receive(Connection connection, List<Receipt> receipts, RefusalPolicy policy)
            throws SQLException;
}
