package dev.posthaste;

import org.jspecify.annotations.Nullable;

/** Whatever Posthaste itself reports at run time; what the caller's connection reports is an {@code SQLException}. */
public class PosthasteException extends RuntimeException {
    /** For Posthaste's own exceptions. */
    protected PosthasteException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
