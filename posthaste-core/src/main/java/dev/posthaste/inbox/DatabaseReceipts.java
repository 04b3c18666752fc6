package dev.posthaste.inbox;

import dev.posthaste.internal.jdbc.ConnectionStores;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Consumer;

/** Receipts that are written where the outbox is. */
final class DatabaseReceipts implements ReceiptChannel {
    private final InboxDatabase database;
    private final TrackedOutboxes outboxes;
    private final ConnectionStores inTransactions = new ConnectionStores();

    DatabaseReceipts(InboxDatabase database, TrackedOutboxes outboxes) {
        this.database = database;
        this.outboxes = outboxes;
    }

    @Override
    public boolean tracks(String outbox) {
        return outboxes.byName().containsKey(outbox);
    }

    @Override
    public void handled(Connection connection, Receipt.Consumed receipt) throws SQLException {
        inTransactions.of(connection, outboxes.of(receipt)).consumed(connection, receipt);
    }

    @Override
    public void handledBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
        inTransactions.of(connection, outboxes.of(receipt)).consumedBefore(connection, receipt);
    }

    @Override
    public void tell(Receipt receipt, Consumer<Told> told) {
        told.accept(receipt instanceof Receipt.Consumed ? new Told.Written() : write(receipt));
    }

    @Override
    public void tellApart(Receipt.Consumed receipt, Consumer<Told> told) {
        told.accept(write(receipt));
    }

    private Told write(Receipt receipt) {
        try {
            ReceiptStore.Received received = database.receive(receipt, outboxes.of(receipt));
            if (received.locked().contains(receipt)) {
                return new Told.Failed(new SQLException("another transaction has locked the event's row"));
            }
            String unmatched = received.unmatched().get(receipt);
            return unmatched == null ? new Told.Written() : new Told.Unmatched(unmatched);
        } catch (Exception e) {
            return new Told.Failed(e);
        }
    }
}
