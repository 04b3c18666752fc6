package dev.posthaste.testkit.internal;

import dev.posthaste.Event;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.ReceiptStore;

/** The store of one outbox from all its sides: as relays, consumers, operators and applications use it. */
public interface OpenStore {
    OutboxStore store();

    ReceiptStore receipts();

    OperatorStore operators();

    /** Begins a transaction that writes events. */
    Writing begin() throws Exception;

    /** Makes {@code owner} the outbox's owner, in place of any previous one. */
    Claim take(String owner);

    /**
     * Whether only one transaction at a time writes. What happens beside an open transaction elsewhere then waits for
     * it, or gives up with an error, and happens when it has ended.
     */
    boolean hasOneWriter();

    /** An application's transaction; closing it without a commit rolls it back. */
    interface Writing extends AutoCloseable {
        void write(Event... events) throws Exception;

        void commit() throws Exception;

        @Override
        void close() throws Exception;
    }
}
