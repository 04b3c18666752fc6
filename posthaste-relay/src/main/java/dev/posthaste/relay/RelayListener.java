package dev.posthaste.relay;

import dev.posthaste.Backlog;
import dev.posthaste.ProvidedByPosthaste;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears what a relay does: for metrics, alarms and tests. Called on the relay's threads, so it must not block. What it
 * throws is logged, and has no other effect. More methods will be added, all of them with defaults.
 */
public interface RelayListener {
    /**
     * An event whose outcome is known. Only Posthaste implements it; methods will be added.
     */
    @ProvidedByPosthaste
    interface RelayedEvent {
        /** The event's identity. */
        String eventId();

        /** The event's type. */
        String type();

        /** Null if the event has no key. */
        @Nullable
        String key();

        /** How many attempts have failed, this one included. */
        int attempts();

        /** From the writing of the event to the broker's last answer, all waiting and earlier attempts included. */
        Duration sinceWritten();

        /** From the last time that the event was handed to the broker to its answer. */
        Duration sincePublish();
    }

    // --- Leases ------------------------------------------------------------------------------------------------------

    /**
     * This relay owns the outbox from now on.
     *
     * @param epoch grows with every change of owner
     */
    default void leaseTaken(String outbox, long epoch) {}

    /** The lease went to another relay, or could not be kept. */
    default void leaseLost(String outbox, long epoch) {}

    /** This relay gave the lease back. */
    default void leaseReleased(String outbox, long epoch) {}

    // --- Events ------------------------------------------------------------------------------------------------------

    /** Events were read from the table. */
    default void fetched(String outbox, int events, Duration took) {}

    /**
     * The broker has the event. Called after the commit that records it, and at most once: not if the relay dies, or
     * loses its lease, before it learns of the commit. The row may differ if another program has changed it in the
     * meantime.
     */
    default void published(String outbox, RelayedEvent event) {}

    /** The broker refused the event, which is tried again later. Called like {@link #published}. */
    default void retried(String outbox, RelayedEvent event, String reason) {}

    /** The broker refused the event for the last time: it waits for an operator. Called like {@link #published}. */
    default void died(String outbox, RelayedEvent event, String reason) {}

    /** Whether the event arrived is unknown: it is handed to the broker once more, and no attempt is counted. */
    default void resent(String outbox, RelayedEvent event, String reason) {}

    /**
     * The outcome of these events was committed; {@link #published}, {@link #retried} and {@link #died} report each.
     *
     * @param missed how many of them had been changed meanwhile by a receipt, an operator or another program, and are left
     *     as they are
     */
    default void settled(String outbox, int events, int missed, Duration took) {}

    // --- Failures ----------------------------------------------------------------------------------------------------

    /** Events wait until the broker is back, and no attempt is counted. */
    default void brokerUnavailable(String outbox, String reason) {}

    /** The broker takes events again. */
    default void brokerAvailable(String outbox) {}

    /** The database failed; the relay keeps trying. */
    default void databaseFailed(String outbox, Throwable cause) {}

    /**
     * Something unexpected was thrown while the outbox was being relayed. The lease was released, and the relay tries
     * again.
     */
    default void workerFailed(String outbox, Throwable cause) {}

    /**
     * The table's ids began again below those that were published before, after a TRUNCATE or when it was restored. The
     * relay reads it from the start.
     */
    default void idsWentBack(String outbox, long lastId) {}

    // --- Periodically ------------------------------------------------------------------------------------------------

    /** What is waiting, measured periodically. {@code blockedKeys}: keys that wait for an operator. */
    default void measured(String outbox, Backlog backlog, int blockedKeys) {}

    /**
     * How many keys have events that were left in the table, measured periodically. At {@code most}, no fresh events
     * are read until there are fewer: order could not be kept otherwise.
     */
    default void waitingKeys(String outbox, int keys, int most) {}

    /**
     * How many events of a tracked outbox were published longer ago than its {@code consumedWithin} and not consumed
     * since, measured periodically.
     *
     * @param oldest since the oldest of them was published; zero without one
     */
    default void unconsumed(String outbox, long events, Duration oldest) {}

    /** Retention deleted events. */
    default void purged(String outbox, int events) {}
}
