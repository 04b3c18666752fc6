package dev.posthaste.inbox;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The database that holds an inbox's notes, and how transactions there are made. Thread-safe. */
interface InboxDatabase {
    /** Does the work in one transaction. Throws nothing, except when memory runs out. */
    AttemptResult run(EventWork work);

    /** Why the database accepts no notes now, for any event; null if it does. */
    @Nullable
    Throwable fault();

    /** Whether a committed note says that one of them was handled. */
    boolean isNoted(List<String> noteIds) throws Exception;

    /** Deletes up to {@code batch} notes that are older than {@code keep}; returns how many. */
    int purge(Duration keep, int batch) throws Exception;

    /** What endangers the guarantee that an event takes effect once. */
    List<String> warnings() throws SQLException;

    /** Applies a receipt where the outbox is in this database, too. */
    ReceiptStore.Received receive(Receipt receipt, OutboxDefinition outbox) throws Exception;
}
