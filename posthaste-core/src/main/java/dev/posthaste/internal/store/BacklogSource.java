package dev.posthaste.internal.store;

/** A store that can report what is waiting in it. */
public interface BacklogSource {
    /** What is waiting, read only from the pending and dead events. */
    OutboxStore.Backlog backlog();
}
