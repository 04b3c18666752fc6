package dev.posthaste.relay;

import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The verdicts that are not written yet. One batch at a time is with the settler, which writes it on its own thread;
 * the result comes back as a {@link Signal}. Confined to the pump's thread otherwise.
 */
final class VerdictQueue {
    private static final long FIRST_LOCKED_PAUSE_NANOS = 100_000_000L;
    private static final long MAX_LOCKED_PAUSE_NANOS = 5_000_000_000L;

    private final OutboxRuntime parts;
    private final Claim claim;
    private final Consumer<Signal> signals;
    private final List<Verdict> waiting = new ArrayList<>();
    private List<Verdict> settling = List.of();
    private long settlingSince;
    /** Verdicts whose rows another transaction has locked, and when they are tried again. */
    private final List<Verdict> locked = new ArrayList<>();

    private long lockedPauseNanos = FIRST_LOCKED_PAUSE_NANOS;
    private long lockedUntil;

    /** @param signals is given the result of writing a batch, on the settler's thread */
    VerdictQueue(OutboxRuntime parts, Claim claim, Consumer<Signal> signals) {
        this.parts = parts;
        this.claim = claim;
        this.signals = signals;
    }

    void add(Verdict verdict) {
        waiting.add(verdict);
    }

    boolean isEmpty() {
        return waiting.isEmpty() && settling.isEmpty() && locked.isEmpty();
    }

    /** Whether the queue is full and no further events should be dispatched. */
    boolean isFull() {
        return waiting.size() >= parts.settings().batch()
                || locked.size() >= parts.settings().window();
    }

    /** Hands the next batch to the settler, if it has none; returns its size. */
    int settleNext() {
        if (!settling.isEmpty()) {
            return 0;
        }
        long now = parts.clock().getAsLong();
        if (!locked.isEmpty() && now - lockedUntil >= 0) {
            waiting.addAll(locked);
            locked.clear();
        }
        if (waiting.isEmpty()) {
            return 0;
        }
        int size = Math.min(waiting.size(), parts.settings().batch());
        List<Verdict> batch = List.copyOf(waiting.subList(0, size));
        waiting.subList(0, size).clear();
        settling = batch;
        settlingSince = now;
        parts.settler().execute(() -> signals.accept(write(batch)));
        return size;
    }

    /** Runs on the settler's thread. */
    private Signal write(List<Verdict> batch) {
        long start = parts.clock().getAsLong();
        try {
            OutboxStore.Settled settled = parts.store().settle(claim, batch);
            return new Signal.Settled(settled, parts.clock().getAsLong() - start);
        } catch (Throwable e) {
            return new Signal.NotSettled(e);
        }
    }

    /** The batch was written, except for the rows that are locked; returns the verdicts that were. */
    List<Verdict> settled(Set<Long> lockedIds) {
        List<Verdict> written = new ArrayList<>(settling.size());
        for (Verdict verdict : settling) {
            if (lockedIds.contains(verdict.id())) {
                locked.add(verdict);
            } else {
                written.add(verdict);
            }
        }
        settling = List.of();
        if (locked.isEmpty()) {
            lockedPauseNanos = FIRST_LOCKED_PAUSE_NANOS;
        } else if (!lockedIds.isEmpty()) {
            lockedUntil = parts.clock().getAsLong() + lockedPauseNanos;
            lockedPauseNanos = Math.min(2 * lockedPauseNanos, MAX_LOCKED_PAUSE_NANOS);
        }
        return written;
    }

    /** The batch was not written, as far as is known: it is the next one again. */
    void notSettled() {
        waiting.addAll(0, settling);
        settling = List.of();
    }

    /** When verdicts on locked rows are tried again, or {@link Long#MAX_VALUE}. */
    long nextAt() {
        return locked.isEmpty() || !settling.isEmpty() ? Long.MAX_VALUE : lockedUntil;
    }

    /** Whether a batch has been with the settler for longer than this. */
    boolean settlesFor(long nanos) {
        return !settling.isEmpty() && parts.clock().getAsLong() - settlingSince > nanos;
    }
}
