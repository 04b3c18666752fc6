package dev.posthaste.kafka;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How far the messages of one assigned partition have come: which offset may be committed, though they are answered in
 * any order. Thread-safe.
 */
final class PartitionProgress {
    // All guarded by this.
    private final TreeSet<Long> unanswered = new TreeSet<>();
    private final Set<Long> running = new HashSet<>();
    private long next = -1;
    private long committed = -1;
    private boolean revoked;

    /** A message was read. */
    synchronized void begin(long offset) {
        unanswered.add(offset);
        next = offset + 1;
    }

    /** An attempt at a message is to be made; returns false when the partition is somebody else's now. */
    synchronized boolean start(long offset) {
        if (revoked) {
            return false;
        }
        running.add(offset);
        return true;
    }

    synchronized void done(long offset) {
        unanswered.remove(offset);
        running.remove(offset);
        notifyAll();
    }

    /** Not handled: it, and everything after it, stays uncommitted. */
    synchronized void abandon(long offset) {
        running.remove(offset);
        revoked = true;
        notifyAll();
    }

    synchronized int waiting() {
        return unanswered.size();
    }

    /** The offset to commit, or null when that is done: everything before it was answered. */
    synchronized @Nullable Long toCommit() {
        long offset = unanswered.isEmpty() ? next : unanswered.first();
        if (offset < 0 || offset == committed) {
            return null;
        }
        committed = offset;
        return offset;
    }

    synchronized void commitFailed() {
        committed = -1;
    }

    synchronized void revoke() {
        revoked = true;
        notifyAll();
    }

    /** Waits until no attempt is running, until {@code end} on the monotonic clock. */
    synchronized void awaitRunning(long end) {
        try {
            for (long left = end - System.nanoTime(); left > 0 && !running.isEmpty(); left = end - System.nanoTime()) {
                wait(Math.max(1, left / 1_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
