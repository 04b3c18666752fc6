package dev.posthaste.internal.store;

import dev.posthaste.DuplicateEventException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What an outbox's store does inside somebody else's transaction: statements on the connection that is handed in, and
 * nothing else. It never opens, commits, rolls back or closes anything. Thread-safe.
 */
public interface TransactionalStore {
    /**
     * Writes events.
     *
     * @throws DuplicateEventException if one of the event ids is there already
     */
    void write(Connection connection, List<NewEvent> events) throws SQLException;

    /**
     * Writes an event unless one with its id is there. The transaction stays usable either way.
     *
     * @return whether it was written
     */
    boolean writeIfAbsent(Connection connection, NewEvent event) throws SQLException;

    /**
     * Says that an event was consumed, whether it was known to be published or not, or dead; in tracked
     * outboxes only.
     *
     * @return false if it was consumed before, or is not there
     */
    boolean consumed(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /** The same of an event that its inbox had noted before: its row most likely says so already, or is gone. */
    boolean consumedBefore(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /** Applies receipts, row by row; as {@link ReceiptStore#receive}. */
    ReceiptStore.Received receive(Connection connection, List<Receipt> receipts, RefusalPolicy policy)
            throws SQLException;
}
