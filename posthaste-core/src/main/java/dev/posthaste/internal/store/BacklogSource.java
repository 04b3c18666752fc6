package dev.posthaste.internal.store;

/** A store that can say what is waiting in it. */
public interface BacklogSource {
    /** What is waiting, read from the pending and dead events alone. */
    OutboxStore.Backlog backlog();
}
