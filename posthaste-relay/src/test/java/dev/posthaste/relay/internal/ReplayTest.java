package dev.posthaste.relay.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.relay.Replay;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplayTest {
    private static final OutboxDefinition ORDERS =
            OutboxDefinition.named("orders").route(Route.to("orders-topic")).types("order.placed");

    private final ReplayRun replay = new ReplayRun(
            new StoreOutboxAdmin(ORDERS, goingAway()),
            new ReplayPlan(EventFilter.status(Status.PUBLISHED), null, null, 1),
            LocalBroker.to(),
            Change.by("ada", "rebuilt"));

    /** A database that becomes unavailable before the end can be recorded, and a process that ends meanwhile. */
    private OperatorStore goingAway() {
        return (OperatorStore) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {OperatorStore.class},
                (self, method, arguments) -> switch (method.getName()) {
                    case "highestId" -> 0L;
                    case "take" -> new OperatorStore.Taken((ChangeProgress) arguments[2], true, "mine");
                    case "read" -> new OperatorStore.Stretch(List.of(), null);
                    case "note" -> {
                        replay.interrupt();
                        throw new StoreException("the database is away", new SQLException("connection refused"));
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    @Test
    void C21_whatCouldNotBeNotedAsFinishedIsToBeContinued() {
        replay.run();
        assertThat(replay.progress().state()).isEqualTo(Replay.Run.State.INTERRUPTED);
        assertThat(replay.progress().errors()).singleElement().asString().contains("the database is away");
    }
}
