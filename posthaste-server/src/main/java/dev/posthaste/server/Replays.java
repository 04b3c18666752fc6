package dev.posthaste.server;

import dev.posthaste.admin.Change;
import dev.posthaste.admin.Replay;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The replays that run in this process, and the last ones that did; each has a thread of its own. Thread-safe. */
public final class Replays implements AutoCloseable {
    private static final int REMEMBERED = 50;
    private static final int MOST_AT_ONCE = 4;

    private final Map<String, Running> replays = new LinkedHashMap<>(); // guarded by itself

    /** @param selection in words */
    public record Running(
            String outbox, Change change, String selection, Instant startedAt, Replay replay, Thread thread) {}

    /**
     * Starts a replay, unless it was started before.
     *
     * @throws IllegalStateException if too many run already
     */
    public Running start(String outbox, Change change, Replay.Selection selection, Replay replay) {
        synchronized (replays) {
            Running known = replays.get(change.id());
            if (known != null) {
                return known;
            }
            if (replays.values().stream()
                            .filter(each -> each.thread().isAlive())
                            .count()
                    >= MOST_AT_ONCE) {
                throw new IllegalStateException(MOST_AT_ONCE + " replays run already; wait for one, or cancel it");
            }
            Thread thread = new Thread(replay, "posthaste-replay-" + change.id());
            thread.setDaemon(true);
            Running running = new Running(outbox, change, selection.toString(), Instant.now(), replay, thread);
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

    /** The newest first. */
    public List<Running> all() {
        synchronized (replays) {
            List<Running> all = new ArrayList<>(replays.values());
            all.sort(Comparator.comparing(Running::startedAt).reversed());
            return all;
        }
    }

    public Optional<Running> find(String id) {
        synchronized (replays) {
            return Optional.ofNullable(replays.get(id));
        }
    }

    /** Cancels what runs and waits a moment for it. */
    @Override
    public void close() {
        List<Running> all = all();
        all.forEach(each -> each.replay().cancel());
        for (Running each : all) {
            try {
                each.thread().join(2_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
