package dev.posthaste.reliability.torture;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.rabbitmq.RabbitBroker;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The campaign's exchange and queues in RabbitMQ. */
final class RabbitRoutes {
    private RabbitRoutes() {}

    /** Declares what is missing, and waits for it: until then a broker sends nothing. */
    static void declare(Setup setup) throws Exception {
        try (RabbitBroker broker = RabbitBroker.of(setup.rabbit().declare(true))) {
            broker.prepare(setup.wire().route());
            CompletableFuture<Outcome> outcome = new CompletableFuture<>();
            Message toNobody = Message.of("", new byte[0]).routingKey("nobody");
            broker.publish(toNobody, outcome::complete);
            if (!(outcome.get(60, TimeUnit.SECONDS) instanceof Outcome.Rejected)) {
                throw new IOException("the route was not declared: " + outcome.get());
            }
        }
    }
}
