package dev.posthaste.relay;

import dev.posthaste.Backlog;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A relay's meters: {@code posthaste.relay.*}, tagged with the outbox. Thread-safe. */
public final class RelayMeters implements RelayListener {
    private final MeterRegistry registry;
    private final Map<String, OutboxMeters> outboxes = new ConcurrentHashMap<>();

    private RelayMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Meters in this registry, registered when an outbox is first heard of. */
    public static RelayMeters of(MeterRegistry registry) {
        return new RelayMeters(registry);
    }

    private OutboxMeters meters(String outbox) {
        OutboxMeters known = outboxes.get(outbox);
        return known != null ? known : outboxes.computeIfAbsent(outbox, name -> new OutboxMeters(registry, name));
    }

    /** The meters of one outbox; gauges hold the last measured value. */
    private static final class OutboxMeters {
        final Counter published;
        final Counter rejected;
        final Counter retries;
        final Counter dead;
        final Counter resent;
        final Counter missed;
        final Counter leasesLost;
        final Counter databaseFailures;
        final Counter purged;
        final Timer publish;
        final Timer timeToPublish;
        final Timer fetch;
        final Timer settle;
        final DistributionSummary fetched;
        volatile double pending = Double.NaN;
        volatile double deadNow = Double.NaN;
        volatile double oldestSeconds = Double.NaN;
        volatile double oldestTransactionSeconds = Double.NaN;
        volatile double blockedKeys;
        volatile double waitingKeys;
        final Counter workerFailures;
        volatile double unconsumed;
        volatile double unconsumedOldestSeconds;
        volatile double leaseHeld;
        volatile double epoch;
        volatile double brokerUp = 1;

        OutboxMeters(MeterRegistry registry, String outbox) {
            published = registry.counter("posthaste.relay.published", "outbox", outbox);
            rejected = registry.counter("posthaste.relay.rejected", "outbox", outbox);
            retries = registry.counter("posthaste.relay.retries", "outbox", outbox);
            dead = registry.counter("posthaste.relay.dead", "outbox", outbox);
            resent = registry.counter("posthaste.relay.resent", "outbox", outbox);
            missed = registry.counter("posthaste.relay.settle.missed", "outbox", outbox);
            leasesLost = registry.counter("posthaste.relay.lease.lost", "outbox", outbox);
            databaseFailures = registry.counter("posthaste.relay.database.failures", "outbox", outbox);
            purged = registry.counter("posthaste.relay.purged", "outbox", outbox);
            workerFailures = registry.counter("posthaste.relay.worker.failures", "outbox", outbox);
            publish = histogram(registry, "posthaste.relay.publish", outbox);
            timeToPublish = histogram(registry, "posthaste.relay.time.to.publish", outbox);
            fetch = registry.timer("posthaste.relay.fetch", "outbox", outbox);
            settle = registry.timer("posthaste.relay.settle", "outbox", outbox);
            fetched = registry.summary("posthaste.relay.fetched", "outbox", outbox);
            registry.gauge("posthaste.relay.pending", tags(outbox), this, meters -> meters.pending);
            registry.gauge("posthaste.relay.dead.now", tags(outbox), this, meters -> meters.deadNow);
            registry.gauge("posthaste.relay.oldest.seconds", tags(outbox), this, meters -> meters.oldestSeconds);
            registry.gauge(
                    "posthaste.database.oldest.transaction.seconds",
                    tags(outbox),
                    this,
                    meters -> meters.oldestTransactionSeconds);
            registry.gauge("posthaste.relay.blocked.keys", tags(outbox), this, meters -> meters.blockedKeys);
            registry.gauge("posthaste.relay.waiting.keys", tags(outbox), this, meters -> meters.waitingKeys);
            registry.gauge("posthaste.relay.unconsumed", tags(outbox), this, meters -> meters.unconsumed);
            registry.gauge(
                    "posthaste.relay.unconsumed.oldest.seconds",
                    tags(outbox),
                    this,
                    meters -> meters.unconsumedOldestSeconds);
            registry.gauge("posthaste.relay.lease.held", tags(outbox), this, meters -> meters.leaseHeld);
            registry.gauge("posthaste.relay.lease.epoch", tags(outbox), this, meters -> meters.epoch);
            registry.gauge("posthaste.relay.broker.up", tags(outbox), this, meters -> meters.brokerUp);
        }

        private static io.micrometer.core.instrument.Tags tags(String outbox) {
            return io.micrometer.core.instrument.Tags.of("outbox", outbox);
        }

        private static Timer histogram(MeterRegistry registry, String name, String outbox) {
            return Timer.builder(name)
                    .tag("outbox", outbox)
                    .publishPercentileHistogram()
                    .register(registry);
        }
    }

    @Override
    public void leaseTaken(String outbox, long epoch) {
        meters(outbox).leaseHeld = 1;
        meters(outbox).epoch = epoch;
    }

    @Override
    public void leaseLost(String outbox, long epoch) {
        meters(outbox).leaseHeld = 0;
        meters(outbox).leasesLost.increment();
    }

    @Override
    public void leaseReleased(String outbox, long epoch) {
        meters(outbox).leaseHeld = 0;
    }

    @Override
    public void fetched(String outbox, int events, Duration took) {
        meters(outbox).fetch.record(took);
        meters(outbox).fetched.record(events);
    }

    @Override
    public void published(String outbox, RelayedEvent event) {
        OutboxMeters meters = meters(outbox);
        meters.published.increment();
        meters.publish.record(event.sincePublish());
        meters.timeToPublish.record(event.sinceWritten());
    }

    @Override
    public void retried(String outbox, RelayedEvent event, String reason) {
        meters(outbox).rejected.increment();
        meters(outbox).retries.increment();
    }

    @Override
    public void died(String outbox, RelayedEvent event, String reason) {
        meters(outbox).rejected.increment();
        meters(outbox).dead.increment();
    }

    @Override
    public void resent(String outbox, RelayedEvent event, String reason) {
        meters(outbox).resent.increment();
    }

    @Override
    public void settled(String outbox, int events, int missed, Duration took) {
        meters(outbox).settle.record(took);
        meters(outbox).missed.increment(missed);
    }

    @Override
    public void brokerUnavailable(String outbox, String reason) {
        meters(outbox).brokerUp = 0;
    }

    @Override
    public void brokerAvailable(String outbox) {
        meters(outbox).brokerUp = 1;
    }

    @Override
    public void databaseFailed(String outbox, Throwable cause) {
        meters(outbox).databaseFailures.increment();
    }

    @Override
    public void measured(String outbox, Backlog backlog, int blockedKeys) {
        OutboxMeters meters = meters(outbox);
        meters.pending = backlog.pending();
        meters.deadNow = backlog.dead();
        meters.oldestSeconds = backlog.oldestAge().toMillis() / 1000.0;
        meters.oldestTransactionSeconds = backlog.oldestTransaction().toMillis() / 1000.0;
        meters.blockedKeys = blockedKeys;
    }

    @Override
    public void waitingKeys(String outbox, int keys, int most) {
        meters(outbox).waitingKeys = keys;
    }

    @Override
    public void workerFailed(String outbox, Throwable cause) {
        meters(outbox).workerFailures.increment();
    }

    @Override
    public void unconsumed(String outbox, long events, Duration oldest) {
        meters(outbox).unconsumed = events;
        meters(outbox).unconsumedOldestSeconds = oldest.toMillis() / 1000.0;
    }

    @Override
    public void purged(String outbox, int events) {
        meters(outbox).purged.increment(events);
    }
}
