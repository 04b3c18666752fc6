package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.OutboxDefinition;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Settings that no relay could work by are refused when they are made. */
class SettingsTest {
    private static final Duration TOO_LONG = Duration.ofDays(999_999_999_999L);

    @Test
    void C10_timesThatCannotBeCountedAreRefused() {
        RelaySettings settings = RelaySettings.defaults();
        OutboxDefinition outbox = OutboxDefinition.named("orders");
        assertThatThrownBy(() -> settings.withLease(TOO_LONG, Duration.ofSeconds(5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("100 years");
        assertThatThrownBy(() -> settings.withStopTimeout(TOO_LONG)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings.withStopTimeout(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings.withLease(Duration.ofSeconds(15), Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least 1 ms");
        assertThatThrownBy(() -> outbox.keep(TOO_LONG)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> outbox.consumedWithin(TOO_LONG)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> outbox.lagLimit(TOO_LONG)).isInstanceOf(IllegalArgumentException.class);
    }
}
