package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.relay.WaitingKeys.State;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CatchUpTest {
    private static final int ROOM = 1_000;
    private static final long MILLI = 1_000_000L;

    private final Destination destination = new Destination(1, 4_000, true);
    private final Lanes lanes = new Lanes(event -> destination, Lane.MAX_EVENTS);
    private final WaitingKeys waiting = new WaitingKeys();
    private final CatchUp catchUp = new CatchUp(lanes, waiting, new Overflow(lanes, waiting), 0);

    private static PendingRef ref(long id, String key) {
        return new PendingRef(id, key, 0);
    }

    private static PendingEvent event(long id, String key, long waitNanos) {
        StoredRow stored = new StoredRow(id, "e-" + id, "t", "v1", key, null, null, null, new byte[0]);
        return new PendingEvent(stored, 0, null, waitNanos, 0);
    }

    /** The key has events in the table, the first of them at {@code from} or above. */
    private void left(String key, long from) {
        waiting.put(KeyHash.of(key, 0), from, WaitingKeys.UNKNOWN);
    }

    private int slot(String key) {
        return waiting.find(KeyHash.of(key, 0));
    }

    private int inLane(String key) {
        return lanes.size(KeyHash.of(key, 0));
    }

    private static List<Long> ids(List<Admission> wanted) {
        return wanted.stream().map(Admission::id).toList();
    }

    private List<Admission> step(PendingRef... pending) {
        catchUp.begin();
        return catchUp.step(List.of(pending), ROOM);
    }

    @Test
    void takesAlongEveryKeyThatWaitsForItAndNoOther() {
        left("a", 10);
        left("b", 12);
        assertThat(catchUp.nextAt()).isZero();
        assertThat(catchUp.begin()).as("where to read from, exclusive").isEqualTo(9);
        List<Admission> wanted =
                catchUp.step(List.of(ref(10, "a"), ref(11, "b"), ref(12, "b"), ref(13, "other"), ref(14, "a")), ROOM);
        assertThat(ids(wanted)).as("11 is below b's first event in the table").containsExactly(10L, 12L, 14L);
        wanted.get(0).admit(event(10, "a", 0), 0);
        wanted.get(1).admit(event(12, "b", 0), 0);
        wanted.get(2).admit(event(14, "a", 0), 0);
        catchUp.endStep(3, 0, 0);
        assertThat(inLane("a")).isEqualTo(2);
        assertThat(inLane("b")).isEqualTo(1);
        assertThat(waiting.size()).as("they have no events left in the table").isZero();
        assertThat(catchUp.nextAt()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aKeyStopsAtAnEventThatHasToWaitAndIsDueThen() {
        left("a", 1);
        List<Admission> wanted = step(ref(1, "a"), new PendingRef(2, "a", 5 * MILLI), ref(3, "a"));
        assertThat(ids(wanted)).containsExactly(1L);
        wanted.get(0).admit(event(1, "a", 0), 0);
        catchUp.endStep(1, 0, MILLI);
        assertThat(inLane("a")).isEqualTo(1);
        assertThat(waiting.first(slot("a"))).isEqualTo(2);
        assertThat(waiting.state(slot("a"))).isEqualTo(State.TIME);
        assertThat(waiting.at(slot("a"))).isEqualTo(6 * MILLI);
    }

    /** The event was deferred between the reading of the table and its loading. */
    @Test
    void nothingEntersBehindAnEventThatTurnsOutToWait() {
        left("a", 1);
        List<Admission> wanted = step(ref(1, "a"), ref(2, "a"), ref(3, "a"));
        wanted.get(0).admit(event(1, "a", 5 * MILLI), 0);
        wanted.get(1).admit(event(2, "a", 0), 0);
        wanted.get(2).missed(0);
        catchUp.endStep(2, 0, 0);
        assertThat(inLane("a")).isZero();
        assertThat(waiting.first(slot("a"))).isEqualTo(1);
        assertThat(waiting.at(slot("a"))).isEqualTo(5 * MILLI);
    }

    @Test
    void whatWasMissedIsDueAtOnceAndWhatComesBehindItStays() {
        left("a", 1);
        left("b", 1);
        List<Admission> wanted = step(ref(1, "a"), ref(2, "b"), ref(3, "a"), ref(4, "a"));
        wanted.get(0).admit(event(1, "a", 0), 0);
        wanted.get(1).gone(0);
        wanted.get(2).missed(7);
        wanted.get(3).admit(event(4, "a", 0), 7);
        catchUp.endStep(2, 0, 7);
        assertThat(inLane("a")).isEqualTo(1);
        assertThat(waiting.first(slot("a"))).isEqualTo(3);
        assertThat(waiting.hasDue(7)).isTrue();
        assertThat(slot("b")).as("b has no events left in the table").isNegative();
    }

    @Test
    void aFullLaneWaitsForRoom() {
        left("a", 1);
        List<PendingRef> pending = new ArrayList<>();
        for (long id = 1; id <= Lane.MAX_EVENTS + 1; id++) {
            pending.add(ref(id, "a"));
        }
        List<Admission> wanted = step(pending.toArray(PendingRef[]::new));
        assertThat(wanted).hasSize(Lane.MAX_EVENTS);
        wanted.forEach(each -> each.admit(event(each.id(), "a", 0), 0));
        catchUp.endStep(wanted.size(), 0, 0);
        assertThat(waiting.state(slot("a"))).isEqualTo(State.ROOM);
        assertThat(waiting.first(slot("a"))).isEqualTo(Lane.MAX_EVENTS + 1);
    }

    @Test
    void whatDidNotFitIsLookedAtInTheNextStep() {
        left("a", 1);
        catchUp.begin();
        List<Admission> wanted = catchUp.step(List.of(ref(1, "a"), ref(2, "a"), ref(3, "a")), 2);
        assertThat(ids(wanted)).containsExactly(1L, 2L);
        wanted.forEach(each -> each.admit(event(each.id(), "a", 0), 0));
        catchUp.endStep(2, 0, 0);
        assertThat(catchUp.nextAt()).as("it is not over").isZero();
        assertThat(catchUp.hasPassed(2)).isTrue();
        assertThat(catchUp.hasPassed(3)).isFalse();
        assertThat(catchUp.begin()).isEqualTo(2);
    }

    @Test
    void restsAfterItBroughtNothing() {
        left("a", 1);
        step();
        catchUp.endStep(0, 500 * MILLI, 1_000 * MILLI);
        left("b", 1);
        assertThat(catchUp.nextAt()).isEqualTo(1_500 * MILLI);
    }
}
