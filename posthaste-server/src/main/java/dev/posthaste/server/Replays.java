package dev.posthaste.server;

import dev.posthaste.StoreException;
import dev.posthaste.admin.Change;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ReplayRun;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replays that run in this process, and the last ones that did; each has its own thread. Those of other processes,
 * alive or dead, are known from the audit. Thread-safe.
 */
public final class Replays implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Replays.class);
    private static final int REMEMBERED = 50;
    private static final int MAX_AT_ONCE = 4;

    private final Deployment deployment;
    private final Map<String, Running> replays = new LinkedHashMap<>(); // guarded by itself

    Replays(Deployment deployment) {
        this.deployment = deployment;
    }

    /** @param selection in words */
    public record Running(
            String outbox, Change change, String selection, Instant startedAt, ReplayRun replay, Thread thread) {
        boolean isOver() {
            Replay.Run.State state = replay.progress().state();
            return state == Replay.Run.State.FINISHED || state == Replay.Run.State.CANCELLED;
        }

        /** Whether this process is still responsible for it, or was the one that ended it. */
        boolean isMine() {
            return replay.progress().state() != Replay.Run.State.ELSEWHERE;
        }
    }

    /**
     * Starts a replay, unless it runs or is over. One that stopped before its end, in this process or another, continues.
     *
     * @throws IllegalStateException if too many run already
     * @throws dev.posthaste.admin.UnexpectedCountException if the change expects a different number of events
     */
    public Running start(String outbox, Change change, ReplayPlan plan) {
        return start(outbox, change, plan, prepare(outbox, change, plan));
    }

    private ReplayRun prepare(String outbox, Change change, ReplayPlan plan) {
        String broker = deployment.outbox(outbox).broker();
        return new ReplayRun(deployment.admin().outbox(outbox), plan, deployment.broker(broker), change);
    }

    private Running start(String outbox, Change change, ReplayPlan plan, ReplayRun replay) {
        synchronized (replays) {
            Running known = replays.get(change.id());
            if (known != null && (known.thread().isAlive() || known.isOver())) {
                return known;
            }
            if (replays.values().stream()
                            .filter(each -> each.thread().isAlive())
                            .count()
                    >= MAX_AT_ONCE) {
                throw new IllegalStateException(
                        MAX_AT_ONCE + " replays are already running; wait for one, or cancel it");
            }
            Thread thread = new Thread(replay, "posthaste-replay-" + change.id());
            thread.setDaemon(true);
            Running running = new Running(outbox, change, plan.filter().toString(), Instant.now(), replay, thread);
            replays.put(change.id(), running);
            if (replays.size() > REMEMBERED) {
                replays.values().stream()
                        .filter(each ->
                                !each.thread().isAlive() && !each.change().id().equals(change.id()))
                        .findFirst()
                        .ifPresent(oldest -> replays.remove(oldest.change().id()));
            }
            thread.start();
            return running;
        }
    }

    /** Continues what was interrupted when this process, or another one that died, ended; each at its own rate. */
    void resume() {
        for (NotedReplay each : noted()) {
            boolean stopped = each.progress().state() == ChangeProgress.State.INTERRUPTED
                    || each.progress().state() == ChangeProgress.State.RUNNING;
            ReplayPlan plan = each.progress().plan();
            if (stopped && plan != null) {
                try {
                    start(each.outbox(), each.change(), plan);
                    log.info(
                            "Outbox {}: replay {} by {} continues after {} events; reason: {}",
                            each.outbox(),
                            each.change().id(),
                            each.change().actor(),
                            each.progress().events(),
                            each.change().reason().replaceAll("\\p{Cntrl}", " "));
                } catch (RuntimeException e) {
                    log.warn(
                            "Outbox {}: replay {} was interrupted and does not continue; start it again with the same change"
                                    + " id: {}",
                            each.outbox(),
                            each.change().id(),
                            e.getMessage());
                }
            }
        }
    }

    /** Those that this process runs or ran, the newest first. */
    public List<Running> all() {
        synchronized (replays) {
            return replays.values().stream()
                    .filter(Running::isMine)
                    .sorted(Comparator.comparing(Running::startedAt).reversed())
                    .toList();
        }
    }

    /**
     * The newest replays of all outboxes according to their audit, newest first; without those whose database is
     * unavailable.
     */
    public List<NotedReplay> noted() {
        List<NotedReplay> noted = new ArrayList<>();
        for (StoreOutboxAdmin outbox : deployment.admin().all()) {
            try {
                noted.addAll(outbox.replays());
            } catch (StoreException e) {
                log.debug(
                        "The replays of outbox {} are not known",
                        outbox.definition().name(),
                        e);
            }
        }
        noted.sort(Comparator.comparing(NotedReplay::begunAt).reversed());
        return noted;
    }

    /** One that this process runs or ran. */
    public Optional<Running> find(String id) {
        synchronized (replays) {
            return Optional.ofNullable(replays.get(id)).filter(Running::isMine);
        }
    }

    /**
     * Cancels a replay that this process runs, or that no process does.
     *
     * @return null if there is none with this id
     * @throws IllegalStateException if another process runs it
     */
    public @Nullable Running cancel(String id) {
        Running running = find(id).orElse(null);
        if (running == null || (!running.thread().isAlive() && !running.isOver())) {
            running = restart(id, ReplayRun::cancel);
        }
        if (running != null) {
            running.replay().cancel();
        }
        return running;
    }

    /**
     * Continues a replay that stopped before its end; does nothing to one that runs here or is over.
     *
     * @return null if there is none with this id
     * @throws IllegalStateException if another process runs it, or too many are running already
     */
    public @Nullable Running resume(String id) {
        return restart(id, replay -> {});
    }

    private @Nullable Running restart(String id, Consumer<ReplayRun> before) {
        NotedReplay noted = noted().stream()
                .filter(each -> each.change().id().equals(id))
                .findFirst()
                .orElse(null);
        ReplayPlan plan = noted == null ? null : noted.progress().plan();
        Running running = find(id).orElse(null);
        if (noted == null
                || plan == null
                || (running != null && running.thread().isAlive())) {
            return running;
        }
        if (noted.live()) {
            throw new IllegalStateException("Another process runs replay " + id);
        }
        ReplayRun replay = prepare(noted.outbox(), noted.change(), plan);
        before.accept(replay);
        return start(noted.outbox(), noted.change(), plan, replay);
    }

    /** Stops what runs, to be continued, and waits a moment for it. */
    @Override
    public void close() {
        List<Running> all = all();
        all.forEach(each -> each.replay().interrupt());
        for (Running each : all) {
            try {
                each.thread().join(2_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
