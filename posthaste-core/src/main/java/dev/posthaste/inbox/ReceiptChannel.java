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
        public void tell(Receipt receipt, Consumer<Told> told) {
            told.accept(new Told.Unmatched("nobody is told"));
        }
    };

    /** What became of a receipt. */
    sealed interface Told {
        /** The event's row says it. */
        record Written() implements Told {}

        /** It is durable, and on its way; what it will change is not known here. */
        record Sent() implements Told {}

        /** It changed nothing and never will; no row tells of it. */
        record Unmatched(String why) implements Told {}

        /** It is neither written nor sent, as far as is known. Tell again later. */
        record Failed(Throwable cause) implements Told {}
    }

    /** Whether events of this outbox are to be told of. */
    boolean tracks(String outbox);

    /** Called in the handler's transaction, before it commits. */
    void handled(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /** As {@link #handled}, of an event that the inbox had noted before: its row most likely says so already, or is gone. */
    default void handledBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
        handled(connection, receipt);
    }

    /**
     * Tells the outbox, unless {@link #handled} has done so.
     *
     * @param told called once, on any thread, with the receipt's outcome
     */
    void tell(Receipt receipt, Consumer<Told> told);

    /** Tells the outbox that an event was consumed which no transaction has handled. */
    default void tellApart(Receipt.Consumed receipt, Consumer<Told> told) {
        tell(receipt, told);
    }
}
