package dev.posthaste;

import org.jspecify.annotations.Nullable;

/**
 * A store's request to its database failed. Nothing was written, unless the response to COMMIT was lost: then either
 * everything was written or nothing.
 */
public final class StoreException extends PosthasteException {
    /** @param message what was tried, and what the database reported */
    public StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
