package dev.posthaste.rabbitmq;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.posthaste.Route;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/**
 * Exchange, queue, binding and error queue of a route. Everything is durable, and nothing drops messages: no time to
 * live, no length limit, no delivery limit.
 */
public final class RabbitTopology {
    private RabbitTopology() {}

    /** The error queue that belongs to a queue. */
    public static String errorQueue(String queue) {
        return queue + "_error";
    }

    /** Declares a route on a connection of its own. */
    public static void declare(RabbitSettings settings, Route route) throws IOException, TimeoutException {
        try (Connection connection = settings.connectionFactory().newConnection("posthaste-topology")) {
            declare(connection, route);
        }
    }

    static void declare(Connection connection, Route route) throws IOException {
        Channel channel = connection.createChannel();
        if (!route.destination().isEmpty()) {
            channel.exchangeDeclare(route.destination(), BuiltinExchangeType.DIRECT, true);
        }
        String queue = route.group();
        if (queue != null) {
            String routingKey = route.routingKey();
            channel.queueDeclare(queue, true, false, false, Map.of());
            channel.queueBind(queue, route.destination(), routingKey == null ? "" : routingKey);
            channel.queueDeclare(errorQueue(queue), true, false, false, Map.of());
        }
        channel.abort();
    }
}
