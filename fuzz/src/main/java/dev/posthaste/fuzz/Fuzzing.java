package dev.posthaste.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs one target, seed after seed, on a separate thread, so that a run that never ends is detected too. A run is
 * allowed a fixed amount of processor time and memory: an input that needs more could stop a service.
 */
final class Fuzzing {
    private static final Duration MAX_CPU = Duration.ofSeconds(5);
    private static final Duration MAX_RUN = Duration.ofSeconds(60);
    private static final long MAX_ALLOCATED = 256L << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Target target;
    private final long end;
    private volatile long seed;
    private volatile long runs;
    private volatile long runStarted = System.nanoTime();
    private volatile Dice dice = new Dice(0);
    private volatile @Nullable String finding;

    private Fuzzing(Target target, long first, Duration time) {
        this.target = target;
        this.seed = first;
        this.end = System.nanoTime() + time.toNanos();
    }

    /**
     * The outcome of one target.
     *
     * @param seed of the last run
     * @param finding null if every promise was kept
     */
    record Result(
            String target, long runs, long seed, @Nullable String finding) {}

    /** Runs until there is a finding, {@code seeds} are done, or {@code time} is up. */
    static Result run(Target target, long first, long seeds, Duration time) throws InterruptedException {
        Fuzzing fuzzing = new Fuzzing(target, first, time);
        Thread thread = new Thread(null, () -> fuzzing.work(seeds), "posthaste-fuzz-" + target.name());
        thread.setDaemon(true);
        thread.start();
        while (thread.isAlive()) {
            thread.join(200);
            if (thread.isAlive() && System.nanoTime() - fuzzing.runStarted > MAX_RUN.toNanos()) {
                return fuzzing.result("it did not return within " + MAX_RUN.toSeconds() + " s; it is at "
                        + stack(thread.getStackTrace()) + fuzzing.dice.input());
            }
        }
        return fuzzing.result(fuzzing.finding);
    }

    private Result result(@Nullable String what) {
        return new Result(target.name(), runs, seed, what);
    }

    private void work(long seeds) {
        for (long i = 0; i < seeds && finding == null && System.nanoTime() - end < 0; i++) {
            if (i > 0) {
                seed++;
            }
            finding = runOnce();
            runs++;
        }
    }

    private @Nullable String runOnce() {
        dice = new Dice(seed);
        runStarted = System.nanoTime();
        long cpu = THREADS.getCurrentThreadCpuTime();
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        try {
            target.run(dice);
        } catch (FindingException e) {
            return e.getMessage() + (e.getCause() == null ? "" : ": " + thrown(e.getCause())) + dice.input();
        } catch (Throwable e) {
            return "it throws " + thrown(e) + dice.input();
        }
        cpu = THREADS.getCurrentThreadCpuTime() - cpu;
        allocated = THREADS.getCurrentThreadAllocatedBytes() - allocated;
        if (cpu > MAX_CPU.toNanos() || allocated > MAX_ALLOCATED) {
            return String.format(
                            Locale.ROOT,
                            "it took %.1f s of processor time and %d MiB of memory",
                            cpu / 1e9,
                            allocated >> 20)
                    + dice.input();
        }
        return null;
    }

    private static String thrown(Throwable thrown) {
        String text = Dice.shown(String.valueOf(thrown));
        Throwable cause = thrown.getCause();
        return text + " at " + stack(thrown.getStackTrace())
                + (cause == null || cause == thrown ? "" : "\n  caused by " + thrown(cause));
    }

    private static String stack(StackTraceElement[] stack) {
        return Arrays.stream(stack).limit(12).map(each -> "\n    " + each).collect(Collectors.joining());
    }
}
