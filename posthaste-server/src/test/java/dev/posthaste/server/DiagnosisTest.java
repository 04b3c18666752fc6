package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.internal.admin.LeaseRow;
import dev.posthaste.internal.store.OutboxStore.Backlog;
import dev.posthaste.server.Diagnosis.Level;
import dev.posthaste.server.OutboxMonitor.BrokerState;
import dev.posthaste.server.OutboxMonitor.Failure;
import dev.posthaste.server.OutboxMonitor.State;
import dev.posthaste.server.config.Config.OutboxConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A diagnosis describes problems in words that help to solve them. */
class DiagnosisTest {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final BrokerState UP = new BrokerState(true, null, NOW.minusSeconds(900));
    private final OutboxConfig orders = new OutboxConfig(
            1, OutboxDefinition.named("orders").route(Route.to("orders")).types("order.placed"), "shop", "rabbit");

    private static Backlog backlog(long pending, long dead, Duration oldest, Duration transaction) {
        return new Backlog(pending, dead, oldest, transaction);
    }

    private static final Backlog EMPTY = backlog(0, 0, Duration.ZERO, Duration.ZERO);

    private static LeaseState lease(@Nullable String owner, @Nullable String pausedBy) {
        return new LeaseRow("orders", owner, 3, Duration.ofSeconds(10), pausedBy, List.of("east"));
    }

    private Diagnosis of(Backlog backlog, LeaseState lease, @Nullable BrokerState broker) {
        return Diagnosis.of(orders, new State(NOW, null, backlog, lease, Map.of(), null), broker, NOW);
    }

    @Test
    void nothingIsWrong() {
        assertThat(of(EMPTY, lease("east", null), UP)).isEqualTo(new Diagnosis(Level.UP, List.of("All is well.")));
        assertThat(of(backlog(900, 0, Duration.ofSeconds(3), Duration.ZERO), lease("east", null), null)
                        .level())
                .isEqualTo(Level.UP);
    }

    @Test
    void theBrokerIsAway() {
        Backlog waiting = backlog(12_400, 2, Duration.ofMinutes(20), Duration.ZERO);
        BrokerState away = new BrokerState(false, "connection refused", NOW.minusSeconds(190));
        assertThat(of(waiting, lease("east", null), away))
                .isEqualTo(new Diagnosis(
                        Level.DEGRADED,
                        List.of(
                                "Broker unreachable for 3 minutes (connection refused); 12,400 waiting; nothing is lost.",
                                "2 events are dead and wait for a decision.")));
    }

    @Test
    void eventsAreLate() {
        assertThat(of(backlog(7, 0, Duration.ofMinutes(12), Duration.ZERO), lease("east", null), UP)
                        .words())
                .containsExactly(
                        "The oldest event has waited for 12 minutes, longer than 5 minutes; 7 waiting; nothing is lost.");
    }

    @Test
    void nobodyRelays() {
        assertThat(of(EMPTY, lease(null, null), null).words())
                .containsExactly("No relay holds this outbox; 0 waiting; nothing is lost.");
        Diagnosis paused = of(EMPTY, lease(null, "ada"), null);
        assertThat(paused.level()).isEqualTo(Level.ATTENTION);
        assertThat(paused.words()).containsExactly("Paused by ada; 0 waiting; nothing is lost.");
    }

    @Test
    void aTransactionStaysOpen() {
        Diagnosis found = of(backlog(0, 1, Duration.ZERO, Duration.ofHours(3)), lease("east", null), UP);
        assertThat(found.level()).isEqualTo(Level.ATTENTION);
        assertThat(found.words())
                .containsExactly(
                        "A transaction has been open for 3 hours; the database cannot clean up behind it.",
                        "1 event is dead and waits for a decision.");
    }

    @Test
    void theDatabaseDoesNotAnswer() {
        State failing = new State(
                NOW, new Failure("timeout", NOW.minusSeconds(45)), EMPTY, lease("east", null), Map.of(), null);
        assertThat(Diagnosis.of(orders, failing, UP, NOW))
                .isEqualTo(
                        new Diagnosis(
                                Level.DOWN,
                                List.of(
                                        "The database has not answered for 45 s: timeout. Nothing is lost; events wait in it.")));
    }
}
