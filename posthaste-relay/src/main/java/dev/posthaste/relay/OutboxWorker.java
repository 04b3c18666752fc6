package dev.posthaste.relay;

import dev.posthaste.journal.Claim;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.LeaseLostException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Pumps one outbox whenever the relay owns it. Runs on a thread of the relay's. */
final class OutboxWorker implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(OutboxWorker.class);
    private static final long FIRST_BACKOFF_MILLIS = 100;
    private static final long LONGEST_BACKOFF_MILLIS = 5_000;
    private static final long FIRST_REST_NANOS = 1_000_000_000L;
    private static final long LONGEST_REST_NANOS = 30_000_000_000L;

    private final PumpParts parts;
    private final Leases leases;
    private final Lease lease;
    private final UnconsumedWatch unconsumedWatch;
    private final AtomicReference<Pump> pump = new AtomicReference<>();
    private final Object wakeUp = new Object();
    private long rest = FIRST_REST_NANOS;
    private volatile boolean stopping;

    OutboxWorker(PumpParts parts, Leases leases) {
        this.parts = parts;
        this.leases = leases;
        this.lease = leases.lease(parts.outbox().name());
        this.unconsumedWatch = new UnconsumedWatch(parts);
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
    }

    /** Another relay may have more luck; this one tries again after a rest. */
    private void failed(Throwable cause) {
        lease.restUntil(parts.clock().getAsLong() + rest);
        rest = Math.min(2 * rest, LONGEST_REST_NANOS);
        try {
            Claim claim = lease.claim();
            if (claim != null) {
                leases.release(lease, claim);
            }
            parts.listener().workerFailed(parts.outbox().name(), cause);
        } catch (Throwable e) {
            cause.addSuppressed(e); // told next time, if it fails again
        }
    }

    private void idle() throws InterruptedException {
        synchronized (wakeUp) {
            if (!stopping && lease.claim() == null) {
                wakeUp.wait(20);
            }
        }
    }

    private void work(Claim claim) throws InterruptedException {
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
        }
    }

    private void runUntilItEnds(Pump mine, Claim claim) throws InterruptedException {
        long backoff = FIRST_BACKOFF_MILLIS;
        while (!stopping && !lease.givingUp()) {
            if (!claim.equals(lease.claim())) {
                throw new LeaseLostException(claim);
            }
            try {
                workedOn(mine);
                if (!mine.pass()) {
                    mine.await();
                }
                backoff = FIRST_BACKOFF_MILLIS;
                rest = FIRST_REST_NANOS;
            } catch (JournalException e) {
                parts.listener().databaseFailed(parts.outbox().name(), e);
                pause(backoff);
                backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MILLIS);
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
        synchronized (wakeUp) {
            if (!stopping) {
                wakeUp.wait(millis);
            }
        }
    }

    /** Waits for what is at the broker, within the bound. What stays open is published again by the next owner. */
    private void drain(Pump mine, Claim claim) throws InterruptedException {
        mine.drain();
        long deadline =
                parts.clock().getAsLong() + parts.settings().stopTimeout().toNanos();
        while (!mine.drained() && parts.clock().getAsLong() - deadline < 0 && claim.equals(lease.claim())) {
            try {
                workedOn(mine);
                if (!mine.pass()) {
                    mine.await();
                }
            } catch (JournalException e) {
                Thread.sleep(FIRST_BACKOFF_MILLIS);
            }
        }
        if (!mine.drained()) {
            log.warn(
                    "Outbox {}: {} events were still at the broker after {}; the next owner sends them again",
                    parts.outbox().name(),
                    mine.inFlight(),
                    parts.settings().stopTimeout());
        }
    }

    /** Something was committed: look at once. Called by any thread. */
    void hint() {
        Pump current = pump.get();
        if (current != null) {
            current.hint();
        }
    }

    /** Called by any thread; {@link #run} ends within the stop timeout. */
    void stop() {
        stopping = true;
        synchronized (wakeUp) {
            wakeUp.notifyAll();
        }
        hint();
    }

    int blockedKeys() {
        Pump current = pump.get();
        return current == null ? 0 : current.blockedKeys();
    }

    int waitingKeys() {
        Pump current = pump.get();
        return current == null ? 0 : current.waitingKeys();
    }

    /** Whether another relay sees the outbox otherwise than this one. */
    boolean disputed() {
        return lease.dispute() != null;
    }

    boolean owns() {
        return pump.get() != null;
    }

    PumpParts parts() {
        return parts;
    }

    /** The housekeeping thread's. */
    UnconsumedWatch unconsumedWatch() {
        return unconsumedWatch;
    }
}
