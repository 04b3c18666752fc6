package dev.posthaste.journal;

import org.jspecify.annotations.Nullable;

/** The database did not do what the journal asked. Nothing was written, or, if the COMMIT's answer was lost, all of it. */
public class JournalException extends RuntimeException {
    public JournalException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
