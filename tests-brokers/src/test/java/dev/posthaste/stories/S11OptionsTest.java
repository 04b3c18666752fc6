package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import dev.posthaste.stories.Shop.Order;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Events that are delayed, idempotent, with headers, their own destination, or bytes. */
class S11OptionsTest {
    private final Catalog catalog = Catalog.empty()
            .outbox(
                    "orders",
                    o -> o.types("payment.due")
                            .route(Route.topic("shop.orders"))
                            .allowedDestinations("shop.express"))
            .outbox(
                    "images",
                    o -> o.types("image.stored").layout(TableLayout.standard().binaryPayload(true)));

    void write(Connection connection, JdbcOutbox outbox, Order order, byte[] image) throws SQLException {
        Event due = Event.of("payment.due", order.id(), order)
                .id("payment-due-" + order.id()) // its identity, everywhere and forever
                .delay(Duration.ofHours(24)) // later events of its key wait with it
                .header("tenant", "acme")
                .destination("shop.express");
        if (outbox.writeIfAbsent(connection, due)) { // write() throws DuplicateEventException instead
            outbox.write(connection, "image.stored", null, image); // no key: no order required
        }
    }

    @Test
    void anIdIsWrittenOnce() throws Exception {
        DataSource database = Shop.database(catalog);
        JdbcOutbox outbox = JdbcOutbox.of(catalog);
        for (int i = 0; i < 2; i++) {
            Shop.commit(
                    database,
                    connection -> write(connection, outbox, new Order("42", "tea", 3), new byte[] {(byte) 0xFF, 0x00}));
        }
        assertThat(Shop.counts(database, catalog, "orders")).containsEntry(Status.PENDING, 1L);
        assertThat(Shop.counts(database, catalog, "images")).containsEntry(Status.PENDING, 1L);
    }
}
