package dev.posthaste.stories;

import static dev.posthaste.testkit.PosthasteAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Status;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.testkit.PosthasteExtension;
import dev.posthaste.testkit.WrittenEvent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An application's tests: the writer, the handler, and no sleeping. */
class S14OrdersTest {
    record Order(String id, String product, int amount) {}

    static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types("order.placed"));

    @RegisterExtension
    static final PosthasteExtension posthaste = PosthasteExtension.h2(CATALOG)
            .sql("create table orders (id varchar(36)); create table stock (product varchar(20), amount int)")
            .inbox(database -> Inbox.builder("stock", database)
                    .on("order.placed", Order.class, (order, c) -> reserve(c.connection(), order)));

    @Test
    void anOrderReservesStockOnce() throws Exception {
        placeOrder(posthaste.dataSource(), posthaste.outbox(), new Order("42", "tea", 3)); // the code under test
        WrittenEvent event = assertThat(posthaste)
                .wrote("order.placed")
                .withKey("42")
                .withStatus(Status.PENDING)
                .withPayload(Order.class, order -> assertThat(order.amount()).isEqualTo(3))
                .event();
        posthaste.deliverAll(); // relay and inboxes on this thread, until nothing more happens; see also advance()
        assertThat(posthaste).wrote("order.placed").withStatus(Status.PUBLISHED);
        posthaste.redeliver(event); // the same message again: the handler must not run
        assertThat(reserved(posthaste.dataSource(), "tea")).isEqualTo(3);
    }

    @Test
    void aHandlerAlone() throws Exception {
        posthaste.deliver(Event.of("order.placed", "7", new Order("7", "tea", 1))); // no outbox, no relay
        assertThat(reserved(posthaste.dataSource(), "tea")).isEqualTo(1);
    }

    private static void placeOrder(DataSource database, JdbcOutbox outbox, Order order) throws SQLException {
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            execute(connection, "insert into orders values (?)", order.id());
            outbox.write(connection, "order.placed", order.id(), order);
            connection.commit();
        }
    }

    private static void reserve(Connection connection, Order order) throws SQLException {
        execute(connection, "insert into stock values (?, ?)", order.product(), order.amount());
    }

    private static void execute(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.execute();
        }
    }

    private static int reserved(DataSource database, String product) throws SQLException {
        try (Connection connection = database.getConnection();
                PreparedStatement statement =
                        connection.prepareStatement("select sum(amount) from stock where product = ?")) {
            statement.setString(1, product);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getInt(1);
            }
        }
    }
}
