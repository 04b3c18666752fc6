package dev.posthaste;

import org.jspecify.annotations.Nullable;

/** The database did not do what the store asked. Nothing was written, or, if the COMMIT's answer was lost, all of it. */
public class StoreException extends PosthasteException {
    public StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
