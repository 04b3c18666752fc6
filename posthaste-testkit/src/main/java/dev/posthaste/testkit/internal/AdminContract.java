package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What operators are promised of relays, replays and the audit, on every database. */
public abstract class AdminContract extends WithRelay {
    private StoreOutboxAdmin admin;

    protected AdminContract(DatabaseSource source) {
        super(source);
    }

    @BeforeEach
    void openAdmin() {
        admin = new StoreOutboxAdmin(orders, operators);
    }

    /** Writes events whose payload is their number, and lets a relay publish them; the broker refuses those given. */
    private List<Long> publish(int events, Set<Integer> refused) throws Exception {
        broker.answering(message -> refused.contains(Integer.parseInt(RecordingBroker.body(message)))
                ? Outcome.rejected("order " + RecordingBroker.body(message) + " is too large")
                        .permanent(true)
                : Outcome.acknowledged());
        List<Event> all = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            all.add(Event.of(TYPE, "k" + i % 5, "" + i));
        }
        write(all.toArray(Event[]::new));
        ManualRelay relay = relay();
        until("all are settled", relay::pass, () -> store.backlog().pending() == 0);
        relay.release();
        return ids();
    }

    private List<Long> ids() throws Exception {
        return found().stream().map(FoundEvent::position).toList();
    }

    // --- Repairing ---------------------------------------------------------------------------------------------------

    @Test
    void H38_whatARelayHasInHandIsNotChanged() throws Exception {
        broker.hold();
        write("k", "0");
        ManualRelay relay = relay();
        until("it is at the broker", relay::pass, () -> broker.heldCount() == 1);
        List<Long> ids = ids();
        assertThat(admin.discard(at(ids), because("not wanted")).events()).isZero();
        assertThat(admin.requeue(at(ids), because("again")).events()).isZero();
        assertThatThrownBy(() -> Replay.of(admin, EventFilter.status(Status.PENDING), broker))
                .hasMessageContaining("published or consumed");
        assertThat(Replay.of(admin, at(ids), broker).dryRun().events()).isZero();
        assertThat(admin.audit(null, null, 10)).isEmpty();
        broker.release();
        until("it is settled", relay::pass, () -> store.backlog().pending() == 0);
        assertThat(broker.arrived()).hasSize(1);
    }

    @Test
    void aChangeThatCannotBeAuditedIsNotMade() throws Exception {
        List<Long> ids = publish(2, Set.of(1));
        execute("drop table posthaste_audit");
        assertThatThrownBy(() -> admin.requeue(at(ids), because("again"))).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> admin.pause(because("stop"))).isInstanceOf(StoreException.class);
        assertThat(store.backlog().dead()).isEqualTo(1);
        assertThat(admin.lease().paused()).isFalse();
    }

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    @Test
    void aPausedOutboxWaitsOnAllRelaysUntilItIsResumed() throws Exception {
        write("k", "0");
        ManualRelay one = relay();
        until("it is published", one::pass, () -> store.backlog().pending() == 0);
        ManualRelay other = RelayTesting.manual(builder("another"));
        admin.pause(because("maintenance"));
        admin.pause(because("twice"));
        assertThat(admin.lease().pausedBy()).isEqualTo("ada");
        until(
                "the owner releases it",
                () -> step(one, other),
                () -> admin.lease().owner() == null);
        write("k", "1");
        for (int i = 0; i < 20; i++) {
            clock.advance(Duration.ofSeconds(2));
            step(one, other);
        }
        assertThat(broker.bodies()).containsExactly("0");
        assertThat(admin.lease().relays()).hasSize(2);
        admin.resume(because("done"));
        until("one continues", () -> step(one, other), () -> store.backlog().pending() == 0);
        assertThat(broker.bodies()).containsExactly("0", "1");
        assertThat(admin.lease().owner()).isNotNull();
        assertThat(admin.audit(null, null, 10))
                .extracting(AuditEntry::action)
                .containsExactly(Action.RESUME, Action.PAUSE);
    }

    private void step(ManualRelay one, ManualRelay other) {
        clock.advance(Duration.ofMillis(300));
        one.pass();
        other.pass();
    }

    @Test
    void anOutboxThatNoRelayHasSeenCanBePaused() throws Exception {
        admin.pause(because("not yet"));
        write("k", "0");
        ManualRelay relay = relay();
        for (int i = 0; i < 10; i++) {
            clock.advance(Duration.ofSeconds(2));
            relay.pass();
        }
        assertThat(broker.arrived()).isEmpty();
        admin.resume(because("now"));
        until("it is published", () -> step(relay, relay), () -> store.backlog().pending() == 0);
    }
}
