package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Status;
import dev.posthaste.stories.Shop.Order;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Inside plain JDBC: the transaction is a parameter. */
class S05InsideTest {
    private static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types("order.placed"));

    void jdbc(Connection connection, JdbcOutbox outbox, List<Order> orders) throws SQLException {
        outbox.write(
                connection,
                orders.stream().map(o -> Event.of("order.placed", o.id(), o)).toList()); // one batch
    }

    @Test
    void aBatchIsWrittenInTheCallersTransaction() throws Exception {
        DataSource database = Shop.database(CATALOG);
        List<Order> orders = List.of(new Order("42", "tea", 3), new Order("43", "coffee", 1));
        Shop.commit(database, connection -> jdbc(connection, JdbcOutbox.of(CATALOG), orders));
        assertThat(Shop.counts(database, CATALOG, "orders")).containsEntry(Status.PENDING, 2L);
    }
}
