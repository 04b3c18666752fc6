package dev.posthaste;

import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Writes on the connection of the current transaction. Thread-safe. */
final class JoiningOutbox implements Outbox {
    private final JdbcOutbox outbox;
    private final Transactions transactions;
    private final Consumer<String> afterCommit;

    JoiningOutbox(JdbcOutbox outbox, Transactions transactions, Consumer<String> afterCommit) {
        this.outbox = outbox;
        this.transactions = transactions;
        this.afterCommit = afterCommit;
    }

    @Override
    public void write(Collection<Event> events) {
        try {
            outbox.write(transactions.current(), events);
        } catch (SQLException e) {
            throw failed(events, e);
        }
        tellAfterCommit(events);
    }

    @Override
    public boolean writeIfAbsent(Event event) {
        boolean written;
        try {
            written = outbox.writeIfAbsent(transactions.current(), event);
        } catch (SQLException e) {
            throw failed(List.of(event), e);
        }
        if (written) {
            tellAfterCommit(List.of(event));
        }
        return written;
    }

    private void tellAfterCommit(Collection<Event> events) {
        Set<String> names = events.stream().map(outbox::outboxOf).collect(Collectors.toUnmodifiableSet());
        if (!names.isEmpty()) {
            transactions.afterCommit(() -> names.forEach(afterCommit));
        }
    }

    private StoreException failed(Collection<Event> events, SQLException e) {
        String which = events.stream()
                .limit(3)
                .map(event -> event + " in outbox " + outbox.outboxOf(event))
                .collect(Collectors.joining(", "));
        return new StoreException(
                "Not written: " + which + (events.size() > 3 ? ", … (" + events.size() + " events)" : "") + ": "
                        + e.getMessage(),
                e);
    }
}
