package dev.posthaste.reliability.simulation;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The simulated time, and what is scheduled. Everything runs on the caller's thread. A node that waits in the middle of
 * its work may run other nodes first: they run inside that wait, and it continues when they are done.
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

    /** @param history receives what happens, line by line, with the time; null for no history */
    Schedule(@Nullable Consumer<String> history) {
        this.history = history;
    }

    /** @param actor one of the node's threads, which does one thing at a time */
    private record Task(long at, long sequence, Node node, Object actor, Runnable work) implements Comparable<Task> {
        @Override
        public int compareTo(Task other) {
            return at == other.at ? Long.compare(sequence, other.sequence) : Long.compare(at, other.at);
        }
    }

    long now() {
        return now;
    }

    /** Records an event in the history. */
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

    /** Runs the next task, whatever its time; tasks of dead nodes are dropped, those of paused ones are deferred. */
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
                // it dies in the middle of its work
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

    /** Remembers a failure, because the code that it is thrown to may handle it. */
    void failed(Throwable cause) {
        failure = failure == null ? cause : failure;
    }

    /**
     * The first failure of any step, even of a nested one: the code that waited for it may have taken it for an error
     * of its own, and handled it.
     */
    @Nullable
    Throwable failure() {
        return failure;
    }

    /** Whether anything is scheduled until then. */
    private boolean hasNext(long until) {
        Task next = tasks.peek();
        return next != null && next.at() <= until;
    }

    /** Runs a number of other tasks first. */
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
