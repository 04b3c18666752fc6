package dev.posthaste.inbox;

/** Thrown by a handler: this event can never be handled, for this reason. {@link AfterLastAttempt} says what happens to it then. */
public final class RejectedEventException extends Exception {
    public RejectedEventException(String reason) {
        super(reason);
    }

    public RejectedEventException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
