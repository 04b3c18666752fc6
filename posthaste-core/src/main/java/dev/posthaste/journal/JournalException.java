package dev.posthaste.journal;

/** The database did not do what the journal asked. Nothing was written, or, if the COMMIT's answer was lost, all of it. */
public final class JournalException extends RuntimeException {
    public JournalException(String message, Throwable cause) {
        super(message, cause);
    }
}
