package dev.posthaste.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * That an event is pending, without its contents: cheap to read when most of what is read is already known.
 *
 * @param waitNanos as in {@link PendingEvent}
 */
public record PendingRef(long id, @Nullable String key, long waitNanos) implements Pending {}
