package dev.posthaste.inbox;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.journal.Receipt;
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
        public void tell(Receipt receipt, Consumer<@Nullable Throwable> told) {
            told.accept(null);
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
     * sent after the handler's transaction, and the broker forgets the event only when the receipt is durable.
     *
     * @param broker closed by the caller, after the consumer
     * @param destination topic, or exchange
     * @param routingKey RabbitMQ's, or null
     */
    static Receipts through(Broker broker, String destination, @Nullable String routingKey) {
        return new MessageReceipts(broker, destination, routingKey);
    }

    /** Whether events of this outbox are to be told of. */
    boolean tracks(String outbox);

    /** Called in the handler's transaction, before it commits. */
    void handled(Connection connection, Receipt.Consumed receipt) throws SQLException;

    /**
     * Tells the outbox, unless {@link #handled} has done so.
     *
     * @param told called once, on any thread: with null when the receipt is durable, or else with what went wrong
     */
    void tell(Receipt receipt, Consumer<@Nullable Throwable> told);

    /** That the event of this message was handled; null if the message does not say where it came from. */
    static Receipt.@Nullable Consumed consumed(Message message) {
        String outbox = message.headers().get(MessageHeaders.OUTBOX);
        String row = message.headers().get(MessageHeaders.ROW);
        String id = message.eventId();
        if (outbox == null || row == null || id == null || !row.matches("[0-9]{1,18}")) {
            return null;
        }
        return new Receipt.Consumed(outbox, Long.parseLong(row), id);
    }

    /** The attempts that the message says were counted when it was sent, or null. */
    static @Nullable Integer attempts(Message message) {
        String attempts = message.headers().get(MessageHeaders.ATTEMPTS);
        return attempts == null || !attempts.matches("[0-9]{1,9}") ? null : Integer.valueOf(attempts);
    }
}
