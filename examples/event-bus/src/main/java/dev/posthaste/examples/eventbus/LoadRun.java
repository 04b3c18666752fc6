package dev.posthaste.examples.eventbus;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Writes many events at once, waits for the chains to finish, and checks by comparing tables. Each run has its own
 * conversations and tasks, named {@code load-N-…}, so a run that was killed can be found again and completed.
 */
final class LoadRun {
    private static final int NAMES = 50;
    private static final int WRITERS = 16;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PROGRESS = Duration.ofSeconds(1);

    private final EventBus bus;
    private final int events;
    private final boolean resume;

    LoadRun(EventBus bus, int events, boolean resume) {
        this.bus = bus;
        this.events = events;
        this.resume = resume;
    }

    /** Prints progress on standard error and the report on standard output; returns the exit code. */
    int run() throws SQLException, InterruptedException {
        long start = System.nanoTime();
        String run = name();
        Writer writer =
                new Writer(bus, IntStream.range(0, NAMES).mapToObj(i -> run + i).toList());
        writer.open();
        int written = Math.toIntExact(written(run));
        if (resume) {
            progress("Resuming " + run + "…: " + written + " of " + events + " events exist already");
        }
        write(writer, written);
        Reconciliation tally = awaitTheEnd(run);
        System.out.println(tally.json((System.nanoTime() - start) / 1e9));
        return tally.complete() && written(run) >= events ? 0 : 1;
    }

    private String name() throws SQLException {
        int last = bus
                .tables()
                .query(
                        "select id from conversation where id like 'load-%'",
                        row -> Integer.parseInt(row.getString(1).split("-", -1)[1]))
                .stream()
                .mapToInt(Integer::intValue)
                .max()
                .orElse(0);
        return "load-" + (resume && last > 0 ? last : last + 1) + "-";
    }

    /** What the writers have written: messages and steps; what follows from them is the handlers' work. */
    private long written(String run) throws SQLException {
        long written = 0;
        for (String sql : List.of("select id, messages from conversation", "select id, steps from task")) {
            written += bus.tables().query(sql, row -> row.getString(1).startsWith(run) ? row.getLong(2) : 0L).stream()
                    .mapToLong(Long::longValue)
                    .sum();
        }
        return written;
    }

    private void write(Writer writer, int from) throws InterruptedException {
        AtomicInteger next = new AtomicInteger(from);
        ExecutorService writers = Executors.newFixedThreadPool(WRITERS, work -> new Thread(work, "load-writer"));
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                running.add(writers.submit(() -> {
                    for (int number = next.getAndIncrement(); number < events; number = next.getAndIncrement()) {
                        writer.write(number);
                    }
                    return null;
                }));
            }
            long report = System.nanoTime() + PROGRESS.toNanos();
            for (Future<?> each : running) {
                while (!each.isDone()) {
                    Thread.sleep(20);
                    if (System.nanoTime() - report > 0) {
                        report += PROGRESS.toNanos();
                        progress(Math.min(events, next.get()) + " of " + events + " events written");
                    }
                }
                each.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("A writer failed: " + e.getCause(), e);
        } finally {
            writers.shutdownNow();
        }
    }

    private Reconciliation awaitTheEnd(String run) throws SQLException, InterruptedException {
        Reconciliation tally = Reconciliation.of(bus.tables(), run);
        long lastProgress = System.nanoTime();
        long report = System.nanoTime() + PROGRESS.toNanos();
        while (!tally.complete() && System.nanoTime() - lastProgress < PATIENCE.toNanos()) {
            Thread.sleep(200);
            Reconciliation now = Reconciliation.of(bus.tables(), run);
            if (now.progress() > tally.progress()) {
                lastProgress = System.nanoTime();
            }
            tally = now;
            if (System.nanoTime() - report > 0) {
                report = System.nanoTime() + PROGRESS.toNanos();
                progress("all events written, " + tally.chain().ended() + " of "
                        + tally.chain().started() + " chains ended");
            }
        }
        if (!tally.complete()) {
            progress("There was no progress for " + PATIENCE.toSeconds() + " s; giving up");
        }
        return tally;
    }

    private static void progress(String line) {
        System.err.println(line);
    }
}
