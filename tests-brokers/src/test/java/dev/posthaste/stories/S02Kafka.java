package dev.posthaste.stories;

import dev.posthaste.Catalog;
import dev.posthaste.Route;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.kafka.KafkaBroker;
import dev.posthaste.kafka.KafkaSettings;
import dev.posthaste.relay.Relay;
import java.util.Map;
import javax.sql.DataSource;

/** Kafka: topic and group come from the route. Compiled, but not run. */
class S02Kafka {
    void run(DataSource database, Inbox stock) {
        Catalog catalog = Catalog.empty()
                .outbox(
                        "orders",
                        o -> o.types("order.placed")
                                .route(Route.topic("shop.orders").group("stock")));
        KafkaBroker kafka = KafkaBroker.of(KafkaSettings.of("localhost:9092")
                .client(Map.of("security.protocol", "SSL")) // Kafka's own property names
                .createTopics(12, 3)); // only if asked to
        kafka.subscribe(catalog.outbox("orders").route(), stock);
        Relay.builder(database, catalog, kafka).build().start();
    }
}
