package dev.posthaste.relay;

import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.relay.internal.ManualRelay;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** See {@link ManualRelay}. Not thread-safe. */
final class ThreadlessRelay implements ManualRelay {
    private final Leases leases;
    private final List<OutboxRuntime> outboxes;
    private final Map<String, Running> running = new HashMap<>();
    private final Map<String, Housekeeping> housekeeping = new LinkedHashMap<>();

    private record Running(Claim claim, Pump pump) {}

    ThreadlessRelay(Leases leases, List<OutboxRuntime> outboxes) {
        this.leases = leases;
        this.outboxes = outboxes;
        for (OutboxRuntime parts : outboxes) {
            String outbox = parts.outbox().name();
            housekeeping.put(outbox, new Housekeeping(parts, leases.lease(outbox), Duration.ZERO));
        }
    }

    @Override
    public boolean pass() {
        leases.all().forEach(Lease::workedOn);
        keepLeases();
        return passWithoutLeases();
    }

    @Override
    public void keepLeases() {
        leases.runOnce();
    }

    @Override
    public void keepHouse() {
        housekeeping.forEach((outbox, each) -> {
            if (owns(outbox)) {
                each.runOnce(() -> owns(outbox));
            }
        });
    }

    @Override
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
            parts.prepareBroker();
            current = new Running(claim, new Pump(parts, claim, lease));
            running.put(outbox, current);
        }
        try {
            boolean moved = current.pump().pass();
            if (lease.isReleasing()) {
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

    @Override
    public void wake(String outbox) {
        Running current = running.get(outbox);
        if (current != null) {
            current.pump().wake();
        }
    }

    @Override
    public boolean owns(String outbox) {
        return leases.lease(outbox).claim() != null;
    }

    @Override
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
