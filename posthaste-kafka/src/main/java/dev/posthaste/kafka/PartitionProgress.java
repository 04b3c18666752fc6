package dev.posthaste.kafka;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How far the messages of one assigned partition have come: which offset may be committed, though they are answered in
 * any order, and how many bytes of them wait. Thread-safe.
 */
final class PartitionProgress {
    private final AtomicLong waitingOfAll;

    // All guarded by this.
    private final TreeMap<Long, Integer> unanswered = new TreeMap<>(); // each with its bytes
    private final Set<Long> running = new HashSet<>();
    private long bytes;
    private long next = -1;
    private long committed = -1;
    private boolean revoked;

    /** @param waitingOfAll the bytes that wait in memory, of this partition and others; kept up to date here */
    PartitionProgress(AtomicLong waitingOfAll) {
        this.waitingOfAll = waitingOfAll;
    }

    /** A message was read. */
    synchronized void begin(long offset, int size) {
        unanswered.put(offset, size);
        bytes += size;
        waitingOfAll.addAndGet(size);
        next = offset + 1;
    }

    /** Everything up to this offset needs no answer any more, although it was never begun. */
    synchronized void passed(long offset) {
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
        release(unanswered.remove(offset));
        running.remove(offset);
        notifyAll();
    }

    /** Not handled: it, and everything after it, stays uncommitted. */
    synchronized void abandon(long offset) {
        release(unanswered.replace(offset, 0));
        running.remove(offset);
        revoked = true;
        notifyAll();
    }

    private void release(@Nullable Integer size) {
        if (size != null) {
            bytes -= size;
            waitingOfAll.addAndGet(-size);
        }
    }

    synchronized boolean isIdle() {
        return unanswered.isEmpty();
    }

    /** Whether more than so many messages wait, or more than so many bytes of them. */
    synchronized boolean hasWaiting(int messages, long bytes) {
        return unanswered.size() > messages || this.bytes > bytes;
    }

    /** The offset to commit, or null when that is done: everything before it was answered. */
    synchronized @Nullable Long toCommit() {
        long offset = unanswered.isEmpty() ? next : unanswered.firstKey();
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
