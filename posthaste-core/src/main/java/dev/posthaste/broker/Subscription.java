package dev.posthaste.broker;

/**
 * Feeds a receiver from a queue or a consumer group, from {@link SubscribableBroker#subscribe} until it is closed; its
 * broker's {@code close} closes it too. Thread-safe.
 */
public interface Subscription extends AutoCloseable {

    /** Whether messages can arrive now. */
    boolean healthy();

    /**
     * Stops receiving, and waits at most a few seconds for the handlers that are running. Messages that were not
     * handled are redelivered to the next receiver. The receiver stays open. Works twice.
     */
    @Override
    void close();
}
