package dev.posthaste.internal.json;

import org.jspecify.annotations.Nullable;

/** A text is not JSON, or not JSON within the limits. The message says why, without the text. */
public final class JsonException extends RuntimeException {
    public JsonException(String message) {
        super(message);
    }

    JsonException(@Nullable String message, Throwable cause) {
        super(message, cause);
    }
}
