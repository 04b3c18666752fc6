package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.store.OutboxStore;
import dev.posthaste.store.PendingEvent;
import dev.posthaste.store.ReceiptStore;
import dev.posthaste.store.Verdict;
import java.time.Duration;
import java.util.List;

/**
 * Hears what a relay does: for metrics, logs and tests. Called on the relay's threads; must not block. What it
 * throws is logged, and changes nothing else. Metrics
 * and traces go through here and never stand in the engine.
 */
public interface RelayListener {
    RelayListener NONE = new RelayListener() {};

    default void leaseTaken(String outbox, long epoch) {}

    /** The lease went to somebody else, or could not be kept. */
    default void leaseLost(String outbox, long epoch) {}

    default void leaseReleased(String outbox, long epoch) {}

    default void fetched(String outbox, int events, long nanos) {}

    /**
     * The broker answered.
     *
     * @param nanos since the event was handed to the broker for the last time
     * @param sinceWrittenNanos since the event was written, all waiting and earlier attempts included
     */
    default void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {}

    /** Verdicts were committed. {@code written} is smaller than their number when somebody else changed such events. */
    default void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {}

    default void brokerUnavailable(String outbox, String reason) {}

    default void brokerAvailable(String outbox) {}

    /** Something unexpected was thrown where the outbox is worked on. The lease was given back, and the relay tries again. */
    default void workerFailed(String outbox, Throwable cause) {}

    /**
     * How many keys have events that were left in the table, measured now and then. At {@code most}, no fresh events are
     * read any more until there are fewer: order could not be kept otherwise.
     */
    default void waitingKeys(String outbox, int keys, int most) {}

    /**
     * The table's ids began again below those that were published before, after a TRUNCATE or when it was restored. The
     * relay reads it anew.
     */
    default void idsWentBack(String outbox, long lastId) {}

    /** The database failed; the relay goes on trying. */
    default void databaseFailed(String outbox, RuntimeException cause) {}

    /** What is waiting, measured now and then. {@code blockedKeys}: keys that wait for an operator. */
    default void backlog(String outbox, OutboxStore.Backlog backlog, int blockedKeys) {}

    /** What was published and not consumed in time, measured now and then, in tracked outboxes. */
    default void unconsumed(String outbox, ReceiptStore.Unconsumed unconsumed, Duration limit) {}

    /** Retention deleted events that were kept for {@code keep}. */
    default void purged(String outbox, int deleted, Duration keep) {}

    /** Tells both. */
    default RelayListener and(RelayListener other) {
        return new RelayListeners(this, other);
    }
}
