package dev.posthaste.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.relay.Lane.QueuedEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LaneTest {
    private final Destination destination = new Destination(1, 4_000, true);
    private final Lane lane = new Lane(1, true, Lane.MAX_EVENTS);

    private QueuedEvent event(long id) {
        StoredRow stored = new StoredRow(id, "e-" + id, "t", "v1", "key", null, null, null, new byte[0]);
        return new QueuedEvent(new PendingEvent(stored, 0, null, 0, 0), destination, lane, 0, 0);
    }

    private boolean insert(long id) {
        return lane.insert(event(id));
    }

    private List<Long> drained() {
        List<Long> ids = new ArrayList<>();
        while (!lane.isEmpty()) {
            ids.add(Objects.requireNonNull(lane.head()).id());
            lane.removeHead();
        }
        return ids;
    }

    /** If the database's clock stops during a transaction, the reader's time may be before the writer's. */
    @Test
    void noEventWasWrittenAfterItWasRead() {
        StoredRow stored = new StoredRow(1, "e-1", "t", "v1", "key", null, null, null, new byte[0]);
        assertThat(new QueuedEvent(new PendingEvent(stored, 0, null, 0, -755_869), destination, lane, 0, 50).writtenAt)
                .isEqualTo(50);
        assertThat(new QueuedEvent(new PendingEvent(stored, 0, null, 0, 20), destination, lane, 0, 50).writtenAt)
                .isEqualTo(30);
    }

    @Test
    void aLateEventGoesBeforeThoseWithHigherIds() {
        assertThat(insert(2)).as("is the head").isTrue();
        assertThat(insert(5)).isFalse();
        assertThat(insert(9)).isFalse();
        assertThat(insert(7)).isFalse();
        assertThat(insert(1)).as("is the head").isTrue();
        assertThat(drained()).containsExactly(1L, 2L, 5L, 7L, 9L);
    }

    @Test
    void aLateEventGoesBehindWhatWasDispatchedWhateverItsId() {
        insert(5);
        insert(6);
        lane.dispatch();
        assertThat(insert(3)).isFalse();
        assertThat(drained()).containsExactly(5L, 3L, 6L);
    }

    /** A missing answer does not recall an event: consumers may already have it. */
    @Test
    void whatIsSentAgainStaysFirst() {
        insert(5);
        lane.dispatch();
        lane.takeBack();
        insert(3);
        assertThat(lane.mayGo()).isTrue();
        assertThat(drained()).containsExactly(5L, 3L);
    }

    @Test
    void oneEventAtATimeIsWithTheBroker() {
        insert(1);
        insert(2);
        QueuedEvent first = Objects.requireNonNull(lane.head());
        assertThat(lane.mayGo()).isTrue();
        assertThat(lane.awaits(first)).isFalse();
        lane.dispatch();
        assertThat(lane.mayGo()).isFalse();
        assertThat(lane.awaits(first)).isTrue();
        lane.removeHead();
        assertThat(lane.awaits(first)).as("a second answer").isFalse();
        assertThat(lane.mayGo()).isTrue();
    }

    @Test
    void onlyWhatWasNotDispatchedCanBeRemovedFromItsEnd() {
        insert(1);
        insert(2);
        insert(3);
        lane.dispatch();
        assertThat(Objects.requireNonNull(lane.removeLast(2)).id()).isEqualTo(3);
        assertThat(Objects.requireNonNull(lane.removeLast(2)).id()).isEqualTo(2);
        assertThat(lane.removeLast(1)).as("1 is at the broker").isNull();
        lane.takeBack();
        assertThat(lane.recall()).isEqualTo(1);
        assertThat(Objects.requireNonNull(lane.removeLast(1)).id()).isEqualTo(1);
    }

    @Test
    void theLowestIdNeedNotBeTheHeads() {
        insert(5);
        lane.dispatch();
        insert(3);
        assertThat(lane.recall()).isEqualTo(3);
    }

    @Test
    void aLaneIsFullAtItsBoundAndHasRoomWhenHalfOfItIsEmpty() {
        for (long id = 1; id <= Lane.MAX_EVENTS; id++) {
            assertThat(lane.isFull()).isFalse();
            insert(id);
        }
        assertThat(lane.isFull()).isTrue();
        while (!lane.hasRoom()) {
            lane.removeHead();
        }
        assertThat(lane.size()).isEqualTo(Lane.MAX_EVENTS / 2);
    }
}
