package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.Verdict;
import java.time.Duration;
import java.util.List;

/**
 * Hears what a relay does: for metrics, logs and tests. Called on the relay's threads; must not block or throw. Metrics
 * and traces go through here and never stand in the engine.
 */
public interface RelayListener {
    RelayListener NONE = new RelayListener() {};

    default void leaseTaken(String outbox, long epoch) {}

    /** The lease went to somebody else, or could not be kept. */
    default void leaseLost(String outbox, long epoch) {}

    default void leaseReleased(String outbox, long epoch) {}

    default void fetched(String outbox, int events, long nanos) {}

    /** The broker answered. {@code nanos}: since the event was handed over. */
    default void answered(String outbox, PendingEvent event, Outcome outcome, long nanos) {}

    /** Verdicts were committed. {@code written} is smaller than their number when somebody else changed such events. */
    default void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {}

    default void brokerUnavailable(String outbox, String reason) {}

    default void brokerAvailable(String outbox) {}

    /** The database failed; the relay goes on trying. */
    default void databaseFailed(String outbox, RuntimeException cause) {}

    /** What is waiting, measured now and then. {@code blockedKeys}: keys that wait for an operator. */
    default void backlog(String outbox, Journal.Backlog backlog, int blockedKeys) {}

    /** What was published and not consumed in time, measured now and then, in tracked outboxes. */
    default void unconsumed(String outbox, Journal.Unconsumed unconsumed, Duration limit) {}

    /** Retention deleted events that were kept for {@code keep}. */
    default void purged(String outbox, int deleted, Duration keep) {}

    /** Tells both. */
    default RelayListener and(RelayListener other) {
        return new RelayListeners(this, other);
    }
}
