package dev.posthaste;

/** An event could never be stored or sent as it is; thrown before any SQL. A bug in the caller. */
public final class InvalidEventException extends PosthasteException {
    /** @param message what is wrong with the event */
    public InvalidEventException(String message) {
        super(message, null);
    }

    /**
     * @param message what is wrong with the event
     * @param cause what a serializer or a format threw
     */
    public InvalidEventException(String message, Throwable cause) {
        super(message, cause);
    }
}
