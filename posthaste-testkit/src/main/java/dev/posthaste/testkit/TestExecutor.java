package dev.posthaste.testkit;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what an inbox gives it until a test runs it, on the test's thread. It has its own clock, which moves only when
 * it is advanced. Work may be added by any thread.
 */
final class TestExecutor extends AbstractExecutorService implements ScheduledExecutorService {
    private final PriorityQueue<Task> tasks =
            new PriorityQueue<>(Comparator.comparingLong(Task::due).thenComparingLong(Task::number)); // guarded by this

    private long now; // nanoseconds; guarded by this, like the next
    private long number;
    private boolean shutdown;

    private record Task(long due, long number, Runnable work) {}

    /** Runs what is due, and what becomes due because of that; returns whether there was anything. */
    boolean run() {
        boolean ran = false;
        for (Runnable work = next(now()); work != null; work = next(now())) {
            work.run();
            ran = true;
        }
        return ran;
    }

    /** Lets time pass, running at each moment what is due then. */
    void advance(Duration time) {
        long end = now() + time.toNanos();
        for (Runnable work = next(end); work != null; work = next(end)) {
            work.run();
        }
        passTo(end);
    }

    private synchronized long now() {
        return now;
    }

    private synchronized void passTo(long time) {
        now = time;
    }

    private synchronized @Nullable Runnable next(long until) {
        Task first = tasks.peek();
        if (first == null || first.due() > until) {
            return null;
        }
        tasks.remove();
        now = Math.max(now, first.due());
        return first.work();
    }

    @Override
    public synchronized @Nullable ScheduledFuture<?> schedule(Runnable work, long delay, TimeUnit unit) {
        if (shutdown) {
            throw new RejectedExecutionException("it is shut down");
        }
        tasks.add(new Task(now + unit.toNanos(delay), number++, work));
        return null; // inboxes do not cancel what they scheduled
    }

    @Override
    public void execute(Runnable work) {
        schedule(work, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> work, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable work, long first, long period, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable work, long first, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public synchronized void shutdown() {
        shutdown = true;
        tasks.clear();
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutdown();
        return List.of();
    }

    @Override
    public synchronized boolean isShutdown() {
        return shutdown;
    }

    @Override
    public boolean isTerminated() {
        return isShutdown();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return true;
    }
}
