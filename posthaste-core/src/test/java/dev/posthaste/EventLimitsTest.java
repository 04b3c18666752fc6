package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.jdbc.TableLayout;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventLimitsTest {
    private static final OutboxDefinition ORDERS = OutboxDefinition.of("orders", Route.to("t"), "placed");

    /** A table of other programs with a column for everything; {@code more} is added to its description. */
    private static OutboxDefinition mapped(String... more) {
        Map<String, String> description = new HashMap<>();
        for (TableLayout.Column column : TableLayout.Column.values()) {
            description.put("column." + column.key(), "c_" + column.key().replace('-', '_'));
        }
        description.putAll(
                Map.of("table", "events", "status.pending", "0", "status.published", "1", "status.dead", "2"));
        for (int i = 0; i < more.length; i += 2) {
            description.put(more[i], more[i + 1]);
        }
        return ORDERS.inTable(TableLayout.of(description));
    }

    private static Event.Builder event() {
        return Event.builder("placed").payload("{}");
    }

    private static void assertRefused(OutboxDefinition outbox, Event event, String words) {
        assertThatThrownBy(() -> EventLimits.check(event, outbox))
                .isInstanceOf(InvalidEventException.class)
                .hasMessageContaining(words);
    }

    @Test
    void A01_lengthsAreCountedInCharactersAndInBytes() {
        assertThatCode(() ->
                        EventLimits.check(event().routingKey("漢".repeat(85)).build(), ORDERS))
                .doesNotThrowAnyException();
        assertRefused(ORDERS, event().routingKey("漢".repeat(86)).build(), "258 bytes in UTF-8; 255 are allowed");
        assertRefused(ORDERS, event().routingKey("x".repeat(256)).build(), "more than 255 characters");
        OutboxDefinition longIds = mapped("length.event-id", "200");
        assertThatCode(() -> EventLimits.check(event().id("x".repeat(200)).build(), longIds))
                .doesNotThrowAnyException();
        assertRefused(longIds, event().id("é".repeat(200)).build(), "its id has 400 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\uD83D", "a\uD83Db", "\uDE00", "\uDE00\uD83D", "\uD83D\uD83D\uDE00"})
    void A01_halfOfASurrogatePairIsNoCharacter(String text) {
        assertRefused(ORDERS, event().key(text).build(), "key has half of a surrogate pair");
        assertRefused(ORDERS, event().id(text).build(), "id has half of a surrogate pair");
    }

    @Test
    void A01_keysMayHaveAnythingElse() {
        for (String key : new String[] {" k ", "\t", "", "\uD83D\uDE00", "\n"}) {
            assertThatCode(() -> EventLimits.check(event().key(key).build(), ORDERS))
                    .doesNotThrowAnyException();
        }
        assertRefused(ORDERS, event().key("a\0b").build(), "NUL");
    }

    @Test
    void A01_whatTheRouteAddsToTheRowMustFitToo() {
        Event event = event().build();
        OutboxDefinition routed = mapped("length.destination", "5", "length.routing-key", "5")
                .withRoute(new Route("topic", "r.key", null));
        assertThatCode(() -> EventLimits.check(event, routed)).doesNotThrowAnyException();
        assertRefused(routed.withRoute(Route.to("topics")), event, "destination has more than 5 characters");
        assertRefused(
                routed.withRoute(new Route("topic", "r.keys", null)), event, "routing key has more than 5 characters");
        assertRefused(mapped("length.service", "5"), event, "outbox's name has more than 5 characters");
    }

    @Test
    void A01_headersAndPayloadMustFitTheirColumns() {
        OutboxSettings settings = OutboxSettings.defaults();
        TableLayout layout = mapped("length.payload", "1000").table();
        Event event = event().build();
        assertThatCode(() -> EventLimits.checkHeaderBytes(event, 65_535, settings, layout))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> EventLimits.checkHeaderBytes(event, 65_536, settings, layout))
                .hasMessageContainingAll("65536 bytes", "65535", "length.headers");
        assertThatThrownBy(() -> EventLimits.checkHeaderBytes(event, 100_001, settings, ORDERS.table()))
                .hasMessageContaining("maxHeaderBytes");
        assertThatThrownBy(() -> EventLimits.checkStoredPayload(event, 1_001, layout))
                .hasMessageContaining("length.payload");
        assertThatCode(() -> EventLimits.checkStoredPayload(event, 1_000_000, ORDERS.table()))
                .doesNotThrowAnyException();
    }

    @Test
    void A01_aDelayIsNeitherNegativeNorEndless() {
        assertRefused(ORDERS, event().delay(Duration.ofSeconds(-1)).build(), "delay");
        assertRefused(ORDERS, event().delay(Duration.ofSeconds(Long.MAX_VALUE)).build(), "0 to 100 years");
    }

    @Test
    void A01_namesOfTheConfigurationAreCountedInBytesToo() {
        assertThatCode(() -> Route.to("漢".repeat(85))).doesNotThrowAnyException();
        assertThatThrownBy(() -> Route.to("漢".repeat(86)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("258 bytes in UTF-8");
        assertThatThrownBy(() -> OutboxDefinition.of("orders", Route.to("t"), "漢".repeat(86)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a usable event type");
    }
}
