package dev.posthaste.inbox;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.StoredEvent;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * How a consumer tells the outbox what became of an event, so that its row ends as {@code consumed} or {@code dead}. Of
 * the consumers of an outbox, one has receipts: the one whose word counts. Thread-safe.
 */
public interface Receipts {
    /** Nobody is told. */
    Receipts NONE = new Receipts() {
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

    /**
     * For a consumer whose database holds the outbox too: the handler's effect, the inbox's note and {@code consumed}
     * commit together.
     *
     * @param catalog the outboxes; those that are tracked are told
     * @param retry how long an event waits that its consumer could not handle, and when it is dead; the relay's policy
     */
    static Receipts inDatabase(DataSource dataSource, Catalog catalog, RetryPolicy retry) {
        return new DatabaseReceipts(dataSource, catalog, retry);
    }

    /**
     * For a consumer with a database of its own: receipts are messages, which the outbox's side reads and applies. One is
     * sent after the handler's transaction, and the broker forgets the event only when the receipt is durable. What can
     * never be handled is dead-lettered too, for nobody here knows whether its row will say so.
     *
     * @param broker closed by the caller, after the consumer
     * @param destination topic, or exchange
     * @param routingKey RabbitMQ's, or null
     */
    static Receipts through(Broker broker, String destination, @Nullable String routingKey) {
        return new MessageReceipts(broker, destination, routingKey);
    }

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

    /**
     * Tells the outbox, unless {@link #handled} has done so.
     *
     * @param told called once, on any thread, with what became of the receipt
     */
    void tell(Receipt receipt, Consumer<Told> told);

    /**
     * That the event of this message was handled. Null if the message does not say where it came from, or is one of those
     * that no outbox waits for: a replay's, or one that the broker itself answers for.
     */
    static Receipt.@Nullable Consumed consumed(Message message) {
        if (message.headers().containsKey(MessageHeaders.REPLAY)
                || message.headers().containsKey(MessageHeaders.NO_RECEIPTS)) {
            return null;
        }
        String outbox = message.headers().get(MessageHeaders.OUTBOX);
        Long row = StoredEvent.row(message.headers().get(MessageHeaders.ROW));
        String id = message.eventId();
        if (outbox == null || row == null || id == null) {
            return null;
        }
        return new Receipt.Consumed(outbox, row, id);
    }

    /** That the event of this message failed, and is to be published again; names what the message said of its row. */
    static Receipt.Failed failed(Receipt.Consumed origin, Message message, String error) {
        return new Receipt.Failed(
                origin.outbox(),
                origin.row(),
                origin.eventId(),
                number(message, MessageHeaders.ATTEMPTS),
                number(message, MessageHeaders.GENERATION),
                error);
    }

    /** That the event of this message can never be handled; names what the message said of its row. */
    static Receipt.Rejected rejected(Receipt.Consumed origin, Message message, String error) {
        return new Receipt.Rejected(
                origin.outbox(),
                origin.row(),
                origin.eventId(),
                number(message, MessageHeaders.ATTEMPTS),
                number(message, MessageHeaders.GENERATION),
                error);
    }

    private static @Nullable Integer number(Message message, String header) {
        String number = message.headers().get(header);
        return number == null || !number.matches("[0-9]{1,9}") ? null : Integer.valueOf(number);
    }
}
