package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.journal.Journal;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RetentionTest {
    private final List<Object> startedAfter = new ArrayList<>();

    /** Knows only how to purge, and finds nothing. */
    private Journal journal() {
        return (Journal) Proxy.newProxyInstance(
                Journal.class.getClassLoader(), new Class<?>[] {Journal.class}, (proxy, method, arguments) -> {
                    startedAfter.add(arguments[0]);
                    return new Journal.Purged(0, 0, false);
                });
    }

    @Test
    void C12_rowsBelowOneAreForgottenToo() {
        OutboxDefinition outbox = OutboxDefinition.of("orders", Route.to("orders"), "order.placed");
        new Retention(outbox, journal(), OutboxPolicy.defaults(), RelayListener.NONE).runOnce(() -> true);
        assertThat(startedAfter).containsExactly(Long.MIN_VALUE);
    }
}
