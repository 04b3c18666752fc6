package dev.posthaste.inbox;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds a consumer's work back while its database is unavailable. Then one query at a time is sent to the database,
 * after 100 ms at first and every 30 s in the end; when it answers, all work continues in the order it came. Work that
 * waits here has no thread. Thread-safe.
 */
final class DatabaseGate {
    private static final long FIRST_MILLIS = 100;
    private static final long LAST_MILLIS = 30_000;

    private final Supplier<@Nullable Throwable> fault;
    private final Scheduler scheduler;
    private final Watcher watcher;
    private final Deque<Runnable> waiting = new ArrayDeque<>(); // guarded by this
    private boolean closed; // guarded by this
    private long closedAt; // guarded by this
    private int questions; // guarded by this

    /** Runs work later, on some thread. Never throws. */
    @FunctionalInterface
    interface Scheduler {
        void schedule(Runnable work, long delayMillis);
    }

    /** Hears when the gate closes and opens. */
    interface Watcher {
        void closed(Throwable cause);

        /** @param waited how many pieces of work were waiting and continue now */
        void opened(Duration after, int waited);
    }

    /** @param fault asks the database, and returns why it is unavailable or null; may block */
    DatabaseGate(Supplier<@Nullable Throwable> fault, Scheduler scheduler, Watcher watcher) {
        this.fault = fault;
        this.scheduler = scheduler;
        this.watcher = watcher;
    }

    /** Whether {@code work} may be done now. If not, it is scheduled when the database answers. */
    synchronized boolean admits(Runnable work) {
        if (closed) {
            waiting.add(work);
        }
        return !closed;
    }

    /** The database was unavailable to {@code work}, which is scheduled when it answers. */
    void close(Throwable cause, Runnable work) {
        synchronized (this) {
            waiting.add(work);
            if (closed) {
                return;
            }
            closed = true;
            closedAt = System.nanoTime();
        }
        tell(() -> watcher.closed(cause));
        askLater();
    }

    /** The database completed some work. Until then, opening the gate does not reset how often it is asked. */
    synchronized void worked() {
        questions = 0;
    }

    private void askLater() {
        long wait;
        synchronized (this) {
            wait = Math.min(FIRST_MILLIS << Math.min(questions++, 20), LAST_MILLIS);
        }
        scheduler.schedule(this::ask, wait);
    }

    private void ask() {
        try {
            if (fault.get() == null) {
                open();
                return;
            }
        } catch (Throwable e) {
            // asked again, as after any other answer but the right one
        }
        askLater();
    }

    private void open() {
        Duration after;
        int waited;
        synchronized (this) {
            after = Duration.ofNanos(System.nanoTime() - closedAt);
            waited = waiting.size();
            closed = false;
        }
        tell(() -> watcher.opened(after, waited));
        for (int i = 0; i < waited; i++) {
            Runnable work = next();
            if (work != null) {
                scheduler.schedule(work, 0);
            }
        }
    }

    private synchronized @Nullable Runnable next() {
        return waiting.poll();
    }

    private static void tell(Runnable news) {
        try {
            news.run();
        } catch (Throwable e) {
            // a listener must not stop the work
        }
    }
}
