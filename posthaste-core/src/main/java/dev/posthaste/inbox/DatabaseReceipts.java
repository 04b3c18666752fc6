package dev.posthaste.inbox;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.OutboxMarks;
import dev.posthaste.jdbc.StatusJournal;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.Receipt;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** Receipts that are written where the outbox is. */
final class DatabaseReceipts implements Receipts {
    private final DataSource dataSource;
    private final RetryPolicy retry;
    private final Map<String, OutboxDefinition> outboxes;
    private final Map<String, OutboxMarks> marksOf = new ConcurrentHashMap<>();

    DatabaseReceipts(DataSource dataSource, Catalog catalog, RetryPolicy retry) {
        this.dataSource = dataSource;
        this.retry = retry;
        this.outboxes = catalog.outboxes().stream()
                .filter(OutboxDefinition::tracked)
                .collect(Collectors.toUnmodifiableMap(OutboxDefinition::name, outbox -> outbox));
        if (outboxes.isEmpty()) {
            throw new IllegalArgumentException(
                    "No outbox of the catalog is tracked; say withReceipts() of the one whose events this consumer handles");
        }
    }

    @Override
    public boolean tracks(String outbox) {
        return outboxes.containsKey(outbox);
    }

    private OutboxDefinition outbox(Receipt receipt) {
        return Objects.requireNonNull(outboxes.get(receipt.outbox()), receipt.outbox());
    }

    @Override
    public void handled(Connection connection, Receipt.Consumed receipt) throws SQLException {
        OutboxMarks marks = marksOf.get(receipt.outbox());
        if (marks == null) {
            marks = new OutboxMarks(Dialect.of(connection), outbox(receipt));
            marksOf.put(receipt.outbox(), marks);
        }
        marks.markConsumed(connection, receipt);
    }

    @Override
    public void tell(Receipt receipt, Consumer<Told> told) {
        told.accept(receipt instanceof Receipt.Consumed ? new Told.Written() : write(receipt));
    }

    private Told write(Receipt receipt) {
        try {
            Journal.Received received =
                    new StatusJournal(dataSource, dialect(), outbox(receipt)).receive(List.of(receipt), retry);
            if (received.locked().contains(receipt)) {
                return new Told.Failed(new SQLException("another transaction has locked the event's row"));
            }
            String unmatched = received.unmatched().get(receipt);
            return unmatched == null ? new Told.Written() : new Told.Unmatched(unmatched);
        } catch (SQLException | RuntimeException e) {
            return new Told.Failed(e);
        }
    }

    private Dialect dialect() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            return Dialect.of(connection);
        }
    }
}
