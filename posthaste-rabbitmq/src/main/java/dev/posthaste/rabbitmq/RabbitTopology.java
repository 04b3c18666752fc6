package dev.posthaste.rabbitmq;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.posthaste.Route;
import java.io.IOException;
import java.util.Map;

/**
 * Declares exchange, queue, binding and error queue of a route, as {@link RabbitSettings#declare} describes. What
 * exists stays as it is. Thread-safe.
 */
final class RabbitTopology {
    private RabbitTopology() {}

    /** The error queue that belongs to a queue. */
    static String errorQueue(String queue) {
        return queue + "_error";
    }

    static void declare(Connection connection, Route route) throws IOException {
        if (!route.destination().isEmpty()) {
            declare(
                    connection,
                    channel -> channel.exchangeDeclarePassive(route.destination()),
                    channel -> channel.exchangeDeclare(route.destination(), BuiltinExchangeType.DIRECT, true));
        }
        String queue = route.group();
        if (queue != null) {
            String routingKey = route.routingKey();
            declareQueue(connection, queue, Map.of("x-single-active-consumer", true));
            bind(connection, queue, route.destination(), routingKey == null ? "" : routingKey);
            declareQueue(connection, errorQueue(queue), Map.of());
        }
    }

    private static void bind(Connection connection, String queue, String exchange, String routingKey)
            throws IOException {
        Channel channel = channel(connection);
        try {
            channel.queueBind(queue, exchange, routingKey);
        } finally {
            channel.abort();
        }
    }

    private static Channel channel(Connection connection) throws IOException {
        Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("RabbitMQ allows no more channels on this connection (channel_max)");
        }
        return channel;
    }

    private static void declareQueue(Connection connection, String queue, Map<String, Object> arguments)
            throws IOException {
        declare(
                connection,
                channel -> channel.queueDeclarePassive(queue),
                channel -> channel.queueDeclare(queue, true, false, false, arguments));
    }

    private interface Step {
        void run(Channel channel) throws IOException;
    }

    /**
     * Looking up something that does not exist closes the channel, as does declaring something with arguments that
     * differ.
     */
    private static void declare(Connection connection, Step lookUp, Step create) throws IOException {
        Channel channel = channel(connection);
        try {
            lookUp.run(channel);
        } catch (IOException e) {
            if (channel.isOpen() || !connection.isOpen()) {
                throw e;
            }
            channel = channel(connection);
            create.run(channel);
        } finally {
            channel.abort();
        }
    }
}
