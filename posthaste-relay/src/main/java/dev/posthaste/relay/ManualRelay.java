package dev.posthaste.relay;

import dev.posthaste.store.Claim;
import dev.posthaste.store.LeaseLostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A relay without threads, for tests and simulations: it moves when {@link #pass} is called, on the caller's thread, with
 * the same leases and pumps as a {@link Relay}. Not thread-safe.
 */
public final class ManualRelay {
    private final Leases leases;
    private final List<OutboxRuntime> outboxes;
    private final Map<String, Running> running = new HashMap<>();
    private final Map<String, Housekeeping> housekeeping = new LinkedHashMap<>();

    private record Running(Claim claim, Pump pump) {}

    ManualRelay(Leases leases, List<OutboxRuntime> outboxes) {
        this.leases = leases;
        this.outboxes = outboxes;
        for (OutboxRuntime parts : outboxes) {
            String outbox = parts.outbox().name();
            housekeeping.put(outbox, new Housekeeping(parts, leases.lease(outbox), Duration.ZERO));
        }
    }

    /** Looks after the leases and gives every owned outbox one pass; returns whether anything moved. */
    public boolean pass() {
        leases.all().forEach(Lease::workedOn);
        keepLeases();
        return passWithoutLeases();
    }

    /**
     * Renews what is due, and looks whether to take or give up something. As in a relay with threads, the lease of an outbox
     * that gets no pass is not renewed for long.
     */
    public void keepLeases() {
        leases.runOnce();
    }

    /**
     * Looks for events of owned outboxes that nobody has consumed, where they are tracked, and deletes those that were
     * done with long ago.
     *
     * @throws dev.posthaste.store.StoreException if the database failed
     */
    public void keepHouse() {
        housekeeping.forEach((outbox, each) -> {
            if (owns(outbox)) {
                each.runOnce(() -> owns(outbox));
            }
        });
    }

    /** As {@link #pass}, but as if the thread that renews the leases were paused. */
    public boolean passWithoutLeases() {
        boolean moved = false;
        for (OutboxRuntime parts : outboxes) {
            Lease lease = leases.lease(parts.outbox().name());
            Claim claim = lease.claim();
            lease.workedOn();
            if (claim == null) {
                running.remove(parts.outbox().name());
            } else {
                moved |= pass(parts, lease, claim);
            }
        }
        return moved;
    }

    private boolean pass(OutboxRuntime parts, Lease lease, Claim claim) {
        String outbox = parts.outbox().name();
        Running current = running.get(outbox);
        if (current == null || !lease.holds(current.claim())) {
            current = new Running(claim, new Pump(parts, claim, lease));
            running.put(outbox, current);
        }
        try {
            boolean moved = current.pump().pass();
            if (lease.givingUp()) {
                current.pump().drain();
                if (current.pump().drained()) {
                    leases.release(lease, claim);
                }
            }
            return moved;
        } catch (LeaseLostException e) {
            leases.lost(lease, claim);
            running.remove(outbox);
            return false;
        }
    }

    /** Says that events were committed to an outbox. */
    public void wake(String outbox) {
        Running current = running.get(outbox);
        if (current != null) {
            current.pump().wake();
        }
    }

    /** Whether this relay believes that it owns the outbox. */
    public boolean owns(String outbox) {
        return leases.lease(outbox).claim() != null;
    }

    /** Gives every lease back at once, leaving whatever is at the broker to the next owner. */
    public void release() {
        for (Lease lease : leases.all()) {
            Claim claim = lease.claim();
            if (claim != null) {
                leases.release(lease, claim);
            }
        }
        running.clear();
        leases.withdraw();
    }
}
