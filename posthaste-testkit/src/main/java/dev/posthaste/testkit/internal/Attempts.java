package dev.posthaste.testkit.internal;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.inbox.internal.InboxTesting;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Single attempts of an inbox at a message, each on the calling thread and as if in its own process: without retries,
 * and without an order of keys. Thread-safe.
 */
public final class Attempts {
    private final Inbox.Builder inbox;
    private final ThreadLocal<@Nullable Result> result = new ThreadLocal<>();

    /** How one attempt ended. */
    public sealed interface Result {
        record Handled() implements Result {}

        record Duplicate() implements Result {}

        record Ignored() implements Result {}

        /** Another attempt would follow. */
        record Failed(Throwable cause) implements Result {}

        /** No other attempt would follow. */
        record Refused(String reason, @Nullable Throwable cause) implements Result {}

        /** Another attempt would follow, and this one was not counted. */
        record Postponed(Throwable cause) implements Result {}

        record Unavailable(Throwable cause) implements Result {}
    }

    private Attempts(Inbox.Builder inbox) {
        this.inbox = InboxTesting.executor(inbox, new Now(), new Random(1))
                .retry(RetryPolicy.fixed(Duration.ofHours(1)).attempts(2))
                .listener(new Ending());
    }

    /** @param inbox not to be used for anything else */
    public static Attempts of(Inbox.Builder inbox) {
        return new Attempts(inbox);
    }

    public Result handle(Message message) {
        result.remove();
        try (Inbox once = inbox.build()) {
            once.accept(new Alone(message));
        }
        return Objects.requireNonNull(result.get(), "the attempt's end was not reported");
    }

    private final class Ending implements InboxListener {
        @Override
        public void handled(String inbox, Message message, Duration took) {
            result.set(new Result.Handled());
        }

        @Override
        public void duplicate(String inbox, Message message) {
            result.set(new Result.Duplicate());
        }

        @Override
        public void ignored(String inbox, Message message) {
            result.set(new Result.Ignored());
        }

        @Override
        public void retried(String inbox, Message message, Throwable cause) {
            result.set(new Result.Failed(cause));
        }

        @Override
        public void postponed(String inbox, Message message, Throwable cause) {
            result.set(new Result.Postponed(cause));
        }

        @Override
        public void unavailable(String inbox, Throwable cause) {
            result.set(new Result.Unavailable(cause));
        }

        @Override
        public void died(String inbox, Message message, Failure failure) {
            result.set(new Result.Refused(failure.reason(), failure.cause()));
        }

        @Override
        public void deadLettered(String inbox, Message message, Failure failure) {
            result.set(new Result.Refused(failure.reason(), failure.cause()));
        }
    }

    private record Alone(Message message) implements Delivery {
        @Override
        public Object lane() {
            return this;
        }

        @Override
        public void done() {}

        @Override
        public void deadLetter(Failure failure) {}

        @Override
        public void abandoned() {}
    }

    /** Runs what is due immediately, and nothing else. */
    private static final class Now extends AbstractExecutorService implements ScheduledExecutorService {
        @Override
        public @Nullable ScheduledFuture<?> schedule(Runnable work, long delay, TimeUnit unit) {
            if (delay == 0) {
                work.run();
            }
            return null;
        }

        @Override
        public void execute(Runnable work) {
            work.run();
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
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return true;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }
}
