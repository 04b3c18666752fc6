package dev.posthaste.server;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.server.config.Config.OutboxConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Polls every outbox and remembers an hour of it: what waits, what is dead, how fast events come and go, whichever
 * relay publishes them. What takes long is done rarely: a look, or a count of a whole outbox, is followed by a rest of
 * twenty times its own duration. One thread for each database, so that one that hangs hides no other. Thread-safe.
 */
public final class OutboxMonitor implements RelayListener, AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(2);
    private static final Duration COUNT_EVERY = Duration.ofSeconds(15);
    private static final int REST = 20;
    private static final int REMEMBERED = 1_800;

    private final Map<String, Subject> subjects = new LinkedHashMap<>();
    private final List<ScheduledExecutorService> threads = new ArrayList<>();

    /** One look. Rates are per second, since the previous look; never negative. */
    public record Sample(Instant at, long pending, long dead, double written, double done) {}

    /** The broker's state when this process last used it. */
    public record BrokerState(boolean up, @Nullable String reason, Instant since) {}

    /** Why an outbox cannot be looked at, and since when. */
    public record Failure(String reason, Instant since) {}

    /**
     * An outbox's state in its database.
     *
     * @param at when it was looked at last
     * @param failure null while it can be looked at
     * @param counts every status with its number, as of {@code countedAt}; empty before the first count
     */
    public record State(
            Instant at,
            @Nullable Failure failure,
            OutboxStore.@Nullable Backlog backlog,
            @Nullable LeaseState lease,
            Map<Status, Long> counts,
            @Nullable Instant countedAt) {
        private State failed(String reason) {
            Instant since = failure == null ? Instant.now() : failure.since();
            return new State(at, new Failure(reason, since), backlog, lease, counts, countedAt);
        }

        private State counted(Map<Status, Long> now) {
            return new State(at, failure, backlog, lease, now, Instant.now());
        }
    }

    private static final class Subject {
        final OutboxConfig config;
        final OperatorStore store;
        final Deque<Sample> samples = new ArrayDeque<>(); // guarded by itself
        volatile State state = new State(Instant.now(), null, null, null, Map.of(), null);
        volatile @Nullable BrokerState broker;
        volatile boolean hinted;
        // Confined to the polling thread:
        long nextLookAt = System.nanoTime();
        long nextCountAt = System.nanoTime();
        long seenId = -1;
        long seenPending;
        long seenAt;

        Subject(OutboxConfig config, OperatorStore store) {
            this.config = config;
            this.store = store;
        }
    }

    OutboxMonitor(Deployment deployment) {
        for (Deployment.OpenDatabase database : deployment.databases().values()) {
            List<Subject> its = new ArrayList<>();
            for (OutboxConfig outbox : database.outboxes()) {
                Subject subject = new Subject(
                        outbox, deployment.admin().outbox(outbox.name()).store());
                its.add(subject);
                subjects.put(outbox.name(), subject);
            }
            ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
                Thread created =
                        new Thread(work, "posthaste-watch-" + database.config().name());
                created.setDaemon(true);
                return created;
            });
            thread.scheduleWithFixedDelay(() -> its.forEach(OutboxMonitor::look), 0, 250, TimeUnit.MILLISECONDS);
            threads.add(thread);
        }
    }

    private static void look(Subject subject) {
        long start = System.nanoTime();
        boolean hinted = subject.hinted;
        if (!hinted && start - subject.nextLookAt < 0) {
            return;
        }
        if (hinted) {
            subject.hinted = false;
        }
        State before = subject.state;
        try {
            OutboxStore.Backlog backlog = subject.store.backlog();
            LeaseState lease = subject.store.lease();
            sample(subject, backlog);
            State now = new State(Instant.now(), null, backlog, lease, before.counts(), before.countedAt());
            subject.state = now;
            subject.nextLookAt = after(start, EVERY);
            if (hinted || System.nanoTime() - subject.nextCountAt >= 0) {
                long counting = System.nanoTime();
                subject.state = now.counted(subject.store.counts());
                subject.nextCountAt = after(counting, COUNT_EVERY);
            }
        } catch (RuntimeException e) {
            subject.seenId = -1;
            subject.state = before.failed(String.valueOf(e.getMessage()));
            subject.nextLookAt = after(start, EVERY);
        }
    }

    /** When to repeat what began at {@code start} and ends now. */
    private static long after(long start, Duration atLeast) {
        long now = System.nanoTime();
        return now + Math.max(atLeast.toNanos(), REST * (now - start));
    }

    /** New ids were written; what was pending and no longer is, is done. */
    private static void sample(Subject subject, OutboxStore.Backlog backlog) {
        long highest = subject.store.highestId();
        long now = System.nanoTime();
        double written = 0;
        double done = 0;
        if (subject.seenId >= 0) {
            double seconds = (now - subject.seenAt) / 1e9;
            long fresh = highest <= subject.seenId
                    ? 0
                    : subject.store
                            .count(EventFilter.all(), subject.seenId, highest)
                            .events();
            written = fresh / seconds;
            done = Math.max(0, fresh + subject.seenPending - backlog.pending()) / seconds;
        }
        subject.seenId = Math.max(highest, subject.seenId);
        subject.seenPending = backlog.pending();
        subject.seenAt = now;
        synchronized (subject.samples) {
            subject.samples.addLast(new Sample(Instant.now(), backlog.pending(), backlog.dead(), written, done));
            if (subject.samples.size() > REMEMBERED) {
                subject.samples.removeFirst();
            }
        }
    }

    private Subject subject(String outbox) {
        return Objects.requireNonNull(subjects.get(outbox), outbox);
    }

    public State state(String outbox) {
        return subject(outbox).state;
    }

    /** Null while this process does not relay this outbox. */
    public @Nullable BrokerState broker(String outbox) {
        return subject(outbox).broker;
    }

    public Diagnosis diagnosis(String outbox) {
        return Diagnosis.of(config(outbox), state(outbox), broker(outbox), Instant.now());
    }

    public OutboxConfig config(String outbox) {
        return subject(outbox).config;
    }

    public List<String> outboxes() {
        return List.copyOf(subjects.keySet());
    }

    /** What was seen after {@code since}, oldest first. */
    public List<Sample> samples(String outbox, Instant since) {
        Subject subject = subject(outbox);
        synchronized (subject.samples) {
            return subject.samples.stream()
                    .filter(sample -> sample.at().isAfter(since))
                    .toList();
        }
    }

    /** Looks again immediately: something was just changed. */
    public void hint(String outbox) {
        subject(outbox).hinted = true;
    }

    /** Stops polling; a look at a database that hangs is abandoned after a second. */
    @Override
    public void close() {
        threads.forEach(ScheduledExecutorService::shutdownNow);
        try {
            for (ScheduledExecutorService thread : threads) {
                thread.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // --- What the relay of this process reports ----------------------------------------------------------------------

    @Override
    public void leaseTaken(String outbox, long epoch) {
        subject(outbox).broker = new BrokerState(true, null, Instant.now());
    }

    @Override
    public void leaseLost(String outbox, long epoch) {
        subject(outbox).broker = null;
    }

    @Override
    public void leaseReleased(String outbox, long epoch) {
        subject(outbox).broker = null;
    }

    @Override
    public void brokerUnavailable(String outbox, String reason) {
        subject(outbox).broker = new BrokerState(false, reason, Instant.now());
    }

    @Override
    public void brokerAvailable(String outbox) {
        subject(outbox).broker = new BrokerState(true, null, Instant.now());
    }
}
