package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.internal.jdbc.EventTable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventLimitsTest {
    private static final OutboxDefinition ORDERS =
            OutboxDefinition.named("orders").route(Route.to("t")).types("placed");

    /** Another program's table with a column for everything; {@code more} is added to its layout. */
    private static OutboxDefinition mapped(String... more) {
        Map<String, String> description = new HashMap<>();
        for (EventTable.Column column : EventTable.Column.values()) {
            description.put("column." + column.key(), "c_" + column.key().replace('-', '_'));
        }
        description.putAll(
                Map.of("table", "events", "status.pending", "0", "status.published", "1", "status.dead", "2"));
        for (int i = 0; i < more.length; i += 2) {
            description.put(more[i], more[i + 1]);
        }
        return ORDERS.table("events").layout(TableLayout.mapped(EventTable.text(description)));
    }

    private static Event event() {
        return event("k");
    }

    private static Event event(String key) {
        return Event.of("placed", key, "{}");
    }

    private static void assertRefused(OutboxDefinition outbox, Event event, String words) {
        assertThatThrownBy(() -> EventLimits.check(event, outbox))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContaining(words);
    }

    @Test
    void A01_lengthsAreCountedInCharactersAndInBytes() {
        assertThatCode(() -> EventLimits.check(event().routingKey("漢".repeat(85)), ORDERS))
                .doesNotThrowAnyException();
        assertRefused(ORDERS, event().routingKey("漢".repeat(86)), "258 bytes in UTF-8; 255 are allowed");
        assertRefused(ORDERS, event().routingKey("x".repeat(256)), "more than 255 characters");
        OutboxDefinition longIds = mapped("length.event-id", "200");
        assertThatCode(() -> EventLimits.check(event().id("x".repeat(200)), longIds))
                .doesNotThrowAnyException();
        assertRefused(longIds, event().id("é".repeat(200)), "its id has 400 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\uD83D", "a\uD83Db", "\uDE00", "\uDE00\uD83D", "\uD83D\uD83D\uDE00"})
    void A01_halfOfASurrogatePairIsNoCharacter(String text) {
        assertRefused(ORDERS, event(text), "key has half of a surrogate pair");
        assertRefused(ORDERS, event().id(text), "id has half of a surrogate pair");
    }

    @Test
    void A01_keysMayHaveAnythingElse() {
        for (String key : new String[] {" k ", "\t", "", "\uD83D\uDE00", "\n"}) {
            assertThatCode(() -> EventLimits.check(event(key), ORDERS)).doesNotThrowAnyException();
        }
        assertRefused(ORDERS, event("a\0b"), "NUL");
    }

    @Test
    void A01_whatTheRouteAddsToTheRowMustFitToo() {
        Event event = event();
        OutboxDefinition routed = mapped("length.destination", "5", "length.routing-key", "5")
                .route(Route.to("topic").routingKey("r.key"));
        assertThatCode(() -> EventLimits.check(event, routed)).doesNotThrowAnyException();
        assertRefused(routed.route(Route.to("topics")), event, "destination has more than 5 characters");
        assertRefused(
                routed.route(Route.to("topic").routingKey("r.keys")), event, "routing key has more than 5 characters");
        assertRefused(mapped("length.service", "5"), event, "outbox's name has more than 5 characters");
    }

    @Test
    void A01_headersAndPayloadMustFitTheirColumns() {
        EventTable layout = EventTable.of(mapped("length.payload", "1000"));
        Event event = event();
        assertThatCode(() -> EventLimits.checkHeaderBytes(event, 65_535, 100_000, layout))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> EventLimits.checkHeaderBytes(event, 65_536, 100_000, layout))
                .hasMessageContainingAll("65536 bytes", "65535", "length.headers");
        assertThatThrownBy(() -> EventLimits.checkHeaderBytes(event, 100_001, 100_000, EventTable.of(ORDERS)))
                .hasMessageContaining("maxHeaderBytes");
        assertThatThrownBy(() -> EventLimits.checkStoredPayload(event, 1_001, layout))
                .hasMessageContaining("length.payload");
        assertThatCode(() -> EventLimits.checkStoredPayload(event, 1_000_000, EventTable.of(ORDERS)))
                .doesNotThrowAnyException();
    }

    @Test
    void A01_aDelayIsNeitherNegativeNorEndless() {
        assertRefused(ORDERS, event().delay(Duration.ofSeconds(-1)), "delay");
        assertRefused(ORDERS, event().delay(Duration.ofSeconds(Long.MAX_VALUE)), "0 to 100 years");
    }

    @Test
    void A01_namesOfTheConfigurationAreCountedInBytesToo() {
        assertThatCode(() -> Route.to("漢".repeat(85))).doesNotThrowAnyException();
        assertThatThrownBy(() -> Route.to("漢".repeat(86)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("258 bytes in UTF-8");
        assertThatThrownBy(() -> Catalog.empty().outbox("orders", o -> o.types("漢".repeat(86))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a usable event type");
    }

    @Test
    void D01_anIdThatNoConsumerTakesIsRefusedAtTheWrite() {
        for (String id : List.of("a\u0001b", "a\tb", "a\u007fb", "a\u0085b")) {
            assertRefused(ORDERS, event().id(id), "its id contains control characters");
        }
    }
}
