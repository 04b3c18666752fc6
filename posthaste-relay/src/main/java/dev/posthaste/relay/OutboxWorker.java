package dev.posthaste.relay;

import dev.posthaste.StoreException;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.text.DurationText;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Pumps one outbox whenever the relay owns it. Runs on one of the relay's threads. */
final class OutboxWorker implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(OutboxWorker.class);
    private static final long FIRST_BACKOFF_MILLIS = 100;
    private static final long MAX_BACKOFF_MILLIS = 5_000;
    private static final long FIRST_REST_NANOS = 1_000_000_000L;
    private static final long MAX_REST_NANOS = 30_000_000_000L;

    private final OutboxRuntime parts;
    private final Leases leases;
    private final Lease lease;
    private final AtomicReference<Pump> pump = new AtomicReference<>();
    private final Object monitor = new Object();
    private long rest = FIRST_REST_NANOS;
    private volatile boolean stopping;
    private volatile boolean ended;

    OutboxWorker(OutboxRuntime parts, Leases leases) {
        this.parts = parts;
        this.leases = leases;
        this.lease = leases.lease(parts.outbox().name());
    }

    @Override
    public void run() {
        while (!stopping) {
            try {
                Claim claim = lease.claim();
                lease.workedOn();
                if (claim == null) {
                    idle();
                } else {
                    work(claim);
                }
            } catch (InterruptedException e) {
                if (!stopping) {
                    log.warn(
                            "Outbox {}: its thread was interrupted, and continues",
                            parts.outbox().name());
                }
            } catch (Throwable e) { // whatever a driver, a format or a lack of memory throws
                failed(e);
            }
        }
        ended = true;
    }

    /** Another relay may succeed; this one tries again after a rest. */
    private void failed(Throwable cause) {
        lease.restUntil(parts.clock().getAsLong() + rest);
        rest = Math.min(2 * rest, MAX_REST_NANOS);
        try {
            Claim claim = lease.claim();
            if (claim != null) {
                leases.release(lease, claim);
            }
            parts.listener().workerFailed(parts.outbox().name(), cause);
        } catch (Throwable e) {
            cause.addSuppressed(e); // reported next time, if it fails again
        }
    }

    private void idle() throws InterruptedException {
        synchronized (monitor) {
            if (!stopping && lease.claim() == null) {
                monitor.wait(20);
            }
        }
    }

    private void work(Claim claim) throws InterruptedException {
        parts.prepareBroker();
        Pump mine = new Pump(parts, claim, lease);
        pump.set(mine);
        try {
            runUntilItEnds(mine, claim);
            drain(mine, claim);
            leases.release(lease, claim);
        } catch (LeaseLostException e) {
            leases.lost(lease, claim);
        } finally {
            pump.set(null);
            mine.tellSettled();
        }
    }

    private void runUntilItEnds(Pump mine, Claim claim) throws InterruptedException {
        long backoff = FIRST_BACKOFF_MILLIS;
        while (!stopping && !lease.isReleasing()) {
            if (!lease.holds(claim)) {
                throw new LeaseLostException(claim);
            }
            try {
                workedOn(mine);
                if (!mine.pass()) {
                    mine.await();
                }
                backoff = FIRST_BACKOFF_MILLIS;
                rest = FIRST_REST_NANOS;
            } catch (StoreException e) {
                parts.listener().databaseFailed(parts.outbox().name(), e);
                pause(backoff);
                backoff = Math.min(backoff * 2, MAX_BACKOFF_MILLIS);
            }
        }
    }

    /** Not while its settler hangs: a relay whose database answers may take over then. */
    private void workedOn(Pump mine) {
        if (!mine.settlesFor(leases.patience().toNanos())) {
            lease.workedOn();
        }
    }

    private void pause(long millis) throws InterruptedException {
        synchronized (monitor) {
            if (!stopping) {
                monitor.wait(millis);
            }
        }
    }

    /** Waits for what is at the broker, within the bound. What stays open is published again by the next owner. */
    private void drain(Pump mine, Claim claim) throws InterruptedException {
        mine.drain();
        long deadline =
                parts.clock().getAsLong() + parts.settings().stopTimeout().toNanos();
        while (!mine.drained() && parts.clock().getAsLong() - deadline < 0 && lease.holds(claim)) {
            try {
                workedOn(mine);
                if (!mine.pass()) {
                    mine.await();
                }
            } catch (StoreException e) {
                Thread.sleep(FIRST_BACKOFF_MILLIS);
            }
        }
        if (!mine.drained()) {
            log.warn(
                    "Outbox {}: stopped while {} events were at the broker, {}; the next owner publishes again what the"
                            + " table does not show as published",
                    parts.outbox().name(),
                    mine.inFlight(),
                    lease.holds(claim)
                            ? "because the stop timeout of "
                                    + DurationText.of(parts.settings().stopTimeout()) + " is over"
                            : "because its lease is lost");
        }
    }

    /** Something was committed: look immediately. Called by any thread. */
    void wake() {
        Pump current = pump.get();
        if (current != null) {
            current.wake();
        }
    }

    /** Called by any thread; {@link #run} ends within the stop timeout. */
    void stop() {
        stopping = true;
        synchronized (monitor) {
            monitor.notifyAll();
        }
        wake();
    }

    /**
     * Gives back what was taken after {@link #run} had ended, by a look for leases that was in progress. The lease of a
     * worker that hangs is left to expire: it may still act.
     */
    void releaseUnworked() {
        Claim claim = lease.claim();
        if (ended && claim != null) {
            leases.release(lease, claim);
        }
    }

    int blockedKeys() {
        Pump current = pump.get();
        return current == null ? 0 : current.blockedKeys();
    }

    int waitingKeys() {
        Pump current = pump.get();
        return current == null ? 0 : current.waitingKeys();
    }

    boolean owns() {
        return pump.get() != null;
    }

    OutboxRuntime parts() {
        return parts;
    }
}
