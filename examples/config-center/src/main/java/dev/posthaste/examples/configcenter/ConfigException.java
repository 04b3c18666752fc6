package dev.posthaste.examples.configcenter;

/** A change that was refused; the message tells the user why. */
final class ConfigException extends RuntimeException {
    private final Reason reason;

    enum Reason {
        INVALID,
        NOT_FOUND,
        CONFLICT
    }

    ConfigException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    Reason reason() {
        return reason;
    }
}
