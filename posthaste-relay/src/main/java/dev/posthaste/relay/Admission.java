package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;

/**
 * A pending event of the table that the gate asks to have in memory. The caller loads the event and then calls one of
 * the methods, once; admissions that were returned together are answered in the same order, which within a key is that
 * of the ids. Confined to the pump's thread.
 */
interface Admission {
    long id();

    /** The event was loaded. */
    void admit(PendingEvent event, long now);

    /** The event is no longer pending. */
    void gone(long now);

    /** The event was not loaded: there was no room, or the database failed. As far as is known it is still pending. */
    void missed(long now);
}
