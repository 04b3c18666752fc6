package dev.posthaste.broker;

/** Feeds a consumer from a queue or a consumer group. Thread-safe. */
public interface Subscription extends AutoCloseable {

    /** Begins to receive, and keeps trying while the broker cannot be reached. */
    void start();

    /** Whether messages can arrive now. */
    boolean healthy();

    /**
     * Stops receiving and waits a bounded time for the handlers that are running. What was not handled comes again to the
     * next consumer. Works before {@link #start} and twice.
     */
    @Override
    void close();
}
