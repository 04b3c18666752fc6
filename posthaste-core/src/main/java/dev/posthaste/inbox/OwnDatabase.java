package dev.posthaste.inbox;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.InboxTable;
import dev.posthaste.internal.jdbc.InboxTransaction;
import dev.posthaste.internal.jdbc.InboxTransactions;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The inbox's own transactions, on connections that it borrows. */
final class OwnDatabase implements InboxDatabase {
    private final DataSource dataSource;
    private final String inbox;
    private final Duration silenceLimit;
    private final InboxTransactions transactions;
    private final Blame blame = new Blame(this);
    private final Map<String, ReceiptStore> stores = new ConcurrentHashMap<>();

    OwnDatabase(DataSource dataSource, String inbox, Duration silenceLimit) {
        this.dataSource = dataSource;
        this.inbox = inbox;
        this.silenceLimit = silenceLimit;
        this.transactions = new InboxTransactions(dataSource, inbox, silenceLimit);
    }

    @Override
    public AttemptResult run(EventWork work) {
        InboxTransaction transaction;
        try {
            transaction = transactions.begin();
        } catch (Throwable e) {
            return Blame.notBegun(e);
        }
        boolean first;
        Connection connection;
        try {
            first = transaction.note(work.noteIds());
            if (!first && !work.reportsDuplicates()) {
                transaction.close();
                return new AttemptResult.Duplicate();
            }
            connection = transaction.open();
        } catch (Throwable e) {
            transaction.close();
            return blame.noteFailed(e);
        }
        try {
            if (first) {
                work.handle(connection);
                // Before we write anything: in a transaction that the handler began, it might stay locked.
                transaction.prove();
            }
            work.report(connection, first);
        } catch (Throwable e) {
            return failed(work, first, transaction, e);
        }
        try {
            transaction.commit();
        } catch (Throwable e) {
            transaction.close();
            return blame.commitFailed(work, e);
        }
        transaction.close();
        return first ? new AttemptResult.Handled() : new AttemptResult.Duplicate();
    }

    private AttemptResult failed(EventWork work, boolean first, InboxTransaction transaction, Throwable e) {
        InboxTransaction.End end = transaction.rollBack(e);
        return blame.handlerFailed(work, first, end, transaction.age(), silenceLimit, e);
    }

    @Override
    public @Nullable Throwable fault() {
        return transactions.fault();
    }

    @Override
    public boolean isNoted(List<String> noteIds) throws SQLException {
        for (String each : noteIds) {
            if (transactions.handled(each)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int purge(Duration keep, int batch) throws SQLException {
        InboxTable table;
        try (Connection connection = dataSource.getConnection()) {
            table = new InboxTable(Dialect.of(connection));
        }
        return table.purge(dataSource, inbox, keep, batch);
    }

    @Override
    public List<String> warnings() throws SQLException {
        return DatabaseSchema.checkInbox(dataSource).warnings();
    }

    @Override
    public ReceiptStore.Received receive(Receipt receipt, OutboxDefinition outbox) {
        return stores.computeIfAbsent(
                        outbox.name(), name -> Stores.in(dataSource).receipts(outbox))
                .receive(List.of(receipt), RefusalPolicy.of(outbox.retry(), ThreadLocalRandom.current()));
    }
}
