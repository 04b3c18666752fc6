package dev.posthaste;

/** An event was to be written outside of a transaction, where it would not share the fate of the business change. */
public final class NoTransactionException extends PosthasteException {
    /** @param message where a transaction was missing, and what to do */
    public NoTransactionException(String message) {
        super(message, null);
    }
}
