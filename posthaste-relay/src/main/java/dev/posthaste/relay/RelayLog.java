package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a relay says in the log: changes of state, and events that fail. Never a payload. */
final class RelayLog implements RelayListener {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final long QUIET_NANOS = 10_000_000_000L;

    private final String relay;
    private final Map<String, Long> lastFailure = new ConcurrentHashMap<>();

    RelayLog(String relay) {
        this.relay = relay;
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
        log.info("Relay {} gave outbox {} back (epoch {})", relay, outbox, epoch);
    }

    @Override
    public void answered(String outbox, PendingEvent event, Outcome outcome, long nanos) {
        if (outcome instanceof Outcome.Unknown unknown) {
            log.debug(
                    "Outbox {}: what became of {} is unknown, it is sent again: {}",
                    outbox,
                    event.event(),
                    unknown.reason());
        } else if (outcome instanceof Outcome.Rejected rejected) {
            log.info("Outbox {}: {} was rejected: {}", outbox, event.event(), rejected.reason());
        }
    }

    @Override
    public void settled(String outbox, List<Verdict> verdicts, int written, long nanos) {
        if (written < verdicts.size()) {
            log.warn(
                    "Outbox {}: {} of {} events were no longer pending when they were settled; somebody else changes its"
                            + " table",
                    outbox,
                    verdicts.size() - written,
                    verdicts.size());
        }
        for (Verdict verdict : verdicts) {
            if (verdict instanceof Verdict.Dead dead) {
                log.warn(
                        "Outbox {}: event in row {} is dead after {} attempts: {}",
                        outbox,
                        dead.id(),
                        dead.attempts(),
                        dead.error());
            }
        }
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
    public void databaseFailed(String outbox, RuntimeException cause) {
        long now = System.nanoTime();
        Long last = lastFailure.get(outbox);
        if (last == null || now - last > QUIET_NANOS) {
            lastFailure.put(outbox, now);
            log.warn("Outbox {}: the database failed, relay {} goes on trying: {}", outbox, relay, cause.getMessage());
        }
    }

    @Override
    public void purged(String outbox, int deleted, Duration keep) {
        log.info("Outbox {}: retention deleted {} events older than {}", outbox, deleted, keep);
    }
}
