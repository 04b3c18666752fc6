package dev.posthaste.inbox;

import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes the notes of what an inbox handled long ago, once a minute on its own thread. Thread-safe. */
final class NoteRetention {
    private static final Logger log = LoggerFactory.getLogger(NoteRetention.class);
    private static final int BATCH = 1000;

    private final String inbox;
    private final InboxDatabase database;
    private final Duration keep;
    private final ScheduledExecutorService thread;
    private final AtomicBoolean started = new AtomicBoolean();

    /** @param others how long the outboxes are known to keep messages that may come again; null if that is not known */
    NoteRetention(
            String inbox, InboxDatabase database, Duration keep, @Nullable Duration others, ThreadFactory factory) {
        this.inbox = inbox;
        this.database = database;
        this.keep = keep;
        this.thread = Executors.newSingleThreadScheduledExecutor(factory);
        if (others != null && keep.compareTo(others) <= 0) {
            log.warn(
                    "Inbox {} forgets after {}, but its outbox keeps events for {}: an event replayed or redelivered after"
                            + " that is handled twice. Keep the inbox longer (Inbox.Builder.keep)",
                    inbox,
                    DurationText.of(keep),
                    DurationText.of(others));
        }
    }

    /** From now on, if it has not been started; not after {@link #close}. */
    void start() {
        if (!started.getAndSet(true)) {
            try {
                thread.scheduleWithFixedDelay(this::runQuietly, 1, 60, TimeUnit.SECONDS);
            } catch (RejectedExecutionException e) {
                log.debug("Inbox {}: closed before its first delivery", inbox, e);
            }
        }
    }

    private void runQuietly() {
        try {
            runOnce();
        } catch (Throwable e) {
            log.warn("Inbox {}: old notes could not be deleted, and stay for now: {}", inbox, Thrown.text(e));
        }
    }

    /** Deletes everything old, in batches; returns how many rows were deleted. */
    int runOnce() throws Exception {
        int deleted = 0;
        int last;
        do {
            last = database.purge(keep, BATCH);
            deleted += last;
        } while (last == BATCH && !thread.isShutdown());
        return deleted;
    }

    /** Waits up to a second for a running statement: an interrupt may cost the connection, or close H2's file. */
    void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(1, TimeUnit.SECONDS)) {
                thread.shutdownNow();
                thread.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
