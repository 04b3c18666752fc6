package dev.posthaste.stories;

import dev.posthaste.Catalog;
import dev.posthaste.Route;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.rabbitmq.RabbitBroker;
import dev.posthaste.rabbitmq.RabbitSettings;
import dev.posthaste.relay.Relay;
import javax.sql.DataSource;

/** RabbitMQ. Compiled, but not run. */
class S03Rabbit {
    void run(DataSource database, Inbox stock) {
        Catalog catalog = Catalog.empty()
                .outbox(
                        "orders",
                        o -> o.types("order.placed")
                                .route(Route.exchange("shop")
                                        .routingKey("orders")
                                        .queue("orders-queue")));
        RabbitBroker rabbit = RabbitBroker.of(RabbitSettings.of("amqp://user:password@localhost/%2f")
                .declare(true)); // exchange, queue, binding, error queue of every route that it is given
        rabbit.subscribe(catalog.outbox("orders").route(), stock);
        Relay.builder(database, catalog, rabbit).build().start();
    }
}
