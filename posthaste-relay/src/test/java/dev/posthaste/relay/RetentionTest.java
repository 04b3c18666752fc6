package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.Retention;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RetentionTest {
    private final List<Object> startedAfter = new ArrayList<>();

    /** A store that can only delete, and finds nothing. */
    private OutboxStore store() {
        return (OutboxStore) Proxy.newProxyInstance(
                OutboxStore.class.getClassLoader(), new Class<?>[] {OutboxStore.class}, (proxy, method, arguments) -> {
                    startedAfter.add(arguments[1]);
                    return new OutboxStore.Forgotten(0, 0, false);
                });
    }

    @Test
    void C12_rowsBelowOneAreForgottenToo() {
        OutboxDefinition outbox =
                OutboxDefinition.named("orders").route(Route.to("orders")).types("order.placed");
        new Retention(outbox, store(), EngineListener.NONE).runOnce(() -> true);
        assertThat(startedAfter).containsExactly(Long.MIN_VALUE);
    }
}
