package dev.posthaste;

/** An event was refused before any SQL, because it could never be stored or sent as it is. A bug in the caller. */
public final class InvalidEventException extends PosthasteException {
    public InvalidEventException(String message) {
        super(message, null);
    }

    public InvalidEventException(String message, Throwable cause) {
        super(message, cause);
    }
}
