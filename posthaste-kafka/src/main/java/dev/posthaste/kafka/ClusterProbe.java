package dev.posthaste.kafka;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Whether the cluster can be reached, as far as is known; only {@link KafkaBroker#healthy} depends on it. After a failure
 * the cluster is asked once a second until it answers.
 *
 * <p>Confined to the publisher's thread, except {@link #reachable}.
 */
final class ClusterProbe {
    private static final long GAP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ActiveClients clients;
    private final Queue<Task> tasks;
    private volatile boolean reachable = true;
    private boolean probing;
    private long probedAt;

    /** @param tasks where answers go */
    ClusterProbe(ActiveClients clients, Queue<Task> tasks) {
        this.clients = clients;
        this.tasks = tasks;
    }

    /** Thread-safe. */
    boolean reachable() {
        return reachable;
    }

    void reached() {
        reachable = true;
    }

    /** No client could be made: there is nothing to ask with. */
    void noClient() {
        reachable = false;
    }

    /** Something got no answer. A probe finds out whether the reason is the cluster or one topic. */
    void notReached() {
        reachable = false;
        if (!probing) {
            probe();
        }
    }

    /** @param patience how long a probe may go without an answer before it counts as lost */
    void lookAround(long now, Duration patience) {
        if (probing && now - probedAt > patience.toNanos()) {
            probing = false; // no answer will come
        }
        if (!reachable && !probing && now - probedAt > GAP_NANOS) {
            probe();
        }
    }

    private void probe() {
        TopicLookup lookup = clients.lookup();
        probedAt = System.nanoTime();
        if (lookup == null) {
            clients.connect();
        } else {
            probing = true;
            lookup.probe(failure -> tasks.add(new Task.Probed(failure)));
        }
    }

    void probed(@Nullable Throwable failure) {
        probing = false;
        reachable = failure == null;
    }
}
