package dev.posthaste.internal.jdbc;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.StoreException;
import dev.posthaste.internal.admin.StoreAdmin;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Opens the stores of the outboxes in one database. Only this class and {@link ConnectionStores} decide which kind of
 * store an outbox has. Every call of a store borrows one connection and gives it back. Thread-safe.
 */
public final class Stores {
    private final DataSource dataSource;
    private final Dialect dialect;
    private final @Nullable String leaseSchema;

    private Stores(DataSource dataSource, Dialect dialect, @Nullable String leaseSchema) {
        this.dataSource = dataSource;
        this.dialect = dialect;
        this.leaseSchema = leaseSchema;
    }

    /**
     * Asks the database for its kind.
     *
     * @throws StoreException if it cannot be reached
     */
    public static Stores in(DataSource dataSource) {
        return in(dataSource, null);
    }

    /**
     * Asks the database for its kind.
     *
     * @param leaseSchema the schema that holds leases and audit, or null for the connection's own
     * @throws StoreException if it cannot be reached
     */
    public static Stores in(DataSource dataSource, @Nullable String leaseSchema) {
        try (Connection connection = dataSource.getConnection()) {
            return new Stores(dataSource, Dialect.of(connection), leaseSchema);
        } catch (SQLException e) {
            throw new StoreException("Cannot reach the database: " + e.getMessage(), e);
        }
    }

    /** The store of an outbox, for relays. */
    public OutboxStore open(OutboxDefinition outbox) {
        return rows(outbox);
    }

    /** Where receipts of an outbox are written, if it is tracked. */
    public ReceiptStore receipts(OutboxDefinition outbox) {
        return rows(outbox);
    }

    private RowStore rows(OutboxDefinition outbox) {
        return new RowStore(dataSource, dialect, outbox, leases());
    }

    /** Who owns which outbox. */
    public LeaseTable leases() {
        return new LeaseTable(dataSource, dialect, leaseSchema);
    }

    /** All outboxes of a catalog, for operators, in the catalog's order. */
    public StoreAdmin admin(Catalog catalog) {
        return new StoreAdmin(catalog.outboxes().stream()
                .map(outbox ->
                        new StoreOutboxAdmin(outbox, new RowOperatorStore(dataSource, dialect, outbox, leaseSchema)))
                .toList());
    }
}
