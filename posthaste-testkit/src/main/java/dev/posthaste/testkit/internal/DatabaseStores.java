package dev.posthaste.testkit.internal;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Schema;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The stores that outboxes have in a database, each in a new one. */
public final class DatabaseStores implements StoreSource {
    private static final Duration LEASE = Duration.ofMinutes(10);

    private final DatabaseSource databases;
    private @Nullable DataSource dataSource;

    public DatabaseStores(DatabaseSource databases) {
        this.databases = databases;
    }

    /** Creates Posthaste's tables, and the outbox's unless the source of databases has made it. */
    @Override
    public OpenStore open(OutboxDefinition outbox) throws Exception {
        DataSource created = databases.create();
        dataSource = created;
        Schema.create(created, Catalog.of(outbox));
        return new InDatabase(created, outbox, Stores.in(created), dialect(created));
    }

    private static Dialect dialect(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            return Dialect.of(connection);
        }
    }

    @Override
    public void close() throws Exception {
        databases.drop();
    }

    DataSource dataSource() {
        return Objects.requireNonNull(dataSource, "open() comes first");
    }

    private record InDatabase(
            DataSource dataSource,
            OutboxDefinition outbox,
            OutboxStore store,
            ReceiptStore receipts,
            OperatorStore operators,
            LeaseTable leases,
            Dialect dialect)
            implements OpenStore {
        InDatabase(DataSource dataSource, OutboxDefinition outbox, Stores stores, Dialect dialect) {
            this(
                    dataSource,
                    outbox,
                    stores.open(outbox),
                    stores.receipts(outbox),
                    stores.admin(Catalog.of(outbox)).outbox(outbox.name()).store(),
                    stores.leases(),
                    dialect);
        }

        @Override
        public Writing begin() throws SQLException {
            Connection connection = dataSource.getConnection();
            connection.setAutoCommit(false);
            JdbcOutbox writer = JdbcOutbox.of(Catalog.of(outbox));
            return new Writing() {
                @Override
                public void write(Event... events) throws SQLException {
                    writer.write(connection, List.of(events));
                }

                @Override
                public void commit() throws SQLException {
                    connection.commit();
                }

                @Override
                public void close() throws SQLException {
                    if (!connection.isClosed()) {
                        connection.rollback();
                        connection.close();
                    }
                }
            };
        }

        @Override
        public Claim take(String owner) {
            leases.leases().stream()
                    .filter(row ->
                            row.outbox().equals(outbox.name()) && !row.owner().isEmpty())
                    .forEach(row -> leases.release(new Claim(row.outbox(), row.owner(), row.epoch())));
            LeaseTable.Row free = leases.leases().stream()
                    .filter(row -> row.outbox().equals(outbox.name()))
                    .findFirst()
                    .orElse(null);
            return Objects.requireNonNull(leases.take(outbox.name(), owner, free, LEASE));
        }

        @Override
        public boolean hasOneWriter() {
            return dialect == Dialect.SQLITE;
        }
    }
}
