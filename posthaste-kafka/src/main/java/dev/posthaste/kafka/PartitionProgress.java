package dev.posthaste.kafka;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How far the handling of one assigned partition has come: which offset may be committed, although messages are answered
 * in any order, and how many messages and bytes are waiting. Thread-safe.
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

    /** @param waitingOfAll the bytes that wait in memory, of all partitions; this partition's share is kept up to date here */
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

    /** Everything up to this offset was skipped: it never begins and needs no answer. */
    synchronized void passed(long offset) {
        next = offset + 1;
    }

    /** An attempt at a message is about to start. Returns false if the partition now belongs to another member. */
    synchronized boolean start(long offset) {
        if (revoked) {
            return false;
        }
        running.add(offset);
        return true;
    }

    /** The attempt is over, and the next comes later. */
    synchronized void stop(long offset) {
        running.remove(offset);
        notifyAll();
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

    synchronized boolean isRunning() {
        return !running.isEmpty();
    }

    synchronized boolean isIdle() {
        return unanswered.isEmpty();
    }

    /** Whether more than this many messages are waiting, or more than this many bytes. */
    synchronized boolean hasWaiting(int messages, long bytes) {
        return unanswered.size() > messages || this.bytes > bytes;
    }

    /** The offset to commit: everything before it has been answered. Null if that is already committed. */
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
