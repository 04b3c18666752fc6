package dev.posthaste.server;

import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.function.Consumer;

/**
 * RabbitMQ, which declares only routes that name a queue: an exchange whose consumers are not in the file is left to
 * them to declare, with the type that they need. As thread-safe as the broker behind it.
 */
record OwnQueuesBroker(Broker broker) implements Broker {
    @Override
    public void prepare(Route route) {
        if (route.group() != null) {
            broker.prepare(route);
        }
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        broker.publish(message, callback);
    }

    @Override
    public boolean healthy() {
        return broker.healthy();
    }

    @Override
    public void close() {
        broker.close();
    }
}
