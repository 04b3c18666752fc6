package dev.posthaste.stories;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.Replay;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Operating from code: every change says who and why; bulk changes say how many they expect. */
class S13OperateTest {
    private static final Catalog CATALOG = Catalog.empty()
            .outbox(
                    "orders",
                    o -> o.types("order.placed")
                            .route(Route.topic("shop.orders"))
                            .allowedDestinations("shop.orders-replayed"));

    void repair(DataSource database, Catalog catalog, Broker broker) throws InterruptedException {
        OutboxAdmin orders = Admin.of(database, catalog).outbox("orders");
        orders.pause(Change.by("ada", "the exchange is being moved"));
        EventFilter unroutable = EventFilter.status(Status.DEAD).error("NO_ROUTE");
        DryRun dead = orders.dryRun(unroutable);
        orders.requeue(
                unroutable,
                Change.by("ada", "the exchange is back").expecting(dead.events())); // else UnexpectedCountException
        orders.resume(Change.by("ada", "the exchange is back"));
        Replay replay = Replay.of(
                        orders,
                        EventFilter.status(Status.PUBLISHED)
                                .type("order.placed")
                                .from(Instant.now().minus(Duration.ofHours(2))),
                        broker)
                .destination("shop.orders-replayed")
                .maxPerSecond(500);
        DryRun what = replay.dryRun();
        try (Replay.Run run =
                replay.start(Change.by("ada", "stock lost two hours").expecting(what.events()))) {
            System.out.println(run.await().sent() + " sent, " + run.failed() + " failed");
        }
    }

    @Test
    void deadEventsAreRequeuedAndPublishedOnesReplayed() throws Exception {
        DataSource database = Shop.database(CATALOG);
        RecordingBroker broker = new RecordingBroker()
                .answering(message -> "b".equals(message.key())
                        ? Outcome.rejected("NO_ROUTE").permanent(true)
                        : Outcome.acknowledged());
        try (Relay relay = Relay.builder(database, CATALOG, broker).build().start()) {
            Shop.commit(
                    database,
                    connection -> JdbcOutbox.of(CATALOG)
                            .write(
                                    connection,
                                    List.of(Event.of("order.placed", "a", "{}"), Event.of("order.placed", "b", "{}"))));
            relay.wake("orders");
            await().atMost(Shop.LONG)
                    .untilAsserted(() -> assertThat(Shop.counts(database, CATALOG, "orders"))
                            .containsAllEntriesOf(Map.of(Status.PUBLISHED, 1L, Status.DEAD, 1L)));
        }

        broker.answering(message -> Outcome.acknowledged()).forget();
        repair(database, CATALOG, broker);

        assertThat(Shop.counts(database, CATALOG, "orders"))
                .containsAllEntriesOf(Map.of(Status.PUBLISHED, 1L, Status.PENDING, 1L));
        assertThat(broker.arrived()).extracting(Message::destination).containsExactly("shop.orders-replayed");
    }
}
