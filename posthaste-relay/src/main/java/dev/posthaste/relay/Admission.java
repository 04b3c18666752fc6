package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;

/**
 * A pending event of the table that the gate asks to have in memory. The caller loads the event and then calls one of the
 * methods, once; those that were given out together in the same order, which is that of the ids within a key. Confined to the
 * pump's thread.
 */
interface Admission {
    long id();

    /** The event was loaded. */
    void admit(PendingEvent event, long now);

    /** The event is not pending any more. */
    void gone(long now);

    /** The event was not loaded: there was no room, or the database failed. As far as is known it is still pending. */
    void missed(long now);
}
