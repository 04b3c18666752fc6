package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.NewEvent;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.TransactionalStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The stores of outboxes inside the transactions of others, for any number of databases: each connection is asked for
 * its kind of database. Drivers know it from connecting, so asking costs no round trip. Thread-safe.
 */
public final class ConnectionStores {
    private final Map<Key, TransactionalStore> stores = new ConcurrentHashMap<>();

    private record Key(Dialect dialect, String outbox) {}

    /** The outbox's store on this connection's database; outboxes are distinguished by their names. */
    public TransactionalStore of(Connection connection, OutboxDefinition outbox) throws SQLException {
        Key key = new Key(Dialect.of(connection), outbox.name());
        TransactionalStore known = stores.get(key);
        return known != null ? known : stores.computeIfAbsent(key, each -> rows(each.dialect(), outbox));
    }

    private static TransactionalStore rows(Dialect dialect, OutboxDefinition outbox) {
        RowInsert insert = new RowInsert(dialect, outbox);
        RowReceipts receipts = new RowReceipts(dialect, outbox);
        return new TransactionalStore() {
            @Override
            public void write(Connection connection, List<NewEvent> events) throws SQLException {
                insert.insert(connection, events);
            }

            @Override
            public boolean writeIfAbsent(Connection connection, NewEvent event) throws SQLException {
                return insert.insertIfAbsent(connection, event);
            }

            @Override
            public boolean consumed(Connection connection, Receipt.Consumed receipt) throws SQLException {
                return receipts.markConsumed(connection, receipt);
            }

            @Override
            public boolean consumedBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
                return receipts.markConsumedBefore(connection, receipt);
            }

            @Override
            public ReceiptStore.Received receive(Connection connection, List<Receipt> received, RefusalPolicy policy)
                    throws SQLException {
                return receipts.receive(connection, received, policy, true);
            }
        };
    }
}
