package dev.posthaste.server.http;

/** Aborts a request with an HTTP status and a message for the client. */
final class HttpProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    HttpProblemException(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    int status() {
        return status;
    }
}
