package dev.posthaste;

import org.jspecify.annotations.Nullable;

/**
 * A store's request to its database failed. Nothing was written or, if the response to COMMIT was lost, everything was.
 */
public class StoreException extends PosthasteException {
    public StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
