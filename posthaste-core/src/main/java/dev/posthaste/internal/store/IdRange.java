package dev.posthaste.internal.store;

/** The ids from {@code first} to {@code last}, both included. */
public record IdRange(long first, long last) {
    public IdRange {
        if (first > last) {
            throw new IllegalArgumentException("A range from " + first + " to " + last + " holds no id");
        }
    }
}
