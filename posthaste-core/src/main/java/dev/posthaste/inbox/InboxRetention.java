package dev.posthaste.inbox;

import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.InboxTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forgets what a consumer handled long ago. A message that comes again after that is handled again, so {@code keep} must
 * be longer than anything keeps messages that may come again: the outbox's retention, the broker's. Thread-safe.
 */
public final class InboxRetention implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(InboxRetention.class);

    private final Inbox inbox;
    private final Duration keep;
    private final int batch;
    private final ScheduledExecutorService thread;

    /**
     * @param keep how long handled events are remembered; 30 days is a good start
     * @param othersKeep the longest that an outbox or a broker in front keeps events
     */
    public InboxRetention(Inbox inbox, Duration keep, Duration othersKeep) {
        this.inbox = inbox;
        this.keep = keep;
        this.batch = 1000;
        if (keep.compareTo(othersKeep) <= 0) {
            log.warn(
                    "Inbox {} forgets after {}, but outbox or broker keep events for {}: an event replayed or redelivered"
                            + " after that is handled twice. Keep the inbox longer",
                    inbox.consumer(),
                    keep,
                    othersKeep);
        }
        this.thread = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread made = new Thread(work, "posthaste-inbox-retention-" + inbox.consumer());
            made.setDaemon(true);
            return made;
        });
    }

    /** Runs once a minute from now on. */
    public InboxRetention start() {
        thread.scheduleWithFixedDelay(this::runQuietly, 0, 1, TimeUnit.MINUTES);
        return this;
    }

    private void runQuietly() {
        try {
            runOnce();
        } catch (RuntimeException | SQLException e) {
            log.warn("Inbox {}: old rows stay for now: {}", inbox.consumer(), e.toString());
        }
    }

    /** Deletes everything old, in batches; returns how many rows were deleted. */
    public int runOnce() throws SQLException {
        InboxTable table;
        try (Connection connection = inbox.dataSource().getConnection()) {
            table = new InboxTable(Dialect.of(connection));
        }
        int deleted = 0;
        int last;
        do {
            last = table.purge(inbox.dataSource(), inbox.consumer(), keep, batch);
            deleted += last;
        } while (last == batch && !Thread.currentThread().isInterrupted());
        return deleted;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
