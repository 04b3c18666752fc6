package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.StoredRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class KeyGateTest {
    private static final String KEY = "key";
    private static final long SECOND = 1_000_000_000L;

    private final Destination destination = new Destination(1, 4_000, true);
    private final Lanes lanes = new Lanes(event -> destination, Lane.MAX_EVENTS);
    private final KeyGate gate = new KeyGate(lanes, 1_000, 0);
    private final List<Long> dispatched = new ArrayList<>();

    private static PendingEvent event(long id) {
        return new PendingEvent(
                new StoredRow(id, "e-" + id, "t", "v1", KEY, null, null, null, new byte[0]), 0, null, 0, 0);
    }

    private Lane.QueuedEvent dispatch() {
        Lane.QueuedEvent head = Objects.requireNonNull(lanes.peek(destination));
        lanes.take(head);
        dispatched.add(head.id());
        return head;
    }

    private void settle(Lane.QueuedEvent head) {
        gate.done(head, 0);
        gate.settled(head.id());
    }

    private void admit(List<Admission> wanted) {
        wanted.forEach(each -> each.admit(event(each.id()), SECOND));
    }

    private void catchUp(long... ids) {
        CatchUp catchUp = gate.catchUp();
        catchUp.begin();
        List<PendingRef> pending = new ArrayList<>();
        for (long id : ids) {
            pending.add(new PendingRef(id, KEY, 0));
        }
        admit(catchUp.step(pending, 100));
        catchUp.endStep(0, 0, SECOND);
    }

    /** A receipt returns an earlier event to pending, to be sent a second later, while a later one is at the broker. */
    @Test
    void C14_whatIsWithTheBrokerIsNotTakenAgainWhenAnEarlierEventComesBack() {
        for (long id = 1; id <= 4; id++) {
            gate.offer(event(id), 0);
        }
        settle(dispatch());
        Lane.QueuedEvent second = dispatch();
        assertThat(gate.want(new PendingRef(1, KEY, SECOND), 0)).isNull();
        List<Admission> due = gate.due(SECOND, 10);
        assertThat(due).extracting(Admission::id).containsExactly(1L);
        admit(due);
        catchUp(2, 3, 4);
        settle(second);
        while (lanes.hasNext()) {
            settle(dispatch());
        }
        assertThat(dispatched).containsExactly(1L, 2L, 1L, 3L, 4L);
    }

    /** Found by the simulation: a relay that had read nothing yet took it first by its id, and then as a new event. */
    @Test
    void C23_whatIsSettledAndNotWrittenYetIsNotTakenAgainAsAFreshEvent() {
        gate.blockedKeys().beginRound();
        gate.blockedKeys().met(KEY, 1);
        gate.blockedKeys().endRound(0);
        gate.blockedKeys().beginRound();
        gate.blockedKeys().endRound(SECOND);
        admit(gate.due(SECOND, 10));
        Lane.QueuedEvent first = dispatch();
        gate.done(first, SECOND);
        gate.offer(event(1), SECOND);
        assertThat(lanes.hasNext()).isFalse();
        gate.settled(1);
        assertThat(dispatched).containsExactly(1L);
    }

    /** All dead events of a key are requeued together, while later ones wait behind them. */
    @Test
    void C15_severalDeadEventsOfAKeyComeBackInTheirOrderBeforeWhatWaitsBehindThem() {
        gate.blockedKeys().beginRound();
        gate.blockedKeys().met(KEY, 1);
        gate.blockedKeys().met(KEY, 3);
        gate.blockedKeys().met(KEY, 5);
        gate.blockedKeys().endRound(0);
        gate.offer(event(6), 0);
        gate.offer(event(7), 0);
        assertThat(lanes.hasNext()).isFalse();
        gate.blockedKeys().beginRound();
        gate.blockedKeys().endRound(SECOND);
        for (List<Admission> due = gate.due(SECOND, 10); !due.isEmpty(); due = gate.due(SECOND, 10)) {
            admit(due);
        }
        catchUp(5, 6, 7);
        while (lanes.hasNext()) {
            settle(dispatch());
        }
        assertThat(dispatched).containsExactly(1L, 3L, 5L, 6L, 7L);
    }
}
