package dev.posthaste.inbox;

import dev.posthaste.Event;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.store.Receipt;
import java.io.IOException;
import java.sql.Connection;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Receipts that travel as messages. */
final class MessageReceipts implements ReceiptChannel {
    private final Broker broker;
    private final String destination;
    private final @Nullable String routingKey;

    MessageReceipts(Broker broker, String destination, @Nullable String routingKey) {
        this.broker = broker;
        this.destination = destination;
        this.routingKey = routingKey;
    }

    /** The outbox's side knows which it tracks. */
    @Override
    public boolean tracks(String outbox) {
        return true;
    }

    @Override
    public void handled(Connection connection, Receipt.Consumed receipt) {}

    @Override
    public void tell(Receipt receipt, Consumer<Told> told) {
        // Receipts of one event keep their order: it was handled after it had failed.
        String key = receipt.outbox() + "/" + receipt.row();
        Map<String, String> headers = Map.of(
                MessageHeaders.EVENT_ID,
                Event.newId(),
                MessageHeaders.EVENT_TYPE,
                ReceiptMessages.TYPE,
                MessageHeaders.EVENT_KEY,
                key);
        Message message = Message.of(destination, ReceiptMessages.write(receipt))
                .routingKey(routingKey)
                .key(key)
                .headers(headers);
        broker.publish(
                message,
                outcome -> told.accept(
                        outcome instanceof Outcome.Acknowledged
                                ? new Told.Sent()
                                : new Told.Failed(new IOException("the receipt could not be sent: " + outcome))));
    }
}
