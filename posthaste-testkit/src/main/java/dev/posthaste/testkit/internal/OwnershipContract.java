package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What several relays on one outbox must do on every database: one owns it, and others take over in order. */
public abstract class OwnershipContract extends WithRelay {
    private static final Duration SHORT_LEASE = Duration.ofMillis(600);
    private static final Duration SHORT_PUBLISH = Duration.ofMillis(200);

    protected OwnershipContract(DatabaseSource source) {
        super(source);
    }

    @Test
    void H04_onlyOneOfFourRelaysPublishes() throws Exception {
        List<ManualRelay> relays = IntStream.range(0, 4)
                .mapToObj(i -> RelayTesting.manual(builder("r" + i)))
                .toList();
        for (int i = 0; i < 200; i++) {
            write("k" + i % 5, "" + i);
            relays.get(i % 4).pass();
        }
        until(
                "all arrive",
                () -> relays.forEach(ManualRelay::pass),
                () -> broker.arrived().size() >= 200);
        assertThat(broker.arrived()).hasSize(200);
        assertThat(relays.stream().filter(relay -> relay.owns("orders"))).hasSize(1);
        broker.firstArrivalsByKey()
                .forEach((key, bodies) -> assertThat(bodies)
                        .isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b))));
    }

    @Test
    void H08_aRelayThatStoodStillSettlesNothingAndHandsNothingOver() throws Exception {
        RecordingBroker slow = new RecordingBroker();
        slow.hold();
        List<String> lost = new ArrayList<>();
        ManualRelay old = RelayTesting.manual(builder("old")
                .broker("orders", slow)
                .lease(SHORT_LEASE)
                .publishTimeout(SHORT_PUBLISH)
                .listener(new RelayListener() {
                    @Override
                    public void leaseLost(String outbox, long epoch) {
                        lost.add(outbox + " " + epoch);
                    }
                }));
        write(Event.of(TYPE, "a", "1"), Event.of(TYPE, "a", "2"));
        pump(old, "1 is at the broker", () -> slow.heldCount() == 1);
        ManualRelay other =
                RelayTesting.manual(builder("new").lease(SHORT_LEASE).publishTimeout(SHORT_PUBLISH));
        until("the other takes over", other::pass, () -> other.owns("orders"));
        pumpUntilArrived(other, 2);
        slow.release();
        until("the old one finds out", old::passWithoutLeases, () -> !lost.isEmpty());
        assertThat(slow.attempts()).hasSize(1);
        assertThat(lost).containsExactly("orders 1");
        assertThat(query("select epoch, owner from posthaste_lease")).containsExactly("2|new");
    }

    @Test
    void H09_aSlowBrokerDoesNotCostTheLease() throws Exception {
        broker.hold();
        List<Verdict> settled = Collections.synchronizedList(new ArrayList<>());
        ManualRelay relay = RelayTesting.manual(builder("me")
                .lease(SHORT_LEASE)
                .publishTimeout(SHORT_PUBLISH)
                .listener(new EngineListener() {
                    @Override
                    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
                        assertThat(written).isEqualTo(verdicts.size());
                        settled.addAll(verdicts);
                    }
                }));
        write("a", "1");
        long start = System.nanoTime();
        pump(relay, "three leases pass", () -> System.nanoTime() - start > 1_800_000_000L);
        broker.release();
        pumpUntilArrived(relay, 1);
        assertThat(broker.attempts()).hasSize(1);
        assertThat(settled).hasSize(1);
        assertThat(query("select epoch from posthaste_lease")).containsExactly("1");
    }

    @Test
    void aSecondRelayTakesOverAtOnceAfterAGracefulEnd() throws Exception {
        ManualRelay first = RelayTesting.manual(builder("first"));
        write("a", "1");
        pumpUntilArrived(first, 1);
        first.release();
        write("a", "2");
        ManualRelay second = RelayTesting.manual(builder("second"));
        second.pass();
        assertThat(second.owns("orders")).isTrue();
        pumpUntilArrived(second, 2);
        assertThat(query("select epoch from posthaste_lease")).containsExactly("2");
    }
}
