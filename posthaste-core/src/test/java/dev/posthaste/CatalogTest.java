package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CatalogTest {
    @Test
    void aServicesNameGivesTheRest() {
        OutboxDefinition outbox = Catalog.forServices("smartflow")
                .outbox("active-scheduler", o -> o.types("job.due"))
                .outboxOf("job.due");
        assertThat(outbox.name()).isEqualTo("active-scheduler");
        assertThat(outbox.table()).isEqualTo("active_scheduler_outbox_messages");
        assertThat(outbox.route())
                .isEqualTo(Route.topic("smartflow.active-scheduler.outbox")
                        .group("smartflow-active-scheduler-outbox-consumer"));
    }

    @Test
    void eachOfThemMayBeOverridden() {
        OutboxDefinition outbox = Catalog.forServices("acme")
                .outbox("agent", o -> o.types("a").table("agent_events"))
                .outbox("agent", o -> o.route(Route.topic("topic").group("group")))
                .all(o -> o.tracked(true))
                .outbox("agent");
        assertThat(outbox.table()).isEqualTo("agent_events");
        assertThat(outbox.route()).isEqualTo(Route.topic("topic").group("group"));
        assertThat(outbox.tracked()).isTrue();
        assertThat(outbox.types()).containsExactly("a");
    }

    @Test
    void aCatalogIsNotChangedByWhatIsAddedToACopyOfIt() {
        Catalog one = Catalog.empty().outbox("a", o -> o.types("x"));
        Catalog two = one.outbox("b", o -> o.types("y")).all(o -> o.maxPerSecond(5));
        assertThat(one.outboxes()).extracting(OutboxDefinition::name).containsExactly("a");
        assertThat(one.outbox("a").maxPerSecond()).isZero();
        assertThat(two.outboxes()).extracting(OutboxDefinition::name).containsExactly("a", "b");
    }

    @Test
    void aTypeBelongsToOneOutboxAndMayBeNamedTwice() {
        Catalog catalog = Catalog.empty().outbox("agent", o -> o.types("a", "b", "a"));
        assertThat(catalog.outbox("agent").types()).containsExactlyInAnyOrder("a", "b");
        assertThatThrownBy(() -> catalog.outbox("task", o -> o.types("b")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("agent", "task", "b");
        assertThatThrownBy(() -> catalog.outboxOf("c"))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContaining("c");
    }

    @Test
    void twoOutboxesCannotShareATable() {
        Catalog one = Catalog.forServices("acme").outbox("a-b", o -> o.types("x"));
        assertThatThrownBy(() -> one.outbox("a_b", o -> o.types("y")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("share the table");
    }

    @OutboxEvent(value = "order.placed", version = "v3")
    record OrderPlaced(@EventKey @Nullable String orderId, int amount) {}

    /** A bean whose key is the result of a method. */
    @OutboxEvent("order.cancelled")
    static class OrderCancelled {
        @EventKey
        public int number() {
            return 42;
        }
    }

    @Test
    void anAnnotatedClassNamesItsTypeAndKey() {
        Catalog catalog = Catalog.empty().outbox("orders", o -> o.types(OrderPlaced.class, OrderCancelled.class));
        OrderPlaced placed = new OrderPlaced("o-1", 3);
        Event event = Event.of(placed);
        assertThat(catalog.outboxOf(event.type()).name()).isEqualTo("orders");
        assertThat(event.type()).isEqualTo("order.placed");
        assertThat(event.version()).isEqualTo("v3");
        assertThat(event.key()).isEqualTo("o-1");
        assertThat(event.payload()).isSameAs(placed);
        assertThat(Event.of(new OrderCancelled() {}).key()).isEqualTo("42");
        assertThat(Event.of(new OrderPlaced(null, 1)).key()).isNull();
    }

    /** What several events have in common. */
    interface OfAnOrder {
        @EventKey
        String orderId();
    }

    @OutboxEvent("order.paid")
    record OrderPaid(String orderId) implements OfAnOrder {}

    @Test
    void aKeyMayBeAnInterfaces() {
        assertThat(Event.of(new OrderPaid("o-7")).key()).isEqualTo("o-7");
    }

    @OutboxEvent("x")
    record TwoKeys(@EventKey String one, @EventKey String two) {}

    @OutboxEvent("x")
    record KeyWithParameter(String one) {
        @EventKey
        String of(String other) {
            return one + other;
        }
    }

    @Test
    void whatIsWrongWithAnAnnotatedClassIsSaid() {
        assertThatThrownBy(() -> Event.of(new TwoKeys("a", "b"))).hasMessageContainingAll("TwoKeys", "one", "two");
        assertThatThrownBy(() -> Event.of(new KeyWithParameter("a"))).hasMessageContaining("no parameters");
        assertThatThrownBy(() -> Catalog.empty().outbox("o", o -> o.types(String.class)))
                .hasMessageContainingAll("java.lang.String", "@OutboxEvent");
    }
}
