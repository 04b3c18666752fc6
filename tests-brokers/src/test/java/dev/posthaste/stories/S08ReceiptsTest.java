package dev.posthaste.stories;

import static dev.posthaste.stories.Shop.reserve;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.Relay;
import dev.posthaste.stories.Shop.Order;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Receipts: rows that end as {@code consumed}. */
class S08ReceiptsTest {
    private final Catalog catalog =
            Catalog.empty().outbox("orders", o -> o.types("order.placed").tracked(true));

    Inbox sameDatabase(DataSource database) { // effect, note and "consumed" commit together
        return Inbox.builder("stock", database)
                .on("order.placed", Order.class, (order, c) -> reserve(c.connection(), order))
                .receipts(Receipts.inDatabase(catalog))
                .build();
    }

    /** Compiled, but not run. */
    Inbox acrossDatabases(DataSource stockDatabase, DataSource ordersDatabase, SubscribableBroker broker) {
        Route receipts = Route.topic("shop.receipts").group("shop-receipts");
        broker.subscribe(receipts, ReceiptProcessor.of(ordersDatabase, catalog)); // on the outbox's side
        return Inbox.builder("stock", stockDatabase)
                .on("order.placed", Order.class, (order, c) -> reserve(c.connection(), order))
                .receipts(Receipts.through(broker, receipts))
                .build();
    }

    @Test
    void aRowEndsAsConsumed() throws Exception {
        DataSource database = Shop.database(catalog);
        try (Inbox stock = sameDatabase(database);
                LocalBroker broker = LocalBroker.to(stock);
                Relay relay = Relay.builder(database, catalog, broker).build().start()) {
            Order order = new Order("42", "tea", 3);
            Shop.commit(
                    database,
                    connection -> JdbcOutbox.of(catalog).write(connection, "order.placed", order.id(), order));
            relay.wake("orders");
            await().atMost(Shop.LONG)
                    .untilAsserted(() ->
                            assertThat(Shop.counts(database, catalog, "orders")).containsEntry(Status.CONSUMED, 1L));
        }
        assertThat(Shop.reserved(database)).isEqualTo(3);
    }
}
