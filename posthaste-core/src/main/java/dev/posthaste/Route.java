package dev.posthaste;

import dev.posthaste.internal.names.Names;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where an outbox's events go, and who handles them there. Immutable: every method with a parameter returns a changed copy.
 *
 * <pre>{@code
 * Route.topic("shop.orders").group("stock")                              // Kafka
 * Route.exchange("shop").routingKey("orders").queue("orders-queue")      // RabbitMQ
 * Route.to("https://partner.example/events")                             // a broker of your own
 * }</pre>
 */
@CheckReturnValue
public final class Route {
    private final String destination;
    private final @Nullable String routingKey;
    private final @Nullable String group;

    private Route(String destination, @Nullable String routingKey, @Nullable String group) {
        this.destination = Names.requireDestination("destination", destination);
        this.routingKey = routingKey == null ? null : Names.requireDestination("routing key", routingKey);
        this.group = group == null ? null : Names.requireDestination("group", group);
    }

    /** @throws IllegalArgumentException unless {@code topic} is printable and has at most 255 bytes in UTF-8 */
    public static Route topic(String topic) {
        return to(topic);
    }

    /** @throws IllegalArgumentException unless {@code exchange} is printable and has at most 255 bytes in UTF-8 */
    public static Route exchange(String exchange) {
        return to(exchange);
    }

    /** For brokers whose destinations are neither topics nor exchanges. */
    public static Route to(String destination) {
        return new Route(destination, null, null);
    }

    /** Kafka's consumer group that handles the events. */
    public Route group(String consumerGroup) {
        return new Route(destination, routingKey, Objects.requireNonNull(consumerGroup, "group"));
    }

    /** RabbitMQ's routing key. */
    public Route routingKey(String routingKey) {
        return new Route(destination, Objects.requireNonNull(routingKey, "routing key"), group);
    }

    /** The RabbitMQ queue from which the events are handled; the counterpart of Kafka's group. */
    public Route queue(String queue) {
        return group(queue);
    }

    /** Topic, exchange, or whatever the broker has in their place. */
    public String destination() {
        return destination;
    }

    /** Null where the broker has none. */
    public @Nullable String routingKey() {
        return routingKey;
    }

    /** Consumer group or queue; null if the outbox's owner does not know who handles its events. */
    public @Nullable String group() {
        return group;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Route route
                && destination.equals(route.destination)
                && Objects.equals(routingKey, route.routingKey)
                && Objects.equals(group, route.group);
    }

    @Override
    public int hashCode() {
        return Objects.hash(destination, routingKey, group);
    }

    @Override
    public String toString() {
        return destination + (routingKey == null ? "" : " with " + routingKey) + (group == null ? "" : " to " + group);
    }
}
