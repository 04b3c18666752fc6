package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelaySettings;
import java.lang.reflect.Proxy;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DestinationsTest {
    private static Destinations destinations(OutboxDefinition outbox, int window) {
        OutboxStore never = (OutboxStore) Proxy.newProxyInstance(
                OutboxStore.class.getClassLoader(), new Class<?>[] {OutboxStore.class}, (proxy, method, arguments) -> {
                    throw new AssertionError(method.getName());
                });
        return new Destinations(new OutboxRuntime(
                outbox,
                never,
                null,
                LocalBroker.to(),
                RelaySettings.defaults().withWindow(1, window, 1 << 20),
                EngineListener.NONE,
                Runnable::run,
                () -> 0,
                new Random(1)));
    }

    /** One key with a long backlog filled a window of 64 for as long as its destination was unavailable. */
    @ParameterizedTest
    @ValueSource(ints = {64, 100, 1_000, 4_000, 100_000})
    void C28_theLanesOfADestinationThatIsAwayLeaveHalfOfTheWindowToOthers(int window) {
        OutboxDefinition one = OutboxDefinition.named("orders").types("order.placed");
        assertThat(destinations(one, window).maxPerLane()).isEqualTo(Lane.MAX_EVENTS);
        int most = destinations(one.allowedDestinations("elsewhere"), window).maxPerLane();
        assertThat(most).isBetween(2, Lane.MAX_EVENTS);
        assertThat(16 * most).isLessThanOrEqualTo(window / 2);
    }
}
