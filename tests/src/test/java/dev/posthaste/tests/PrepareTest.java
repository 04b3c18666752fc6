package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.LONG;
import static dev.posthaste.tests.TestOutbox.ORDERS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A relay announces each route to its broker before it sends the first message there. */
class PrepareTest {
    private static final Route ROUTE = Route.topic("orders-topic").group("stock");

    private final List<Object> calls = new CopyOnWriteArrayList<>();

    /** Acknowledges everything; {@link #prepare} may fail. */
    private final class Recorder implements Broker {
        private final boolean fails;

        Recorder(boolean fails) {
            this.fails = fails;
        }

        @Override
        public void prepare(Route route) {
            calls.add(route);
            if (fails) {
                throw new IllegalStateException("planned");
            }
        }

        @Override
        public void publish(Message message, Consumer<Outcome> callback) {
            calls.add(message.destination());
            callback.accept(Outcome.acknowledged());
        }

        @Override
        public boolean healthy() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Test
    void theRouteOfEachServedOutboxIsToldBeforeItsFirstMessage() throws Exception {
        OutboxDefinition unserved = OutboxDefinition.named("other").types("other.happened");
        try (TestOutbox outbox = TestOutbox.on(Database.SQLITE, ORDERS.route(ROUTE), unserved)) {
            outbox.write("k", "v1");
            outbox.write("k", "v2");
            try (Relay relay = outbox.relay("relay", new Recorder(false))
                    .serve("orders")
                    .build()
                    .start()) {
                assertThat(relay.name()).isEqualTo("relay");
                outbox.awaitPublished("v2", LONG);
            }
        }
        assertThat(calls).containsExactly(ROUTE, "orders-topic", "orders-topic");
    }

    @Test
    void aBrokerThatCannotPrepareGetsTheMessagesAllTheSame() throws Exception {
        try (TestOutbox outbox = TestOutbox.on(Database.SQLITE, ORDERS.route(ROUTE))) {
            outbox.write("k", "v1");
            try (Relay relay = outbox.relay("relay", new Recorder(true)).build().start()) {
                assertThat(relay.name()).isEqualTo("relay");
                outbox.awaitPublished("v1", LONG);
            }
        }
        assertThat(calls).containsExactly(ROUTE, "orders-topic");
    }
}
