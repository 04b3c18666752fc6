package dev.posthaste.broker;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Hands events to consumers in this JVM, through the same inbox that a real broker feeds; there is no server. It has no
 * memory of its own: an event counts as acknowledged when every consumer has handled it, and until then it stays pending
 * in the outbox. A consumer that gives an event up for good makes it dead there, with the reason.
 *
 * <p>An event that one consumer handles may be consumed in that consumer's own transaction, by its receipts. Where several
 * handle it, none of them speaks for the others: the event is told of when the last has ended. Those that had handled it
 * before somebody refused it, or before the process died, find their notes when it comes again.
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
            callback.accept(Outcome.unavailable("the local broker is closed"));
            return;
        }
        List<Receiver> receivers = consumersOf(message);
        if (receivers.isEmpty()) {
            callback.accept(Outcome.rejected("no consumer in this JVM handles events of type " + message.eventType()));
            return;
        }
        Message each = receivers.size() == 1 ? message : message.headers(Map.of(MessageHeaders.NO_RECEIPTS, "several"));
        FanOut fan = new FanOut(each, receivers.size(), callback);
        receivers.forEach(consumer -> consumer.accept(fan));
    }

    private List<Receiver> consumersOf(Message message) {
        List<Receiver> receivers = new ArrayList<>();
        String type = message.eventType();
        for (Receiver consumer : consumers) {
            if (type != null && consumer.handles(type)) {
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

    /** One message on its way to several consumers: the slowest decides when, the worst outcome decides what. */
    private static final class FanOut implements Delivery {
        private final Message message;
        private final java.util.function.Consumer<Outcome> callback;
        private int open; // guarded by this, as the next
        private Outcome outcome = Outcome.handled();

        FanOut(Message message, int receivers, java.util.function.Consumer<Outcome> callback) {
            this.message = message;
            this.open = receivers;
            this.callback = callback;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public void done() {
            end(Outcome.handled());
        }

        @Override
        public void leftToOutbox() {
            end(Outcome.acknowledged());
        }

        @Override
        public void deadLetter(Failure failure) {
            end(Outcome.rejected(failure.summary()).permanent(true));
        }

        @Override
        public void abandoned() {
            end(Outcome.unknown("the consumer was closed"));
        }

        private void end(Outcome its) {
            Outcome all;
            synchronized (this) {
                outcome = badness(its) > badness(outcome) ? its : outcome;
                all = outcome;
                if (--open > 0) {
                    return;
                }
            }
            callback.accept(all);
        }

        /** What was not handled comes again before it may be dead: somebody else has not seen it yet. */
        private static int badness(Outcome outcome) {
            return outcome instanceof Outcome.Acknowledged acknowledged
                    ? acknowledged.handled() ? 0 : 1
                    : outcome instanceof Outcome.Rejected ? 2 : 3;
        }
    }
}
