package dev.posthaste.inbox;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where attempts run, and wait before they are repeated. Thread-safe. */
final class InboxThreads {
    private static final Logger log = LoggerFactory.getLogger(InboxThreads.class);

    private final String inbox;
    private final ScheduledExecutorService executor;
    private volatile boolean closed;

    InboxThreads(String inbox, ScheduledExecutorService executor) {
        this.inbox = inbox;
        this.executor = executor;
    }

    static ThreadFactory daemons(String name) {
        return work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Up to {@code number}, each of which starts when there is work for it. */
    static InboxThreads of(String inbox, int number, ThreadFactory factory) {
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(number, factory);
        executor.setRemoveOnCancelPolicy(true);
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return new InboxThreads(inbox, executor);
    }

    /**
     * Schedules work reliably: an executor that lacks memory or threads is asked again until it accepts.
     *
     * @return false if they are closed
     */
    boolean schedule(Runnable work, long delayMillis) {
        Once once = null;
        while (true) {
            try {
                once = once == null ? new Once(work) : once;
                executor.schedule(once, delayMillis, TimeUnit.MILLISECONDS);
                return true;
            } catch (RejectedExecutionException e) {
                return false;
            } catch (Throwable e) {
                if (closed) {
                    return false;
                }
                LockSupport.parkNanos(100_000_000L);
            }
        }
    }

    /** An executor may run work that it refused, such as when it queued the work and then could not start a thread. */
    private static final class Once extends AtomicBoolean implements Runnable {
        private final transient Runnable work;

        Once(Runnable work) {
            this.work = work;
        }

        @Override
        public void run() {
            if (compareAndSet(false, true)) {
                work.run();
            }
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** Takes nothing more, waits for what is running within the bound, and then interrupts it. Works twice. */
    void close(Duration timeout) {
        closed = true;
        executor.shutdown();
        try {
            if (!executor.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                log.warn("Inbox {}: handlers still run after {} ms; interrupting them", inbox, timeout.toMillis());
                executor.shutdownNow();
                executor.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            executor.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
