package dev.posthaste.broker;

import dev.posthaste.Route;
import java.util.function.Consumer;

/**
 * Where events go: Kafka, RabbitMQ, or the handlers in this JVM.
 *
 * <p>An implementation passes the testkit's {@code PublishContract}, or {@code BrokerContract} if it also brings
 * messages. It is thread-safe.
 */
public interface Broker extends AutoCloseable {

    /**
     * Sends a message without waiting for its outcome.
     *
     * @param callback gets exactly one outcome, on any thread, perhaps before this method returns, and never later than
     *     the broker's own deadline. It does not block and does not throw
     */
    void publish(Message message, Consumer<Outcome> callback);

    /**
     * Announces a route before the first message goes there, so that a broker that is configured to can create or
     * declare what the route needs. Returns without waiting for the server; what cannot be done now is done later, or
     * shows in the outcomes of the messages. May be called any number of times for the same route. Does nothing by
     * default.
     */
    default void prepare(Route route) {}

    /** Whether a message handed over now has a chance of succeeding, as far as is known without asking the server. */
    default boolean healthy() {
        return true;
    }

    /**
     * Whether an acknowledgement waits for consumers, so that the time it takes says nothing about the broker. A relay then
     * does not slow down when acknowledgements take long.
     */
    default boolean acknowledgesHandling() {
        return false;
    }

    /**
     * Closes the subscriptions, if there are any, ends every open publish with an outcome, and closes connections. Works
     * before the first message, and twice.
     */
    @Override
    void close();
}
