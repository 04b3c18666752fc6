package dev.posthaste.stories;

import static dev.posthaste.stories.Shop.reserve;
import static java.time.Duration.ofDays;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.EventContext;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.relay.Relay;
import dev.posthaste.stories.Shop.Order;
import dev.posthaste.stories.Shop.Price;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Handlers: retry, reject, unknown types, batches. */
class S06HandlersTest {
    private static final Catalog CATALOG =
            Catalog.empty().outbox("orders", o -> o.types("order.placed", "order.cancelled", "price.changed"));

    private final List<String> alarms = new CopyOnWriteArrayList<>();

    Inbox stock(DataSource database) {
        return Inbox.builder("stock", database)
                .on("order.placed", Order.class, this::reserveStock) // retried in place, its key waits, others continue
                .on(
                        "order.cancelled",
                        Order.class,
                        (order, context) -> release(context.connection(), order),
                        h -> h.retry(RetryPolicy.exponential(ofMillis(50), ofSeconds(5))
                                        .attempts(20))
                                .noRetryOn(IllegalArgumentException.class) // a retry would not help
                                .fallback((order, context, cause) ->
                                        alarm(order.id(), cause))) // instead of a dead letter
                .onBatch("price.changed", Price.class, 500, (prices, context) -> upsert(context.connection(), prices))
                .unknownTypes(
                        UnknownTypes.HOLD) // IGNORE (default, counted) | HOLD until a deploy knows it | DEAD_LETTER
                .afterLastAttempt(AfterLastAttempt.DEAD_LETTER) // or REDELIVER, if the outbox is tracked
                .keep(ofDays(30))
                .threads(8)
                .build();
    }

    void reserveStock(Order order, EventContext context) throws Exception {
        if (order.amount() < 1) {
            throw new RejectedEventException("amount " + order.amount()); // immediately a dead letter
        }
        reserve(context.connection(), order); // any other exception is retried
    }

    private void release(Connection connection, Order order) {
        throw new IllegalArgumentException("there was no order " + order.id());
    }

    private void alarm(String order, Throwable cause) {
        alarms.add(order + ": " + cause.getMessage());
    }

    private void upsert(Connection connection, List<Price> prices) throws SQLException {
        for (Price price : prices) {
            Shop.execute(connection, "merge into prices values (?, ?)", price.product(), price.cents());
        }
    }

    @Test
    void handlersRetryRejectFallBackAndTakeBatches() throws Exception {
        DataSource database = Shop.database(CATALOG);
        JdbcOutbox outbox = JdbcOutbox.of(CATALOG);
        try (Inbox stock = stock(database);
                LocalBroker broker = LocalBroker.to(stock);
                Relay relay = Relay.builder(database, CATALOG, broker).build().start()) {
            Shop.commit(
                    database,
                    connection -> outbox.write(
                            connection,
                            List.of(
                                    Event.of("order.placed", "1", new Order("1", "tea", 3)),
                                    Event.of("order.placed", "2", new Order("2", "tea", 0)),
                                    Event.of("order.cancelled", "3", new Order("3", "tea", 1)),
                                    Event.of("price.changed", "tea", new Price("tea", 199)),
                                    Event.of("price.changed", "tea", new Price("tea", 249)))));
            relay.wake("orders");
            await().atMost(Shop.LONG)
                    .untilAsserted(() -> assertThat(Shop.counts(database, CATALOG, "orders"))
                            .containsAllEntriesOf(Map.of(Status.PUBLISHED, 4L, Status.DEAD, 1L)));
        }
        assertThat(Shop.reserved(database)).isEqualTo(3);
        assertThat(alarms).containsExactly("3: there was no order 3");
        assertThat(Shop.number(database, "select cents from prices")).isEqualTo(249);
    }
}
