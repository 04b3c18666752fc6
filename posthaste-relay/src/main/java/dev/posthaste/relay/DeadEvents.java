package dev.posthaste.relay;

import dev.posthaste.internal.store.OutboxStore;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Reads all dead events of an outbox where they block their keys, round after round. Confined to the pump's thread.
 */
final class DeadEvents {
    private static final int PAGE = 5000;
    private static final long GAP_NANOS = 1_000_000_000L;
    private static final long MAX_REST_NANOS = 2_000_000_000L;

    private final OutboxStore store;
    private final KeyGate gate;
    private final LongSupplier clock;
    private boolean known;
    private long from = Long.MIN_VALUE;
    private long nextAt;

    DeadEvents(OutboxStore store, KeyGate gate, LongSupplier clock) {
        this.store = store;
        this.gate = gate;
        this.clock = clock;
        this.nextAt = clock.getAsLong();
    }

    /** When the next page is due. */
    long nextAt() {
        return nextAt;
    }

    /**
     * Reads the next page, and all of them the first time, if that is due.
     *
     * @return whether the keys that are blocked are known, so that other events may be read
     */
    boolean read() {
        boolean more = clock.getAsLong() - nextAt >= 0;
        while (more) {
            readPage();
            more = !known && !gate.crowded();
        }
        return known;
    }

    private void readPage() {
        long now = clock.getAsLong();
        if (from == Long.MIN_VALUE) {
            gate.blockedKeys().beginRound();
        }
        List<OutboxStore.DeadEvent> dead = store.dead(from, PAGE);
        dead.forEach(each -> gate.blockedKeys().met(each.key(), each.id()));
        long end = clock.getAsLong();
        boolean roundOver = dead.size() < PAGE;
        if (roundOver) {
            gate.blockedKeys().endRound(end);
            known = true;
        }
        from = roundOver ? Long.MIN_VALUE : dead.get(dead.size() - 1).id();
        nextAt = end + Math.max(roundOver ? GAP_NANOS : 0, Math.min(4 * (end - now), MAX_REST_NANOS));
    }
}
