package dev.posthaste;

import org.jspecify.annotations.Nullable;

/**
 * Where an outbox's events go, and who handles them there.
 *
 * @param destination topic, or exchange
 * @param routingKey RabbitMQ's routing key; null where the broker has none
 * @param group consumer group, or queue; null when the outbox's owner does not know its readers
 */
public record Route(
        String destination,
        @Nullable String routingKey,
        @Nullable String group) {
    public Route {
        Names.requireDestination("destination", destination);
        if (routingKey != null) {
            Names.requireDestination("routing key", routingKey);
        }
        if (group != null) {
            Names.requireDestination("group", group);
        }
    }

    /** A route that names only a topic. */
    public static Route to(String destination) {
        return new Route(destination, null, null);
    }
}
