package dev.posthaste.broker;

import dev.posthaste.Route;

/** A broker that also brings messages. Thread-safe, as every broker. */
public interface SubscribableBroker extends Broker {

    /**
     * Begins to feed a receiver with what arrives at the route's consumer group or queue, and returns without waiting for the
     * server: while that cannot be reached, the subscription keeps trying. Whatever the broker is configured to create
     * or declare for routes, it does for this one too. {@link #close} closes the subscription.
     *
     * @param route names the group or queue
     * @param receiver remains the caller's, who closes it after the subscription. It may have several subscriptions
     * @throws IllegalArgumentException if the route names no group or queue
     * @throws IllegalStateException if this broker is closed
     */
    Subscription subscribe(Route route, Receiver receiver);
}
