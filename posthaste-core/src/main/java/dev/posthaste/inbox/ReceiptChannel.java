package dev.posthaste.inbox;

import dev.posthaste.internal.store.Receipt;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Consumer;

/** The way from an inbox to outboxes. Thread-safe. */
interface ReceiptChannel {
    ReceiptChannel NONE = new ReceiptChannel() {
        @Override
        public boolean tracks(String outbox) {
            return false;
        }

        @Override
        public void handled(Connection connection, Receipt.Consumed receipt) {}

        @Override
        public void report(Receipt receipt, Consumer<Reported> reported) {
            reported.accept(new Reported.Unmatched("there are no receipts"));
        }
    };

    /** The outcome of a receipt. */
    sealed interface Reported {
        /** It is recorded in the event's row. */
        record Written() implements Reported {}

        /** It is durable, and on its way; what it will change is not known here. */
        record Sent() implements Reported {}

        /** It changed nothing and never will; no row records it. */
        record Unmatched(String why) implements Reported {}

        /** It is neither written nor sent, as far as is known. To be repeated later. */
        record Failed(Throwable cause) implements Reported {}
    }

    /** Whether this outbox gets receipts. */
    boolean tracks(String outbox);

    /** Called in the handler's transaction, before it commits. */
    void handled(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /**
     * Like {@link #handled}, for an event that the inbox had noted before: its row most likely records that already, or
     * is gone.
     */
    default void handledBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
        handled(connection, receipt);
    }

    /**
     * Gives the outbox the receipt, unless {@link #handled} has done so.
     *
     * @param reported called once, on any thread, with the receipt's outcome
     */
    void report(Receipt receipt, Consumer<Reported> reported);

    /** Reports to the outbox that an event was consumed although no transaction has handled it. */
    default void reportApart(Receipt.Consumed receipt, Consumer<Reported> reported) {
        report(receipt, reported);
    }
}
