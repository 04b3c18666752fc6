package dev.posthaste.internal.store;

import org.jspecify.annotations.Nullable;

/** A pending event as a read found it: with its contents, or only its id and key. */
public sealed interface Pending permits PendingEvent, PendingRef {
    long id();

    @Nullable
    String key();

    /** How long, by the database's clock at the time of reading, until it is due; zero or less when it is. */
    long waitNanos();
}
