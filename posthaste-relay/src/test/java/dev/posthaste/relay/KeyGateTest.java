package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.StoredEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class KeyGateTest {
    private static final String KEY = "key";
    private static final long SECOND = 1_000_000_000L;

    private final Destination destination = new Destination(1, 4_000, true);
    private final KeyGate gate = new KeyGate(event -> destination, 1_000);
    private final List<Long> handedOver = new ArrayList<>();

    private static PendingEvent event(long id) {
        return new PendingEvent(
                new StoredEvent(id, "e-" + id, "t", "v1", KEY, null, null, null, new byte[0]), 0, null, 0, 0);
    }

    private Lane.Held handOver() {
        Lane.Held head = Objects.requireNonNull(gate.peek(destination));
        gate.take(head);
        handedOver.add(head.event.id());
        return head;
    }

    private void settle(Lane.Held head) {
        gate.done(head, 0);
        gate.settled(List.of(head.event.id()));
    }

    private void walk(long... ids) {
        gate.walk().begin();
        gate.walk().beginStep();
        for (long id : ids) {
            if (gate.walk().wants(new PendingMark(id, KEY, 0))) {
                gate.walk().admit(event(id));
            }
        }
        gate.walk().endStep(SECOND);
        gate.walk().end();
    }

    /** A receipt puts an earlier event back to pending, to be sent a second later, while a later one is with the broker. */
    @Test
    void C14_whatIsWithTheBrokerIsNotTakenAgainWhenAnEarlierEventComesBack() {
        for (long id = 1; id <= 4; id++) {
            gate.offerFresh(event(id), 0);
        }
        settle(handOver());
        Lane.Held second = handOver();
        assertThat(gate.wantsStray(new PendingMark(1, KEY, SECOND), 0)).isFalse();
        assertThat(gate.wake(SECOND, 10)).containsExactly(1L);
        gate.admitWoken(event(1), SECOND);
        walk(2, 3, 4);
        settle(second);
        while (gate.hasNext()) {
            settle(handOver());
        }
        assertThat(handedOver).containsExactly(1L, 2L, 1L, 3L, 4L);
    }

    /** All dead events of a key are put back at once, while later ones wait behind them. */
    @Test
    void C15_severalDeadEventsOfAKeyComeBackInTheirOrderBeforeWhatWaitsBehindThem() {
        gate.beginDeadRound();
        gate.block(KEY, 1);
        gate.block(KEY, 3);
        gate.block(KEY, 5);
        gate.endDeadRound(0);
        gate.offerFresh(event(6), 0);
        gate.offerFresh(event(7), 0);
        assertThat(gate.hasNext()).isFalse();
        gate.beginDeadRound();
        gate.endDeadRound(SECOND);
        for (List<Long> woken = gate.wake(SECOND, 10); !woken.isEmpty(); woken = gate.wake(SECOND, 10)) {
            woken.forEach(id -> gate.admitWoken(event(id), SECOND));
        }
        walk(5, 6, 7);
        while (gate.hasNext()) {
            settle(handOver());
        }
        assertThat(handedOver).containsExactly(1L, 3L, 5L, 6L, 7L);
    }
}
