package dev.posthaste.reliability.torture;

/** A server does not start on the data that a full disk left; Posthaste cannot do anything about that. */
final class LostServerException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    LostServerException(String fault, Exception cause) {
        super("after '" + fault + "', the server did not restart: " + cause.getMessage(), cause);
    }
}
