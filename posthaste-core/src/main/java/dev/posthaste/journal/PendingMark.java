package dev.posthaste.journal;

import org.jspecify.annotations.Nullable;

/**
 * That an event is pending, without its contents: cheap to read when most of what is read is known already.
 *
 * @param waitNanos as in {@link PendingEvent}
 */
public record PendingMark(long id, @Nullable String key, long waitNanos) implements Pending {}
