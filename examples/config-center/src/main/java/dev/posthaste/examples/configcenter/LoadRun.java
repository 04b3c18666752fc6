package dev.posthaste.examples.configcenter;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes many changes at once, waits for their history, and compares tables to check that nothing was lost, duplicated,
 * invented or reordered. Each run has its own configurations, in a module named {@code load-N}, so a run that was
 * killed can be found again and completed.
 */
final class LoadRun {
    static final String MODULE_PREFIX = "load-";
    private static final int CONFIGS = 200;
    private static final int WRITERS = 30;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PROGRESS = Duration.ofSeconds(1);

    private final Application application;
    private final ConfigCenter configs;
    private final LoadWriter writer;
    private final int changes;
    private final boolean resume;
    private final AtomicInteger tickets = new AtomicInteger();

    LoadRun(Application application, int changes, boolean resume) {
        this.application = application;
        this.configs = application.configs();
        this.writer = new LoadWriter(application);
        this.changes = changes;
        this.resume = resume;
    }

    /** Prints progress on standard error and the report on standard output; returns the exit code. */
    int run() throws SQLException, InterruptedException {
        long start = System.nanoTime();
        String module = module();
        createConfigs(module);
        long made = Reconciliation.changes(configs.ofModule(module));
        if (resume) {
            progress("Resuming " + module + ": " + made + " of " + changes + " changes exist already");
        }
        tickets.set((int) Math.max(0, changes - made));
        write(configs.ofModule(module).stream().map(Config::id).toList(), module);
        awaitHistory(module);
        Reconciliation tally = Reconciliation.of(application.database(), module);
        System.out.println(tally.json((System.nanoTime() - start) / 1e9));
        return tally.complete() && tally.written() >= changes ? 0 : 1;
    }

    private String module() throws SQLException {
        int last = application
                .database()
                .query(
                        "select distinct module_name from config where module_name like ?",
                        row -> Integer.parseInt(row.getString(1).substring(MODULE_PREFIX.length())),
                        MODULE_PREFIX + "%")
                .stream()
                .mapToInt(Integer::intValue)
                .max()
                .orElse(0);
        return MODULE_PREFIX + (resume && last > 0 ? last : last + 1);
    }

    /** Creates and releases what is missing, even if an earlier run was killed in between. */
    private void createConfigs(String module) throws SQLException {
        List<Config> there = configs.ofModule(module);
        List<String> keys = there.stream().map(Config::configKey).toList();
        List<Config> unreleased = new ArrayList<>(
                there.stream().filter(each -> each.version() == 0).toList());
        for (int i = 0; i < CONFIGS; i++) {
            String key = "key-" + i;
            if (!keys.contains(key)) {
                unreleased.add(configs.create(new Config.Draft(
                        module, "en", key, "made by a load run", 1, Reconciliation.value(1, false), "{}", "load", "")));
            }
        }
        for (Config each : unreleased) {
            configs.release(new Config.Change(each.id(), 0, "load", null));
        }
    }

    private void write(List<Long> ids, String module) throws SQLException, InterruptedException {
        ExecutorService writers = Executors.newFixedThreadPool(WRITERS, work -> new Thread(work, "load-writer"));
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                running.add(writers.submit(() -> {
                    while (tickets.getAndDecrement() > 0) {
                        writer.change(ids.get(ThreadLocalRandom.current().nextInt(ids.size())));
                    }
                    return null;
                }));
            }
            long next = System.nanoTime() + PROGRESS.toNanos();
            for (Future<?> each : running) {
                while (!each.isDone()) {
                    Thread.sleep(20);
                    if (System.nanoTime() - next > 0) {
                        next += PROGRESS.toNanos();
                        progress(changes - Math.max(0, tickets.get()) + " of " + changes + " changes, "
                                + recorded(module) + " in the history");
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

    private void awaitHistory(String module) throws SQLException, InterruptedException {
        long wanted = Reconciliation.changes(configs.ofModule(module));
        long there = recorded(module);
        long lastProgress = System.nanoTime();
        long next = System.nanoTime() + PROGRESS.toNanos();
        while (there < wanted && System.nanoTime() - lastProgress < PATIENCE.toNanos()) {
            Thread.sleep(50);
            long now = recorded(module);
            if (now > there) {
                there = now;
                lastProgress = System.nanoTime();
            }
            if (System.nanoTime() - next > 0) {
                next += PROGRESS.toNanos();
                progress("all changes made, " + there + " of " + wanted + " in the history");
            }
        }
        if (there < wanted) {
            progress("The history has made no progress for " + PATIENCE.toSeconds() + " s; giving up");
        }
        awaitSettled(module);
    }

    /** The last events are marked a moment after they are handled. */
    private void awaitSettled(String module) throws SQLException, InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (Reconciliation.of(application.database(), module).unsettled() && System.nanoTime() - end < 0) {
            Thread.sleep(100);
        }
    }

    private long recorded(String module) throws SQLException {
        return application.database().count("select count(*) from config_history where module_name = ?", module);
    }

    private static void progress(String line) {
        System.err.println(line);
    }
}
