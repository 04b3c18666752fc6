package dev.posthaste.inbox;

import dev.posthaste.Event;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import java.io.IOException;
import java.sql.Connection;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** Receipts that travel as messages. */
final class MessageReceipts implements ReceiptChannel {
    private final Broker broker;
    private final Route route;
    private final AtomicBoolean prepared = new AtomicBoolean();

    MessageReceipts(Broker broker, Route route) {
        this.broker = broker;
        this.route = route;
    }

    /** The outbox's side knows which it tracks. */
    @Override
    public boolean tracks(String outbox) {
        return true;
    }

    @Override
    public void handled(Connection connection, Receipt.Consumed receipt) {}

    @Override
    public void report(Receipt receipt, Consumer<Reported> reported) {
        // Receipts of one event keep their order: it may be handled after it had failed.
        String key = receipt.outbox() + "/" + receipt.row();
        Map<String, String> headers = Map.of(
                MessageHeaders.EVENT_ID,
                Event.newId(),
                MessageHeaders.EVENT_TYPE,
                ReceiptMessages.TYPE,
                MessageHeaders.EVENT_KEY,
                key);
        Message message = Message.of(route.destination(), ReceiptMessages.write(receipt))
                .routingKey(route.routingKey())
                .key(key)
                .headers(headers);
        if (prepared.compareAndSet(false, true)) {
            broker.prepare(route);
        }
        broker.publish(
                message,
                outcome -> reported.accept(
                        outcome instanceof Outcome.Acknowledged
                                ? new Reported.Sent()
                                : new Reported.Failed(new IOException("the receipt could not be sent: " + outcome))));
    }
}
