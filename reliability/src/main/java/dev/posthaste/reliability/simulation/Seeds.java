package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Runs simulations: a range of seeds on several threads, each run on a single thread. */
final class Seeds {
    private Seeds() {}

    /** A seed whose run broke a promise, and the promise. */
    record Failure(long seed, String checker, String what) {}

    /**
     * The result of a range of seeds.
     *
     * @param recoveryMillis of each run, sorted, in simulated time
     */
    record Summary(
            long seeds,
            long events,
            long faults,
            long wireDuplicates,
            List<Long> recoveryMillis,
            @Nullable Failure failure,
            double seconds) {}

    /**
     * Runs until the range is complete or a run fails.
     *
     * @param with traits to give every world
     * @param progress receives every ten seconds the number of runs begun
     */
    static Summary run(long first, long number, Set<World.Trait> with, int threads, LongConsumer progress)
            throws InterruptedException {
        long start = System.nanoTime();
        AtomicLong next = new AtomicLong(first);
        ExecutorService workers = Executors.newFixedThreadPool(threads);
        List<Future<Summary>> parts = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Callable<Summary> worker = () -> work(next, first + number, with);
            parts.add(workers.submit(worker));
        }
        workers.shutdown();
        while (!workers.awaitTermination(10, TimeUnit.SECONDS)) {
            progress.accept(next.get() - first);
        }
        long seeds = 0;
        long events = 0;
        long faults = 0;
        long wireDuplicates = 0;
        Failure failure = null;
        List<Long> recovery = new ArrayList<>();
        for (Future<Summary> each : parts) {
            Summary part = get(each);
            seeds += part.seeds();
            events += part.events();
            faults += part.faults();
            wireDuplicates += part.wireDuplicates();
            recovery.addAll(part.recoveryMillis());
            failure = failure == null ? part.failure() : failure;
        }
        recovery.sort(null);
        return new Summary(seeds, events, faults, wireDuplicates, recovery, failure, (System.nanoTime() - start) / 1e9);
    }

    private static Summary get(Future<Summary> part) throws InterruptedException {
        try {
            return part.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private static Summary work(AtomicLong next, long end, Set<World.Trait> with) {
        long seeds = 0;
        long events = 0;
        long faults = 0;
        long wireDuplicates = 0;
        List<Long> recovery = new ArrayList<>();
        Failure failure = null;
        for (long seed = next.getAndIncrement(); seed < end && failure == null; seed = next.getAndIncrement()) {
            try {
                Simulation.Result result = new Simulation(seed, with, null).run();
                events += result.events();
                faults += result.faults();
                wireDuplicates += result.wireDuplicates();
                recovery.add(result.recoveryMillis());
            } catch (Oracle.ViolationException e) {
                failure = new Failure(seed, e.checker, String.valueOf(e.getMessage()));
            } catch (RuntimeException | StackOverflowError e) {
                failure = new Failure(seed, "crash", e + " at " + e.getStackTrace()[0]);
            }
            seeds++;
        }
        if (failure != null) {
            next.addAndGet(end); // the other threads stop too
        }
        return new Summary(seeds, events, faults, wireDuplicates, recovery, failure, 0);
    }
}
