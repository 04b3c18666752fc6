package dev.posthaste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "orders; drop table orders",
                "orders--",
                "or\"ders",
                "or`ders",
                "or'ders",
                "a.b.c",
                "1orders",
                "orders\n",
                "orders\0",
                "örders",
                "a b",
                "[orders]",
                "orders/*x*/"
            })
    void H46_aHostileTableNameIsRefusedAndShownHarmlessly(String name) {
        assertThatThrownBy(() -> OutboxDefinition.named("o")
                        .table(name)
                        .layout(TableLayout.debezium())
                        .table())
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n", "\0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"orders", "_orders2", "shop.orders"})
    void ordinaryTableNamesAreTaken(String name) {
        assertThat(OutboxDefinition.named("o")
                        .table(name)
                        .layout(TableLayout.debezium())
                        .table())
                .isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " leading", "a\nb", "a\0b", "a'b", "a\"b", "a;b", "a\u202eb"})
    void H46_aHostileDestinationIsRefused(String name) {
        assertThatThrownBy(() -> Route.to(name)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Route.to("ok").routingKey(name)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> OutboxDefinition.named("o")
                        .route(Route.to("ok"))
                        .types("t")
                        .allowedDestinations(name))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "-a", "a/b", "a'b"})
    void H46_aHostileOutboxNameIsRefused(String name) {
        assertThatThrownBy(
                        () -> OutboxDefinition.named(name).route(Route.to("ok")).types("t"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
