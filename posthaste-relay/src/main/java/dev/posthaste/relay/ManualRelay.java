package dev.posthaste.relay;

import dev.posthaste.journal.Claim;
import dev.posthaste.journal.LeaseLostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A relay without threads, for tests and simulations: it moves when {@link #pass} is called, on the caller's thread, with
 * the same leases and pumps as a {@link Relay}. Not thread-safe.
 */
public final class ManualRelay {
    private final Leases leases;
    private final List<PumpParts> outboxes;
    private final Map<String, Running> running = new HashMap<>();
    private final Map<String, UnconsumedWatch> unconsumed = new HashMap<>();

    private record Running(Claim claim, Pump pump) {}

    ManualRelay(Leases leases, List<PumpParts> outboxes) {
        this.leases = leases;
        this.outboxes = outboxes;
    }

    /** Looks after the leases and gives every owned outbox one pass; returns whether anything moved. */
    public boolean pass() {
        keepLeases();
        return passWithoutLeases();
    }

    /** Renews what is due, and looks whether to take or give up something. */
    public void keepLeases() {
        leases.all().forEach(Lease::workedOn);
        leases.runOnce();
    }

    /**
     * Looks for events of owned outboxes that nobody has consumed, where they are tracked, and deletes those that were
     * done with long ago.
     *
     * @throws dev.posthaste.journal.JournalException if the database failed
     */
    public void keepHouse() {
        for (PumpParts parts : outboxes) {
            String outbox = parts.outbox().name();
            if (owns(outbox)) {
                if (parts.outbox().tracked()) {
                    unconsumed
                            .computeIfAbsent(outbox, name -> new UnconsumedWatch(parts))
                            .runOnce(() -> owns(outbox));
                }
                if (leases.lease(outbox).dispute() == null) {
                    new Retention(parts).runOnce(() -> owns(outbox));
                }
            }
        }
    }

    /** As {@link #pass}, but as if the thread that renews the leases stood still. */
    public boolean passWithoutLeases() {
        boolean moved = false;
        for (PumpParts parts : outboxes) {
            Lease lease = leases.lease(parts.outbox().name());
            Claim claim = lease.claim();
            if (claim == null) {
                running.remove(parts.outbox().name());
            } else {
                moved |= pass(parts, lease, claim);
            }
        }
        return moved;
    }

    private boolean pass(PumpParts parts, Lease lease, Claim claim) {
        String outbox = parts.outbox().name();
        Running current = running.get(outbox);
        if (current == null || !current.claim().equals(claim)) {
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
            current.pump().hint();
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
