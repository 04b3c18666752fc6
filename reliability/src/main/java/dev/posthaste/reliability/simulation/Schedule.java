package dev.posthaste.reliability.simulation;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The simulated time, and what is to happen when. Everything runs on the caller's thread. A node that waits for somebody
 * in the middle of its work may let others go first: they run inside that wait, and it goes on when they are done.
 */
final class Schedule {
    private static final int DEEPEST = 3;
    private static final long BUSY_NANOS = 1_000_000L;

    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private final Set<Object> busy = Collections.newSetFromMap(new IdentityHashMap<>());
    private long now = 1_000_000_000L;
    private long sequence;
    private int depth;
    private @Nullable Throwable failure;
    private final @Nullable Consumer<String> history;

    /** @param history hears what happens, line by line, with the time; null where nobody reads it */
    Schedule(@Nullable Consumer<String> history) {
        this.history = history;
    }

    /** @param actor a thread of the node's: it does one thing at a time */
    private record Task(long at, long sequence, Node node, Object actor, Runnable work) implements Comparable<Task> {
        @Override
        public int compareTo(Task other) {
            return at == other.at ? Long.compare(sequence, other.sequence) : Long.compare(at, other.at);
        }
    }

    long now() {
        return now;
    }

    /** Says that something happened. */
    void happened(String what, @Nullable Object... of) {
        if (history != null) {
            history.accept("%,15d  ".formatted(now / 1000) + "  ".repeat(depth) + what.formatted(of));
        }
    }

    void pass(long nanos) {
        now += nanos;
    }

    void in(long nanos, Node node, Object actor, Runnable work) {
        tasks.add(new Task(now + nanos, sequence++, node, actor, work));
    }

    /** Does what is next, whatever time it is for; that of dead nodes is dropped, that of paused ones put off. */
    void step() {
        Task task = tasks.remove();
        now = Math.max(now, task.at());
        Node node = task.node();
        if (node.dead()) {
            return;
        }
        if (node.pausedUntil() > now) {
            in(node.pausedUntil() - now, node, task.actor(), task.work());
        } else if (busy.add(task.actor())) {
            try {
                task.work().run();
            } catch (Node.CrashError e) {
                // with everything that it was doing
            } catch (RuntimeException | Error e) {
                failed(e);
                throw e;
            } finally {
                busy.remove(task.actor());
            }
        } else {
            in(BUSY_NANOS, node, task.actor(), task.work());
        }
    }

    /** Remembers what went wrong, for whoever it is thrown to may handle it. */
    void failed(Throwable cause) {
        failure = failure == null ? cause : failure;
    }

    /**
     * What went wrong in some step, be it one inside another: whoever let it go first may have taken it for an error of his
     * own, and handled it.
     */
    @Nullable
    Throwable failure() {
        return failure;
    }

    /** Whether something is to happen by then. */
    private boolean hasNext(long until) {
        Task next = tasks.peek();
        return next != null && next.at() <= until;
    }

    /** Lets a number of things happen first. */
    void letOthersGo(int steps) {
        if (depth < DEEPEST) {
            depth++;
            try {
                for (int i = 0; i < steps && !tasks.isEmpty(); i++) {
                    step();
                }
            } finally {
                depth--;
            }
        }
    }

    /** The node is paused where it is, while others continue. */
    void standStill(Node node, long nanos) {
        if (depth < DEEPEST) {
            happened("%s is paused for %d ms", node, nanos / 1_000_000);
            depth++;
            node.pause(now + nanos);
            try {
                while (node.pausedUntil() > now && !node.dead() && hasNext(node.pausedUntil())) {
                    step();
                }
                now = Math.max(now, node.pausedUntil());
            } finally {
                depth--;
            }
        }
    }
}
