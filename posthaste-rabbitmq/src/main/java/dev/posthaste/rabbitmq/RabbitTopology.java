package dev.posthaste.rabbitmq;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.posthaste.Route;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/**
 * Declares exchange, queue, binding and error queue of a route. Everything is durable, and nothing drops messages: there is
 * no time to live, length limit or delivery limit. The queue serves one consumer at a time (single active consumer), and the
 * next when that one is gone: with several at once, a later message of a key could be handled before an earlier one. An
 * existing queue stays as it is. Thread-safe.
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
            declareQueue(connection, queue, Map.of("x-single-active-consumer", true));
            channel.queueBind(queue, route.destination(), routingKey == null ? "" : routingKey);
            declareQueue(connection, errorQueue(queue), Map.of());
        }
        channel.abort();
    }

    /** Asking for a missing queue closes the channel, as does declaring an existing one with other arguments. */
    private static void declareQueue(Connection connection, String queue, Map<String, Object> arguments)
            throws IOException {
        Channel channel = connection.createChannel();
        try {
            channel.queueDeclarePassive(queue);
        } catch (IOException e) {
            if (channel.isOpen() || !connection.isOpen()) {
                throw e;
            }
            channel = connection.createChannel();
            channel.queueDeclare(queue, true, false, false, arguments);
        } finally {
            channel.abort();
        }
    }
}
