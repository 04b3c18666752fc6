package dev.posthaste.stories;

import static dev.posthaste.stories.Shop.reserve;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.kafka.KafkaMessages;
import dev.posthaste.stories.Shop.Order;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** An inbox in another framework's listener. */
class S07OnceTest {
    /** A framework's listener; the inbox was built with the framework's transactions. Compiled, but not run. */
    void on(ConsumerRecord<String, String> record, Inbox inbox) {
        inbox.once(
                KafkaMessages.eventId(record),
                () -> bill(record.value())); // Posthaste's, CloudEvents' or Debezium's id
    }

    private void bill(String order) {
        throw new UnsupportedOperationException(order);
    }

    boolean plainJdbc(Inbox inbox, Connection connection, String requestId, Order order) throws SQLException {
        return inbox.once(connection, requestId, () -> reserve(connection, order)); // false: it was handled before
    }

    @Test
    void aRequestThatComesTwiceIsWorkedOnOnce() throws Exception {
        DataSource database = Shop.database(Catalog.empty());
        List<Boolean> worked = new ArrayList<>();
        try (Inbox inbox = Inbox.builder("billing", database).build()) {
            for (int i = 0; i < 2; i++) {
                Shop.commit(
                        database,
                        connection -> worked.add(plainJdbc(inbox, connection, "request-1", new Order("42", "tea", 3))));
            }
        }
        assertThat(worked).containsExactly(true, false);
        assertThat(Shop.reserved(database)).isEqualTo(3);
    }
}
