package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeProgress;
import dev.posthaste.admin.OperatorStore;
import dev.posthaste.admin.ReplayPlan;
import dev.posthaste.admin.ReplaySelection;
import dev.posthaste.admin.Search;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.store.StoreException;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplayTest {
    private static final OutboxDefinition ORDERS =
            OutboxDefinition.named("orders").route(Route.to("orders-topic")).types("order.placed");

    private final Replay replay = new Replay(
            goingAway(),
            new ReplayPlan(ReplaySelection.of(Search.ALL.withStatus(Status.PUBLISHED)), null, null, 1),
            new Replay.Target(ORDERS, LocalBroker.to(), MessageFormat.RAW),
            Change.by("ada", "rebuilt"));

    /** A database that goes away before the end can be noted, and a process that ends while it is away. */
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
        assertThat(replay.progress().state()).isEqualTo(Replay.State.INTERRUPTED);
        assertThat(replay.progress().errors()).singleElement().asString().contains("the database is away");
    }
}
