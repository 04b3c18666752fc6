package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.Receipts;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Values are equal if all they say is, and say what they are. */
class ValuesTest {
    private static <T> void assertEqual(T one, T other) {
        assertThat(one).isEqualTo(other).hasSameHashCodeAs(other).isNotEqualTo("another type");
    }

    /** Each change makes another value, and the same change the same one. */
    private static <T> void assertThatEachMatters(T value, List<UnaryOperator<T>> changes) {
        for (int i = 0; i < changes.size(); i++) {
            UnaryOperator<T> change = changes.get(i);
            assertThat(change.apply(value)).as("change %d", i).isNotEqualTo(value);
            assertEqual(change.apply(value), change.apply(value));
        }
    }

    private static Event event() {
        return Event.of("image.stored", "7", new byte[] {1, 2}).id("e-1");
    }

    @Test
    void events() {
        assertEqual(event(), event());
        assertThatEachMatters(
                event(),
                List.of(
                        each -> each.id("e-2"),
                        each -> each.version("v2"),
                        each -> each.header("tenant", "acme"),
                        each -> each.delay(Duration.ofSeconds(1)),
                        each -> each.attempts(3),
                        each -> each.destination("other"),
                        each -> each.routingKey("key")));
        assertThat(event())
                .isNotEqualTo(Event.of("image.lost", "7", new byte[] {1, 2}).id("e-1"));
        assertThat(event())
                .isNotEqualTo(Event.of("image.stored", null, new byte[] {1, 2}).id("e-1"));
        assertThat(event())
                .isNotEqualTo(Event.of("image.stored", "7", new byte[] {1, 3}).id("e-1"));
        assertThat(event()).isNotEqualTo(Event.of("image.stored", "7", "text").id("e-1"));
        assertEqual(
                Event.of("t", "k", "text").id("e-1"), Event.of("t", "k", "text").id("e-1"));
        assertThat(Event.of("t", "k", "text")).isNotEqualTo(Event.of("t", "k", "text"));
    }

    @Test
    void definitions() {
        assertEqual(
                OutboxDefinition.named("orders").types("a", "b"),
                OutboxDefinition.named("orders").types("b", "a"));
        assertThat(OutboxDefinition.named("orders")).isNotEqualTo(OutboxDefinition.named("images"));
        assertThatEachMatters(
                OutboxDefinition.named("orders"),
                List.of(
                        each -> each.types("order.placed"),
                        each -> each.table("orders_outbox"),
                        each -> each.layout(TableLayout.debezium()),
                        each -> each.route(Route.topic("shop.orders")),
                        each -> each.allowedDestinations("shop.express"),
                        each -> each.format(MessageFormat.cloudEvents("/shop")),
                        each -> each.format(MessageFormat.cloudEventsStructured("/shop")),
                        each -> each.tracked(true),
                        each -> each.retry(RetryPolicy.quadratic()),
                        each -> each.afterDead(AfterDead.BLOCK),
                        each -> each.maxPerSecond(5),
                        each -> each.keep(Duration.ofDays(1)),
                        each -> each.deleteDead(true),
                        each -> each.consumedWithin(Duration.ofHours(1)),
                        each -> each.republishUnconsumed(true),
                        each -> each.lagLimit(Duration.ofHours(1))));
        assertThat(OutboxDefinition.named("orders")).hasToString("orders in table orders_outbox to orders");
        assertThat(OutboxDefinition.named("x".repeat(60)).toString()).endsWith(" to " + "x".repeat(60));
    }

    @Test
    void catalogs() {
        Catalog orders = Catalog.empty().outbox("orders", o -> o.types("order.placed"));
        Catalog both = orders.outbox("images", o -> o.types("image.stored"));
        assertEqual(
                both,
                Catalog.empty()
                        .outbox("images", o -> o.types("image.stored"))
                        .outbox("orders", o -> o.types("order.placed")));
        assertThat(both).isNotEqualTo(orders).isNotEqualTo(both.all(o -> o.tracked(true)));
        assertThat(Catalog.empty()).isNotEqualTo(Catalog.forServices("acme"));
        assertEqual(Catalog.forServices("acme"), Catalog.forServices("acme"));
        assertThat(orders).hasToString("Catalog[orders in table orders_outbox to orders]");
    }

    @Test
    void routes() {
        assertThatEachMatters(
                Route.to("shop"), List.of(each -> each.routingKey("orders"), each -> each.group("stock")));
        assertEqual(Route.topic("shop").group("stock"), Route.exchange("shop").queue("stock"));
        assertThat(Route.to("shop")).isNotEqualTo(Route.to("bank"));
    }

    @Test
    void retryPolicies() {
        assertThatEachMatters(
                RetryPolicy.exponential(),
                List.of(
                        each -> each.attempts(3),
                        each -> each.jitter(0.5),
                        each -> each.named("slow"),
                        RetryPolicy::forever,
                        each -> RetryPolicy.exponential(Duration.ofSeconds(1), each.ceiling()),
                        each -> RetryPolicy.exponential(each.base(), Duration.ofHours(1)),
                        each -> RetryPolicy.quadratic(each.base(), each.ceiling())
                                .attempts(each.attempts())
                                .jitter(each.jitter())
                                .named(each.name())));
    }

    @Test
    void layouts() {
        String described = """
                table = orders
                column.id = id
                column.type = type
                column.payload = payload
                column.status = status
                column.attempts = attempts
                column.next-attempt-at = due_at
                status.pending = 0
                status.published = 1
                status.dead = 2
                """;
        assertEqual(TableLayout.mapped(described), TableLayout.mapped("# the same\n" + described));
        assertThat(TableLayout.mapped(described))
                .isNotEqualTo(TableLayout.mapped(described.replace("due_at", "next_at")))
                .isNotEqualTo(TableLayout.mapped(described + "length.type = 20\n"))
                .isNotEqualTo(TableLayout.mapped(described + "zone = session\n"));
        assertThat(TableLayout.standard())
                .isNotEqualTo(TableLayout.debezium())
                .isNotEqualTo(TableLayout.standard().binaryPayload(true));
        assertEqual(TableLayout.standard(), TableLayout.standard().binaryPayload(false));
    }

    @Test
    void servicesSayWhatTheyAreFor() {
        Catalog catalog =
                Catalog.empty().outbox("orders", o -> o.types("order.placed").tracked(true));
        assertThat(JdbcOutbox.of(catalog)).hasToString("JdbcOutbox[orders]");
        assertThat(Receipts.none()).hasToString("no receipts");
        assertThat(Receipts.inDatabase(catalog)).hasToString("receipts in the database of outboxes [orders]");
    }
}
