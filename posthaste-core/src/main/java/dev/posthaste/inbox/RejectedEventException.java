package dev.posthaste.inbox;

/** Thrown by a handler: this event can never be handled, for this reason. {@link AfterLastAttempt} says what happens to it then. */
public final class RejectedEventException extends Exception {
    /** @param reason what the dead letter, or the outbox's row, says */
    public RejectedEventException(String reason) {
        super(reason);
    }

    /**
     * @param reason what the dead letter, or the outbox's row, says
     * @param cause its stack trace goes with the dead letter
     */
    public RejectedEventException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
