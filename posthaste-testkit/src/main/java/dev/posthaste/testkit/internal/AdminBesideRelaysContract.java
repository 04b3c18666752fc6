package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.ChangeOutcome;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.relay.internal.Retention;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/**
 * What operators are promised while relays and retention work on the same rows. Nothing is lost or done twice, a
 * failure goes away when the change is tried again, and the audit is true.
 */
public abstract class AdminBesideRelaysContract extends WithAdmin {
    protected AdminBesideRelaysContract(DatabaseSource source) {
        super(source);
    }

    // --- Relays, retention -------------------------------------------------------------------------------------------

    @Test
    void retentionAndARequeueNeverHaveTheSameEvent() throws Exception {
        rows(2_500, Status.DEAD);
        Thread.sleep(20); // so that all are older than nothing
        Retention retention =
                new Retention(orders.keep(Duration.ofMillis(1)).deleteDead(true), store, new RelayListener() {});
        List<Long> results = together(List.of(
                () -> persist(() -> admin.requeue(DEAD, because("repaired"))).events(),
                () -> persist(() -> (long) retention.runOnce(() -> true))));
        assertThat(audited("requeue")).isEqualTo(results.get(0)).isEqualTo(count(Status.PENDING));
        assertThat(ids()).hasSize((int) (count(Status.PENDING) + count(Status.DEAD)));
    }

    @Test
    void requeuedWhileRelaysTakeOverFromOneAnotherNothingIsLost() throws Exception {
        rows(400, Status.DEAD);
        ManualRelay one = relay();
        one.pass();
        ManualRelay other = RelayTesting.manual(builder("another"));
        boolean[] handedOver = {false};
        ChangeResult result = admin.requeue(DEAD, because("repaired"), done -> {
            if (done >= 200 && !handedOver[0]) {
                handedOver[0] = true;
                one.release();
            }
            clock.advance(Duration.ofMillis(300));
            one.pass();
            other.pass();
            return true;
        });
        assertThat(result).isEqualTo(new ChangeOutcome(400, false));
        until(
                "all are sent",
                () -> {
                    clock.advance(Duration.ofMillis(300));
                    one.pass();
                    other.pass();
                },
                () -> store.backlog().pending() == 0);
        assertThat(new HashSet<>(broker.bodies())).hasSize(400);
        assertThat(statuses()).hasSize(400).containsOnly("published");
    }

    @Test
    void whatIsRequeuedWhilePausedWaitsAndDyingAgainIsNotPartOfTheChange() throws Exception {
        rows(10, Status.DEAD);
        Change change = because("repaired");
        admin.pause(because("maintenance"));
        ManualRelay relay = relay();
        boolean[] first = {true};
        admin.requeue(DEAD.key("k3"), change, done -> first[0] && !(first[0] = false));
        for (int i = 0; i < 5; i++) {
            clock.advance(Duration.ofSeconds(2));
            relay.pass();
        }
        assertThat(broker.arrived()).isEmpty();
        broker.answering(message -> Outcome.rejected("still too large").permanent(true));
        admin.resume(because("done"));
        until(
                "it is dead again",
                () -> {
                    clock.advance(Duration.ofMillis(300));
                    relay.pass();
                },
                () -> count(Status.DEAD) == 10);
        assertThat(admin.requeue(DEAD.key("k3"), change))
                .as("the change had it in hand before")
                .isIn(new ChangeOutcome(1, false), new ChangeOutcome(1, true));
        assertThat(count(Status.DEAD)).isEqualTo(10);
    }

    @Test
    void aPauseDoesNotWaitForeverForTheLease() throws Exception {
        OutboxAdmin impatient = Admin.of(impatient(), catalog).outbox("orders");
        ManualRelay relay = relay();
        relay.pass();
        Connection other = begin();
        try (Statement statement = other.createStatement()) {
            statement.executeUpdate("update posthaste_lease set epoch = epoch");
        }
        Change change = because("maintenance");
        assertThatThrownBy(() -> impatient.pause(change)).hasMessageContaining("try again");
        end(other, false);
        assertThat(admin.pause(change)).isEqualTo(new ChangeOutcome(0, false));
        assertThat(admin.pause(change)).isEqualTo(new ChangeOutcome(0, true));
        assertThat(admin.lease().paused()).isTrue();
    }

    /** H2 waits for a lock as long as the session is configured to, not as long as Posthaste asks. */
    private DataSource impatient() {
        return dialect != Dialect.H2
                ? dataSource
                : (DataSource) Proxy.newProxyInstance(
                        DataSource.class.getClassLoader(),
                        new Class<?>[] {DataSource.class},
                        (proxy, method, arguments) -> {
                            Object result = method.invoke(dataSource, arguments);
                            if (result instanceof Connection connection) {
                                try (Statement statement = connection.createStatement()) {
                                    statement.execute("set lock_timeout 200");
                                }
                            }
                            return result;
                        });
    }

    @Test
    void nothingIsPurgedWhileRelaysDoNotAgreeWhatTheOutboxIs() throws Exception {
        rows(20, Status.PUBLISHED);
        Thread.sleep(20); // so that all are older than nothing
        Change change = because("space");
        relay().pass();
        assertThat(admin.purge(Duration.ofDays(1), Set.of(Status.PUBLISHED), because("agreed"), done -> true)
                        .events())
                .isZero();
        StoreOutboxAdmin untracked = Stores.in(dataSource)
                .admin(Catalog.of(OutboxDefinition.named("orders")
                        .route(Route.to("orders-topic"))
                        .types(TYPE)))
                .outbox("orders");
        assertThatThrownBy(() -> untracked.purge(Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("relay me is configured with [tracked: true");
        execute("insert into posthaste_relay (relay, outbox, definition, expires_at) select 'old', outbox, 'tracked:"
                + " true, as it was', expires_at from posthaste_relay");
        assertThatThrownBy(() -> admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("relay old");
        assertThat(ids()).hasSize(20);
        execute("delete from posthaste_relay where relay = 'old'");
        assertThat(admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isEqualTo(new ChangeOutcome(20, false));
    }
}
