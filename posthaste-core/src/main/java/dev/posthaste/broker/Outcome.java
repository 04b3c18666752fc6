package dev.posthaste.broker;

import dev.posthaste.CheckReturnValue;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The outcome of a message that was handed to a {@link Broker}. Immutable. */
public sealed interface Outcome {
    /** The message is durably in the broker, and nothing more is known. */
    static Outcome acknowledged() {
        return Acknowledged.BY_BROKER;
    }

    /** More than that: every consumer has handled it. For brokers whose acknowledgement waits for them. */
    static Outcome handled() {
        return Acknowledged.BY_CONSUMERS;
    }

    /**
     * The broker refuses this message: too large, no such exchange, unroutable, not authorised. Counts as an attempt; what
     * is {@linkplain Rejected#permanent(boolean) permanent} is not tried again.
     */
    static Rejected rejected(String reason) {
        return new Rejected(reason, false);
    }

    /**
     * It is not known: a timeout, or a connection lost after sending. It may be in the broker. No attempt is counted.
     */
    static Unknown unknown(String reason) {
        return new Unknown(reason);
    }

    /** The broker cannot be reached or takes nothing now; the message is not in it. No attempt is counted. */
    static Unavailable unavailable(String reason) {
        return new Unavailable(reason);
    }

    /** See {@link #acknowledged()} and {@link #handled()}. */
    final class Acknowledged implements Outcome {
        private static final Acknowledged BY_BROKER = new Acknowledged(false);
        private static final Acknowledged BY_CONSUMERS = new Acknowledged(true);

        private final boolean handled;

        private Acknowledged(boolean handled) {
            this.handled = handled;
        }

        /** Whether every consumer has handled it. */
        public boolean handled() {
            return handled;
        }

        @Override
        public String toString() {
            return handled ? "handled" : "acknowledged";
        }
    }

    /** See {@link Outcome#rejected}. */
    @CheckReturnValue
    final class Rejected implements Outcome {
        private final String reason;
        private final boolean permanent;

        private Rejected(String reason, boolean permanent) {
            this.reason = reason;
            this.permanent = permanent;
        }

        /** The same, with whether trying again is pointless, so that the event is dead immediately. */
        public Rejected permanent(boolean permanent) {
            return new Rejected(reason, permanent);
        }

        /** Whether trying again is pointless, so that the event is dead immediately. */
        public boolean permanent() {
            return permanent;
        }

        /** Why the broker refuses the message. */
        public String reason() {
            return reason;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Rejected rejected
                    && reason.equals(rejected.reason)
                    && permanent == rejected.permanent;
        }

        @Override
        public int hashCode() {
            return Objects.hash(reason, permanent);
        }

        @Override
        public String toString() {
            return (permanent ? "rejected for good: " : "rejected: ") + reason;
        }
    }

    /** See {@link Outcome#unknown}. */
    final class Unknown implements Outcome {
        private final String reason;

        private Unknown(String reason) {
            this.reason = reason;
        }

        /** Why the outcome is not known. */
        public String reason() {
            return reason;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Unknown unknown && reason.equals(unknown.reason);
        }

        @Override
        public int hashCode() {
            return reason.hashCode();
        }

        @Override
        public String toString() {
            return "unknown: " + reason;
        }
    }

    /** See {@link Outcome#unavailable}. */
    final class Unavailable implements Outcome {
        private final String reason;

        private Unavailable(String reason) {
            this.reason = reason;
        }

        /** Why the broker takes nothing now. */
        public String reason() {
            return reason;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Unavailable unavailable && reason.equals(unavailable.reason);
        }

        @Override
        public int hashCode() {
            return reason.hashCode();
        }

        @Override
        public String toString() {
            return "unavailable: " + reason;
        }
    }
}
