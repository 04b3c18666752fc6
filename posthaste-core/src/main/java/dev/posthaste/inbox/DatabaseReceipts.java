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
    public void report(Receipt receipt, Consumer<Reported> reported) {
        reported.accept(receipt instanceof Receipt.Consumed ? new Reported.Written() : write(receipt));
    }

    @Override
    public void reportApart(Receipt.Consumed receipt, Consumer<Reported> reported) {
        reported.accept(write(receipt));
    }

    private Reported write(Receipt receipt) {
        try {
            ReceiptStore.Received received = database.receive(receipt, outboxes.of(receipt));
            if (received.locked().contains(receipt)) {
                return new Reported.Failed(new SQLException("another transaction has locked the event's row"));
            }
            String unmatched = received.unmatched().get(receipt);
            return unmatched == null ? new Reported.Written() : new Reported.Unmatched(unmatched);
        } catch (Exception e) {
            return new Reported.Failed(e);
        }
    }
}
