package dev.posthaste.relay;

import dev.posthaste.Catalog;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.text.DurationText;
import dev.posthaste.relay.internal.EngineListener;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a relay logs: changes of state, and events that fail. Never a payload. */
final class RelayLog implements EngineListener {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final long QUIET_NANOS = 10_000_000_000L;
    private static final long REMINDER_NANOS = 600_000_000_000L;

    private final String relay;
    private final Catalog catalog;
    private final Map<String, Long> lastFailure = new ConcurrentHashMap<>();
    private final Map<String, Long> lastUnconsumed = new ConcurrentHashMap<>();
    private final Map<String, Long> lastCrowded = new ConcurrentHashMap<>();

    RelayLog(String relay, Catalog catalog) {
        this.relay = relay;
        this.catalog = catalog;
    }

    @Override
    public void leaseTaken(String outbox, long epoch) {
        log.info("Relay {} owns outbox {} now (epoch {})", relay, outbox, epoch);
    }

    @Override
    public void leaseLost(String outbox, long epoch) {
        log.warn("Relay {} lost outbox {} (its epoch was {}); what it had in memory is dropped", relay, outbox, epoch);
    }

    @Override
    public void leaseReleased(String outbox, long epoch) {
        log.info("Relay {} released outbox {} (epoch {})", relay, outbox, epoch);
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos, long sinceWrittenNanos) {
        if (outcome instanceof Outcome.Unknown unknown) {
            log.debug(
                    "Outbox {}: the outcome of {} is unknown, and it is sent again: {}",
                    outbox,
                    event.event(),
                    unknown.reason());
        } else if (outcome instanceof Outcome.Rejected rejected) {
            log.info("Outbox {}: {} was rejected: {}", outbox, event.event(), rejected.reason());
        }
    }

    @Override
    public void settled(String outbox, int events, int missed, Duration took) {
        if (missed > 0) {
            log.warn(
                    "Outbox {}: {} of {} events had already been changed (by a receipt, an operator or another program)"
                            + " when they were settled; those changes are kept",
                    outbox,
                    missed,
                    events);
        }
    }

    @Override
    public void died(String outbox, RelayedEvent event, String reason) {
        log.warn(
                "Outbox {}: event {} ({}, key {}) is dead after {}: {}",
                outbox,
                event.eventId(),
                event.type(),
                event.key(),
                event.attempts() == 1 ? "1 attempt" : event.attempts() + " attempts",
                reason);
    }

    @Override
    public void brokerUnavailable(String outbox, String reason) {
        log.warn("Outbox {}: the broker is unavailable, events wait and nothing is lost: {}", outbox, reason);
    }

    @Override
    public void brokerAvailable(String outbox) {
        log.info("Outbox {}: the broker is back", outbox);
    }

    @Override
    public void workerFailed(String outbox, Throwable cause) {
        log.error(
                "Outbox {}: relay {} had an unexpected error, released the outbox and will try again",
                outbox,
                relay,
                cause);
    }

    @Override
    public void waitingKeys(String outbox, int keys, int most) {
        long now = System.nanoTime();
        Long last = lastCrowded.get(outbox);
        if (keys >= most && (last == null || now - last > REMINDER_NANOS)) {
            lastCrowded.put(outbox, now);
            log.error(
                    "Outbox {}: {} keys wait for a retry, a time, an operator or their destination, and no more can be"
                            + " remembered: no fresh events are read until there are fewer. Raise"
                            + " waitingKeys and the heap (about 70 bytes a key)",
                    outbox,
                    keys);
        }
    }

    @Override
    public void idsWentBack(String outbox, long lastId) {
        log.warn(
                "Outbox {}: its ids began again (the last one is {}), as after a TRUNCATE; it is read from the start",
                outbox,
                lastId);
    }

    @Override
    public void databaseFailed(String outbox, Throwable cause) {
        long now = System.nanoTime();
        Long last = lastFailure.get(outbox);
        if (last == null || now - last > QUIET_NANOS) {
            lastFailure.put(outbox, now);
            log.warn(
                    "Outbox {}: the database failed, and relay {} keeps trying: {}", outbox, relay, cause.getMessage());
        }
    }

    @Override
    public void unconsumed(String outbox, long events, Duration oldest) {
        if (events == 0) {
            lastUnconsumed.remove(outbox);
            return;
        }
        long now = System.nanoTime();
        Long last = lastUnconsumed.get(outbox);
        if (last == null || now - last > REMINDER_NANOS) {
            lastUnconsumed.put(outbox, now);
            log.warn(
                    "Outbox {}: {} published longer than {} ago and not consumed since, the oldest {} ago",
                    outbox,
                    events == 1 ? "1 event was" : events + " events were",
                    DurationText.of(catalog.outbox(outbox).consumedWithin()),
                    DurationText.rounded(oldest));
        }
    }

    @Override
    public void purged(String outbox, int events) {
        log.info(
                "Outbox {}: retention deleted {} older than {}",
                outbox,
                events == 1 ? "1 event" : events + " events",
                DurationText.of(catalog.outbox(outbox).keep()));
    }
}
