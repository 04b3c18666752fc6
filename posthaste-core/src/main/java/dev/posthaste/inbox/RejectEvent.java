package dev.posthaste.inbox;

/** Thrown by a handler: this event can never be handled, and goes to the error queue with this reason. */
public final class RejectEvent extends Exception {
    public RejectEvent(String reason) {
        super(reason);
    }

    public RejectEvent(String reason, Throwable cause) {
        super(reason, cause);
    }
}
