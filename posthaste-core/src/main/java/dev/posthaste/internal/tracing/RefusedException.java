package dev.posthaste.internal.tracing;

/** Something failed without an exception: a broker or an inbox reported why. Has no stack trace. */
public final class RefusedException extends Exception {
    private final String reason;

    public RefusedException(String reason) {
        super(reason, null, false, false);
        this.reason = reason;
    }

    public String reason() {
        return reason;
    }
}
