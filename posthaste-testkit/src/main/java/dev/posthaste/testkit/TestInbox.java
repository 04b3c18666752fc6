package dev.posthaste.testkit;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.inbox.internal.InboxTesting;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** An inbox whose handlers run when a test says so, on the test's thread. */
final class TestInbox implements AutoCloseable {
    private final Inbox.Builder builder;
    private final TestExecutor executor = new TestExecutor();
    private final Inbox inbox;
    private @Nullable Throwable failure;

    TestInbox(Inbox.Builder builder) {
        this.builder = builder.listener(new Failures());
        this.inbox = built(executor);
    }

    private Inbox built(TestExecutor executor) {
        return InboxTesting.executor(builder, executor, new Random(1)).build();
    }

    boolean handles(@Nullable String eventType) {
        return eventType != null && inbox.handles(eventType);
    }

    /** Takes a message, which is handled by the next {@link #work} or {@link #advance}. Called by any thread. */
    void take(Message message) {
        inbox.accept(new Delivered(message));
    }

    /** Handles what is due; returns whether there was anything. */
    boolean work() {
        return executor.run();
    }

    void advance(Duration time) {
        executor.advance(time);
    }

    /** Makes one attempt at a message, without waiting behind others here, and throws the exception it failed with. */
    void deliver(Message message) throws Exception {
        failure = null;
        TestExecutor once = new TestExecutor();
        try (Inbox alone = built(once)) {
            alone.accept(new Delivered(message));
            once.run();
        }
        Throwable thrown = failure;
        if (thrown instanceof Exception exception) {
            throw exception;
        } else if (thrown instanceof Error error) {
            throw error;
        } else if (thrown != null) {
            throw new IllegalStateException(thrown);
        }
    }

    @Override
    public void close() {
        inbox.close();
    }

    private final class Failures implements InboxListener {
        private void failed(Throwable cause) {
            failure = cause;
        }

        private void failed(Failure last) {
            Throwable cause = last.cause();
            failed(cause == null ? new IllegalStateException(last.summary()) : cause);
        }

        @Override
        public void retried(String inbox, Message message, Throwable cause) {
            failed(cause);
        }

        @Override
        public void postponed(String inbox, Message message, Throwable cause) {
            failed(cause);
        }

        @Override
        public void unavailable(String inbox, Throwable cause) {
            failed(cause);
        }

        @Override
        public void redelivered(String inbox, Message message, Failure failure) {
            failed(failure);
        }

        @Override
        public void died(String inbox, Message message, Failure failure) {
            failed(failure);
        }

        @Override
        public void deadLettered(String inbox, Message message, Failure failure) {
            failed(failure);
        }
    }

    /** Its outcome does not matter here: the inbox's listeners and its log report it. */
    private record Delivered(Message message) implements Delivery {
        @Override
        public Object lane() {
            String key = message.key();
            return key == null ? this : key;
        }

        @Override
        public void done() {}

        @Override
        public void deadLetter(Failure failure) {}

        @Override
        public void abandoned() {}
    }
}
