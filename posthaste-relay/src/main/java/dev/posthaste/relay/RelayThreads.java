package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of a {@link Relay}: two for each outbox, one for the leases, one for housekeeping. They are started once and
 * stopped once, by one thread at a time.
 */
final class RelayThreads {
    private static final Logger log = LoggerFactory.getLogger(Relay.class);
    private static final Duration PURGE_EVERY = Duration.ofMinutes(1);

    private final String relay;
    private final Leases leases;
    private final Duration measureEvery;
    private final Duration stopTimeout;
    private final List<ExecutorService> settlers = new ArrayList<>();
    private final Map<OutboxWorker, Thread> workers = new LinkedHashMap<>();
    private final Map<OutboxWorker, Housekeeping> housekeeping = new LinkedHashMap<>();
    private final Thread leaseThread = thread(this::keepLeases, "leases");
    private final Thread housekeepingThread = thread(this::keepHouse, "housekeeping");
    private volatile boolean stopping;

    /**
     * @param relay the relay's name, for the log
     * @param measureEvery how often housekeeping runs
     */
    RelayThreads(String relay, Leases leases, Duration measureEvery, Duration stopTimeout) {
        this.relay = relay;
        this.leases = leases;
        this.measureEvery = measureEvery;
        this.stopTimeout = stopTimeout;
    }

    /** A thread that settles the events of an outbox. */
    Executor settler(OutboxDefinition outbox) {
        ExecutorService settler = Executors.newSingleThreadExecutor(work -> thread(work, outbox.name() + "-settler"));
        settlers.add(settler);
        return settler;
    }

    /** Adds a worker and its thread; before {@link #start}. */
    void add(OutboxWorker worker) {
        OutboxRuntime parts = worker.parts();
        String outbox = parts.outbox().name();
        workers.put(worker, thread(worker, outbox));
        housekeeping.put(worker, new Housekeeping(parts, leases.lease(outbox), PURGE_EVERY));
    }

    private static Thread thread(Runnable work, String what) {
        Thread thread = new Thread(work, "posthaste-relay-" + what);
        thread.setDaemon(true);
        return thread;
    }

    void start() {
        leaseThread.start();
        workers.values().forEach(Thread::start);
        housekeepingThread.start();
    }

    // --- What they do ------------------------------------------------------------------------------------------------

    private void keepLeases() {
        while (isNeeded()) {
            long wait = 100_000_000L;
            try {
                wait = leases.runOnce();
            } catch (Throwable e) {
                log.error("Relay {}: the leases could not be checked and renewed", relay, e);
            }
            if (!sleep(wait / 1_000_000)) {
                return;
            }
        }
    }

    private void keepHouse() {
        while (!stopping) {
            housekeeping.forEach(this::keepHouse);
            if (!sleep(measureEvery.toMillis())) {
                return;
            }
        }
    }

    private void keepHouse(OutboxWorker worker, Housekeeping its) {
        if (!worker.owns()) {
            return;
        }
        String outbox = worker.parts().outbox().name();
        try {
            its.measure(worker.blockedKeys(), worker.waitingKeys());
            its.runOnce(() -> !stopping && worker.owns());
        } catch (StoreException e) {
            worker.parts().listener().databaseFailed(outbox, e);
        } catch (Throwable e) {
            log.error("Outbox {}: measuring its backlog or running its retention failed", outbox, e);
        }
    }

    /** The leases are renewed until the last worker has ended. */
    private boolean isNeeded() {
        return !stopping || workers.values().stream().anyMatch(Thread::isAlive);
    }

    /** @return false if the thread is to end */
    private boolean sleep(long millis) {
        try {
            Thread.sleep(millis);
            return true;
        } catch (InterruptedException e) {
            return isNeeded();
        }
    }

    // --- How they end ------------------------------------------------------------------------------------------------

    /** Ends all threads, in the order that the relay promises, within the stop timeout and a few seconds. */
    void stop() {
        stopping = true;
        leases.stopTaking();
        workers.keySet().forEach(OutboxWorker::stop);
        long bound = stopTimeout.toMillis() + 2_000;
        workers.values().forEach(thread -> join(thread, bound));
        settlers.forEach(RelayThreads::end);
        housekeepingThread.interrupt();
        leaseThread.interrupt();
        join(leaseThread, 2_000);
        join(housekeepingThread, 2_000);
        Thread withdrawal = thread(this::withdraw, "withdraw"); // the database may hang
        withdrawal.start();
        join(withdrawal, 2_000);
    }

    private void withdraw() {
        workers.keySet().forEach(OutboxWorker::releaseUnworked);
        leases.withdraw();
    }

    private static void end(ExecutorService settler) {
        settler.shutdownNow();
        try {
            settler.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread, long millis) {
        try {
            thread.join(millis);
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(1_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
