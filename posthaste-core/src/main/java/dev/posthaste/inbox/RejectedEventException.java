package dev.posthaste.inbox;

/** Thrown by a handler: this event can never be handled, for this reason. {@link AfterLastAttempt} says what becomes of it. */
public final class RejectedEventException extends Exception {
    public RejectedEventException(String reason) {
        super(reason);
    }

    public RejectedEventException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
