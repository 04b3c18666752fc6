package dev.posthaste.stories;

import static dev.posthaste.stories.Shop.reserve;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.PayloadInfo;
import dev.posthaste.PayloadSerializer;
import dev.posthaste.Status;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.jackson.JacksonSerializer;
import dev.posthaste.relay.Relay;
import dev.posthaste.stories.Shop.Order;
import java.nio.charset.StandardCharsets;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** A custom serializer; a Jackson 3 that is configured elsewhere; or whichever Jackson is present. */
class S12SerializerTest {
    private static final Catalog CATALOG = Catalog.empty().outbox("orders", o -> o.types("order.placed"));

    /** Orders as {@code id,product,amount}. */
    static final class Csv implements PayloadSerializer {
        @Override
        public byte[] write(Object payload, PayloadInfo info) { // thrown: InvalidEventException, before any SQL
            Order order = (Order) payload;
            String line = order.id() + "," + order.product() + "," + order.amount();
            return line.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public <T> T read(byte[] bytes, Class<T> type, PayloadInfo info) { // thrown: dead letter, no retry
            String[] line = new String(bytes, StandardCharsets.UTF_8).split(",");
            return type.cast(new Order(line[0], line[1], Integer.parseInt(line[2])));
        }

        @Override
        public String contentType() { // travels as header content-type
            return "text/csv";
        }
    }

    /** Compiled, but not run. */
    void jackson(Catalog catalog, JsonMapper three) {
        JdbcOutbox found = JdbcOutbox.of(catalog); // Jackson 3 or 2; with neither, bytes and text work
        JdbcOutbox jackson3 = found.serializer(JacksonSerializer.of(three));
        throw new UnsupportedOperationException(jackson3.toString());
    }

    @Test
    void bothSidesUseTheSameSerializer() throws Exception {
        DataSource database = Shop.database(CATALOG);
        JdbcOutbox outbox = JdbcOutbox.of(CATALOG).serializer(new Csv());
        try (Inbox stock = Inbox.builder("stock", database)
                        .serializer(new Csv())
                        .on("order.placed", Order.class, (order, context) -> {
                            assertThat(context.headers()).containsEntry("content-type", "text/csv");
                            reserve(context.connection(), order);
                        })
                        .build();
                LocalBroker broker = LocalBroker.to(stock);
                Relay relay = Relay.builder(database, CATALOG, broker).build().start()) {
            Shop.commit(
                    database, connection -> outbox.write(connection, "order.placed", "42", new Order("42", "tea", 3)));
            relay.wake("orders");
            await().atMost(Shop.LONG)
                    .untilAsserted(() ->
                            assertThat(Shop.counts(database, CATALOG, "orders")).containsEntry(Status.PUBLISHED, 1L));
        }
        assertThat(Shop.reserved(database)).isEqualTo(3);
    }
}
