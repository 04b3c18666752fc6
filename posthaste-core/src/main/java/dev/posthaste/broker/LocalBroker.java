package dev.posthaste.broker;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Hands events to receivers in this JVM, such as the inboxes that a real broker would feed; there is no server. It has no
 * memory of its own: an event counts as acknowledged when every receiver has handled it, and until then it stays pending
 * in the outbox. A receiver that gives an event up for good makes it dead there, with the reason.
 *
 * <p>An event that one receiver handles may be consumed in that receiver's own transaction, by its receipts. Where several
 * handle it, none of them speaks for the others: the outcome is reported when the last one has ended. Those that had
 * handled it before another one refused it, or before the process died, find their notes when it comes again.
 *
 * <p>Thread-safe.
 */
public final class LocalBroker implements Broker {
    private final List<Receiver> receivers;
    private final Set<FanOut> open = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private LocalBroker(List<Receiver> receivers) {
        this.receivers = receivers;
    }

    /**
     * A broker for these receivers: each gets every event of a type that it handles. An event that none of them handles
     * is rejected.
     *
     * @param receivers remain the caller's, who closes them after the broker
     */
    public static LocalBroker to(Receiver... receivers) {
        return new LocalBroker(List.of(receivers));
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        List<Receiver> receivers = receiversOf(message);
        if (receivers.isEmpty() && !closed) {
            callback.accept(Outcome.rejected("no consumer in this JVM handles events of type " + message.eventType()));
            return;
        }
        Message each = receivers.size() == 1 ? message : message.headers(Map.of(MessageHeaders.NO_RECEIPTS, "several"));
        FanOut fan = new FanOut(each, receivers.size(), callback);
        open.add(fan);
        if (closed) {
            fan.answer(Outcome.unavailable("the local broker is closed"));
        } else {
            receivers.forEach(receiver -> receiver.accept(fan));
        }
    }

    private List<Receiver> receiversOf(Message message) {
        String type = message.eventType();
        return type == null
                ? List.of()
                : receivers.stream().filter(receiver -> receiver.handles(type)).toList();
    }

    @Override
    public boolean healthy() {
        return !closed;
    }

    @Override
    public boolean acknowledgesHandling() {
        return true;
    }

    /**
     * Answers what is still being handled as unknown, without waiting for it: if it is published again, its receivers find
     * their notes.
     */
    @Override
    public void close() {
        closed = true;
        open.forEach(fan -> fan.answer(Outcome.unknown("the local broker was closed before it was handled")));
    }

    /** One message on its way to several receivers: the slowest decides when, the worst outcome decides what. */
    private final class FanOut implements Delivery {
        private final Message message;
        private final Consumer<Outcome> callback;
        private int unanswered; // guarded by this, like the next
        private Outcome outcome = Outcome.handled();

        FanOut(Message message, int receivers, Consumer<Outcome> callback) {
            this.message = message;
            this.unanswered = receivers;
            this.callback = callback;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public boolean wanted() {
            return !closed;
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
                if (--unanswered > 0) {
                    return;
                }
            }
            answer(all);
        }

        /** Takes effect once: an answer that comes after the broker was closed changes nothing. */
        void answer(Outcome all) {
            if (open.remove(this)) {
                callback.accept(all);
            }
        }

        /** An event that was not handled comes again before it may be dead: another receiver has not seen it yet. */
        private static int badness(Outcome outcome) {
            return outcome instanceof Outcome.Acknowledged acknowledged
                    ? acknowledged.handled() ? 0 : 1
                    : outcome instanceof Outcome.Rejected ? 2 : 3;
        }
    }
}
