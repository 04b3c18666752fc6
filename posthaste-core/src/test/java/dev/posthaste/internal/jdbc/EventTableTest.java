package dev.posthaste.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventTableTest {
    private static Map<String, String> least() {
        return new HashMap<>(Map.ofEntries(
                Map.entry("table", "events"),
                Map.entry("column.id", "id"),
                Map.entry("column.type", "kind"),
                Map.entry("column.payload", "body"),
                Map.entry("column.status", "state"),
                Map.entry("column.attempts", "tries"),
                Map.entry("column.next-attempt-at", "due"),
                Map.entry("status.pending", "0"),
                Map.entry("status.published", "1"),
                Map.entry("status.dead", "2")));
    }

    private static Map<String, String> with(String key, String value) {
        Map<String, String> description = least();
        description.put(key, value);
        return description;
    }

    @Test
    void theLeastThatARelayNeedsIsEnough() {
        EventTable layout = EventTable.of(least());
        assertThat(layout.table()).isEqualTo("events");
        assertThat(layout.column(Column.TYPE)).isEqualTo("kind");
        assertThat(layout.has(Column.KEY)).isFalse();
        assertThat(layout.canBeTracked()).isFalse();
        assertThat(layout.literal(Status.DEAD)).isEqualTo("2");
        assertThat(layout.status("1")).isEqualTo(Status.PUBLISHED);
        assertThat(layout.status("7")).as("another program's").isNull();
    }

    @Test
    void eachThingThatIsMissingIsNamed() {
        for (String key : least().keySet()) {
            Map<String, String> description = least();
            description.remove(key);
            if (key.equals("table")) {
                assertThat(EventTable.of(description).at("events").table()).isEqualTo("events");
                continue;
            }
            assertThatThrownBy(() -> EventTable.of(description))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(key);
        }
    }

    @Test
    void allThatIsWrongIsSaidAtOnce() {
        assertThatThrownBy(() -> TableLayout.mapped("""
                        column.id     = id
                        column.colour = red
                        status.dead   = '2'
                        zone          = Mars
                        """))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("colour", "status.dead", "zone", "column.next-attempt-at", "status.pending");
    }

    @Test
    void aTableThatTheDescriptionNamesIsTheDefinitions() {
        TableLayout layout = TableLayout.mapped(EventTable.text(least()));
        assertThatThrownBy(() -> Catalog.empty().outbox("o", o -> o.types("x").layout(layout)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("events", "o_outbox");
        assertThat(Catalog.empty()
                        .outbox("o", o -> o.types("x").layout(layout).table("events"))
                        .outbox("o")
                        .table())
                .isEqualTo("events");
    }

    @Test
    void layoutsThatSayTheSameAreEqual() {
        assertThat(TableLayout.mapped(EventTable.text(least())))
                .isEqualTo(TableLayout.mapped(EventTable.text(least())));
        assertThat(TableLayout.mapped(EventTable.text(with("length.type", "9"))))
                .isNotEqualTo(TableLayout.mapped(EventTable.text(least())));
        assertThat(TableLayout.standard().binaryPayload(true))
                .isNotEqualTo(TableLayout.standard())
                .isEqualTo(TableLayout.standard().binaryPayload(true));
        assertThat(TableLayout.standard().binaryPayload(true).binaryPayload(false))
                .isEqualTo(TableLayout.standard());
    }

    @ParameterizedTest
    @CsvSource({
        "column.colour, red",
        "status.lost, 9",
        "payload, xml",
        "due, tomorrow",
        "zone, Mars",
        "zone, \"'; drop table events; --\"",
        "length.type, many",
        "column.key, \"a b\"",
        "column.key, \"k`; drop table events; --\"",
        "column.key, kind",
        "status.consumed, 1",
        "status.dead, \"'2'\""
    })
    void H46_whatCannotBeUsedIsRefused(String key, String value) {
        assertThatThrownBy(() -> EventTable.of(with(key, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("events");
    }

    @Test
    void withoutACodeForConsumedAnOutboxCannotBeTracked() {
        OutboxDefinition outbox = OutboxDefinition.named("o")
                .route(Route.to("t"))
                .types("x")
                .table("events")
                .layout(TableLayout.mapped(EventTable.text(least())));
        assertThatThrownBy(() -> Catalog.of(outbox.tracked(true)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("consumed");
    }

    @Test
    void aPrefixHoldsTheRouteToo() {
        assertThatThrownBy(() -> Catalog.of(OutboxDefinition.named("orders")
                        .types("x")
                        .table("outbox")
                        .layout(TableLayout.debezium())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("outbox.event.");
    }
}
