package dev.posthaste.relay.internal;

/**
 * A relay without threads, for tests and simulations: it moves when {@link #pass} is called, on the caller's thread, with
 * the same leases and pumps as a {@link dev.posthaste.relay.Relay}. {@link RelayTesting#manual} makes it. Not thread-safe.
 */
public interface ManualRelay {
    /** Looks after the leases and gives every owned outbox one pass; returns whether anything moved. */
    boolean pass();

    /**
     * Renews what is due, and looks whether to take or release something. As in a relay with threads, the lease of an outbox
     * that gets no pass is not renewed for long.
     */
    void keepLeases();

    /**
     * Looks for events of owned outboxes that were not consumed, where they are tracked, and deletes those that were
     * finished long ago.
     *
     * @throws dev.posthaste.StoreException if the database failed
     */
    void keepHouse();

    /** Like {@link #pass}, but as if the thread that renews the leases were paused. */
    boolean passWithoutLeases();

    /** Reports that events were committed to an outbox. */
    void wake(String outbox);

    /** Whether this relay believes that it owns the outbox. */
    boolean owns(String outbox);

    /** Gives every lease back immediately, leaving whatever is at the broker to the next owner. */
    void release();
}
