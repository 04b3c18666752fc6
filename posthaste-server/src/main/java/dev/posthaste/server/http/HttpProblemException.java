package dev.posthaste.server.http;

/** An answer that is none: its status, and what to tell whoever asked. */
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
