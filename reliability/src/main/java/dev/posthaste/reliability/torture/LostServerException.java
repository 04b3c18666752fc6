package dev.posthaste.reliability.torture;

/** A server does not start again on what a full disk has left of its data; nothing of Posthaste's can change that. */
final class LostServerException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    LostServerException(String fault, Exception cause) {
        super("after '" + fault + "', the server did not come back: " + cause.getMessage(), cause);
    }
}
