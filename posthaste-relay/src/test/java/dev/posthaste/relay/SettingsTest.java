package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.LocalBroker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import javax.sql.DataSource;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Settings with which no relay could work are refused when they are set. */
class SettingsTest {
    private static final Duration TOO_LONG = Duration.ofDays(999_999_999_999L);

    private final Relay.Builder relay = Relay.builder(noDatabase(), Catalog.empty(), LocalBroker.to());

    private static DataSource noDatabase() {
        return (DataSource) Proxy.newProxyInstance(
                DataSource.class.getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, arguments) -> {
                    throw new AssertionError(method.getName());
                });
    }

    private static AbstractThrowableAssert<?, ?> refused(ThrowingCallable call) {
        return assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void C10_timesThatCannotBeCountedAreRefused() {
        OutboxDefinition outbox = OutboxDefinition.named("orders");
        refused(() -> relay.lease(TOO_LONG)).hasMessageContaining("lease").hasMessageContaining("100 years");
        refused(() -> relay.stopTimeout(TOO_LONG)).hasMessageContaining("stopTimeout");
        refused(() -> relay.stopTimeout(Duration.ofSeconds(-1)));
        refused(() -> relay.publishTimeout(Duration.ZERO)).hasMessageContaining("at least 1 ms");
        refused(() -> relay.pollCeiling(Duration.ofMillis(4))).hasMessageContaining("at least 5 ms");
        refused(() -> outbox.keep(TOO_LONG));
        refused(() -> outbox.consumedWithin(TOO_LONG));
        refused(() -> outbox.lagLimit(TOO_LONG));
    }

    @Test
    void numbersOutOfTheirBoundsAreRefused() {
        refused(() -> relay.batch(0)).hasMessage("batch must be at least 1 and at most 100000, not 0");
        refused(() -> relay.batch(100_001)).hasMessageContaining("at most 100000");
        refused(() -> relay.window(1_000_001)).hasMessageContaining("at most 1000000");
        refused(() -> relay.windowBytes(0)).hasMessage("windowBytes must be at least 1, not 0");
        refused(() -> relay.waitingKeys(Integer.MAX_VALUE)).hasMessageContaining("waitingKeys");
    }

    @Test
    void whatDoesNotFitTogetherIsRefusedBeforeTheDatabaseIsAsked() {
        refused(() -> relay.lease(Duration.ofSeconds(10)).build())
                .hasMessageContaining("A lease of 10 s leaves no room for publishes of up to 7 s");
        refused(() -> relay.lease(Duration.ofSeconds(15)).batch(100).window(99).build())
                .hasMessageContaining("window must be at least as large as batch");
    }
}
