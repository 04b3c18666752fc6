package dev.posthaste.inbox;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Transactions;
import dev.posthaste.internal.jdbc.ConnectionStores;
import dev.posthaste.internal.jdbc.InboxTransaction;
import dev.posthaste.internal.jdbc.InboxTransactions;
import dev.posthaste.internal.jdbc.JoinedNote;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The application's transactions, made by its framework: what a handler does through it joins the note's transaction.
 */
final class JoinedDatabase implements InboxDatabase {
    private final Transactions transactions;
    private final String inbox;
    private final Blame blame = new Blame(this);
    private final ConnectionStores stores = new ConnectionStores();

    JoinedDatabase(Transactions transactions, String inbox) {
        this.transactions = transactions;
        this.inbox = inbox;
    }

    /** How far a transaction came. */
    private static final class Progress {
        private boolean begun;
        private boolean first;
        private boolean handling;
        private boolean committing;
        private InboxTransaction.End end = InboxTransaction.End.BROKEN;
        private @Nullable Throwable thrown;
        private final long start = System.nanoTime();
    }

    @Override
    public AttemptResult run(EventWork work) {
        Progress progress = new Progress();
        try {
            return transactions.required(connection -> inside(connection, work, progress));
        } catch (Throwable e) {
            return failed(work, progress, progress.thrown == null ? e : progress.thrown); // a framework may wrap it
        }
    }

    private AttemptResult inside(Connection connection, EventWork work, Progress progress) throws Exception {
        progress.begun = true;
        JoinedNote note = JoinedNote.on(connection, inbox);
        try {
            progress.first = note.take(work.noteIds());
            progress.handling = true;
            if (progress.first) {
                work.handle(note.open());
                note.prove();
            }
            if (progress.first || work.reportsDuplicates()) {
                work.report(connection, progress.first);
            }
        } catch (Throwable e) {
            progress.end = note.undo(e);
            progress.thrown = e;
            throw e;
        }
        progress.committing = true;
        return progress.first ? new AttemptResult.Handled() : new AttemptResult.Duplicate();
    }

    private AttemptResult failed(EventWork work, Progress progress, Throwable e) {
        if (!progress.begun) {
            return Blame.notBegun(e);
        }
        if (!progress.handling) {
            return blame.noteFailed(e);
        }
        if (progress.committing) {
            return blame.commitFailed(work, e);
        }
        Duration age = Duration.ofNanos(System.nanoTime() - progress.start);
        return blame.handlerFailed(work, progress.first, progress.end, age, null, e);
    }

    /** Makes the framework roll back the note of an event that does not exist. */
    private static final class TakenBackException extends RuntimeException {}

    @Override
    public @Nullable Throwable fault() {
        AtomicBoolean taken = new AtomicBoolean();
        try {
            return transactions.required(connection -> {
                JoinedNote.on(connection, inbox).take(List.of(UUID.randomUUID().toString()));
                taken.set(true);
                throw new TakenBackException();
            });
        } catch (Throwable e) { // which a framework may wrap
            return taken.get() || InboxTransactions.isContention(e) ? null : e;
        }
    }

    @Override
    public boolean isNoted(List<String> noteIds) throws Exception {
        return transactions.required(connection -> {
            for (String each : noteIds) {
                if (JoinedNote.isNoted(connection, inbox, each)) {
                    return true;
                }
            }
            return false;
        });
    }

    @Override
    public int purge(Duration keep, int batch) throws Exception {
        return transactions.required(connection -> JoinedNote.purge(connection, inbox, keep, batch));
    }

    /** Not checked: that requires a connection outside of any transaction. */
    @Override
    public List<String> warnings() {
        return List.of();
    }

    @Override
    public ReceiptStore.Received receive(Receipt receipt, OutboxDefinition outbox) throws Exception {
        return transactions.required(connection -> stores.of(connection, outbox)
                .receive(connection, List.of(receipt), RefusalPolicy.of(outbox.retry(), ThreadLocalRandom.current())));
    }
}
