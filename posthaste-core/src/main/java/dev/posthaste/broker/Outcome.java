package dev.posthaste.broker;

/** What became of a message that was handed to a {@link Broker}. */
public sealed interface Outcome {

    /**
     * The message is durably in the broker.
     *
     * @param handled whether, more than that, every consumer has handled it
     */
    record Acknowledged(boolean handled) implements Outcome {
        /** It is in the broker, and no more is known. */
        public Acknowledged() {
            this(false);
        }
    }

    /**
     * This message can never, or not now, be taken: too large, no such exchange, unroutable, not authorised. Counts as
     * an attempt.
     *
     * @param permanent whether trying again is pointless, so that the event is dead at once
     */
    record Rejected(String reason, boolean permanent) implements Outcome {}

    /** Nobody knows: a timeout, or a connection lost after sending. It may be in the broker. No attempt is counted. */
    record Unknown(String reason) implements Outcome {}

    /** The broker cannot be reached or takes nothing now; the message is not in it. No attempt is counted. */
    record Unavailable(String reason) implements Outcome {}

    Outcome ACKNOWLEDGED = new Acknowledged(false);

    Outcome HANDLED = new Acknowledged(true);

    static Outcome rejected(String reason) {
        return new Rejected(reason, false);
    }
}
