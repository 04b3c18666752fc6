package dev.posthaste.broker;

import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Hands events to consumers in this JVM, through the same inbox that a real broker feeds; there is no server. It has no
 * memory of its own: an event counts as acknowledged when every consumer has handled it, and until then it stays pending
 * in the outbox. A consumer that gives an event up for good makes it dead there, with the reason.
 *
 * <p>Thread-safe.
 */
public final class LocalBroker implements Broker {
    private final List<Receiver> consumers = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    /** Every message published from now on goes to this consumer too. The broker closes it with itself. */
    public LocalBroker subscribe(Receiver consumer) {
        consumers.add(consumer);
        return this;
    }

    @Override
    public void publish(Message message, java.util.function.Consumer<Outcome> callback) {
        if (closed) {
            callback.accept(new Outcome.Unavailable("the local broker is closed"));
            return;
        }
        List<Receiver> receivers = consumersOf(message);
        if (receivers.isEmpty()) {
            callback.accept(Outcome.rejected("no consumer in this JVM handles events of type " + message.eventType()));
            return;
        }
        Fan fan = new Fan(message, receivers.size(), callback);
        receivers.forEach(consumer -> consumer.accept(fan));
    }

    private List<Receiver> consumersOf(Message message) {
        List<Receiver> receivers = new ArrayList<>();
        for (Receiver consumer : consumers) {
            if (consumer.handles(message)) {
                receivers.add(consumer);
            }
        }
        return receivers;
    }

    @Override
    public boolean healthy() {
        return !closed;
    }

    @Override
    public boolean acknowledgesHandling() {
        return true;
    }

    @Override
    public void close() {
        closed = true;
        consumers.forEach(Receiver::close);
    }

    /** One message on its way to several consumers: the slowest decides when, the first failure decides what. */
    private static final class Fan implements Delivery {
        private final Message message;
        private final AtomicInteger open;
        private final AtomicReference<Outcome> outcome = new AtomicReference<>(Outcome.ACKNOWLEDGED);
        private final java.util.function.Consumer<Outcome> callback;

        Fan(Message message, int receivers, java.util.function.Consumer<Outcome> callback) {
            this.message = message;
            this.open = new AtomicInteger(receivers);
            this.callback = callback;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public void done() {
            end();
        }

        @Override
        public void deadLetter(Failure failure) {
            outcome.compareAndSet(Outcome.ACKNOWLEDGED, new Outcome.Rejected(failure.summary(), true));
            end();
        }

        @Override
        public void abandoned() {
            outcome.compareAndSet(Outcome.ACKNOWLEDGED, new Outcome.Unknown("the consumer was closed"));
            end();
        }

        private void end() {
            if (open.decrementAndGet() == 0) {
                callback.accept(outcome.get());
            }
        }
    }
}
