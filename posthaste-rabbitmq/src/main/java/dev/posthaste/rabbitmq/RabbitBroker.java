package dev.posthaste.rabbitmq;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Publishes to RabbitMQ: persistent and mandatory messages, each confirmed. A message counts as acknowledged when its
 * confirm has come and it was not returned as unroutable before.
 *
 * <ul>
 *   <li>A message that AMQP cannot carry is rejected before it is sent: one with names over 255 bytes in UTF-8, headers
 *       that do not fit into a frame, or the text headers {@code CC} and {@code BCC}.
 *   <li>When RabbitMQ closes a channel because of a message, and several are unconfirmed there, all of them are {@code
 *       Unknown}. Each is sent alone when it is published again, and the one that closes the channel again is rejected
 *       with RabbitMQ's reason. A missing exchange is discovered with a single message.
 *   <li>A slow RabbitMQ is not a lost one: while the connection lives, late confirms count. With the default {@code
 *       confirmTimeout} of 4 s: after 4 s without any confirm, nothing more is sent ({@code Unavailable}); after 12 s,
 *       later up to 60 s, the connection is closed and the messages sent on it are {@code Unknown}. The next connection
 *       sends a single message until its first confirm. See {@link RabbitSettings} for all deadlines.
 *   <li>While RabbitMQ blocks publishers (memory or disk alarm), nothing is sent ({@code Unavailable}). Messages sent
 *       before wait 12 s to 60 s for their confirms; then they are {@code Unknown}, and the connection is kept.
 *   <li>A message is sent within three quarters of {@code confirmTimeout} (3 s) after {@link #publish}, or not at all ({@code
 *       Unavailable}; the reason says whether only its own exchange is slow).
 * </ul>
 *
 * <p>{@link #publish} only queues. One thread ({@code posthaste-rabbitmq-publisher}) connects and sends; another
 * ({@code posthaste-rabbitmq-watch}) keeps the deadlines. Thread-safe.
 */
public final class RabbitBroker implements Broker {
    private static final long MAX_WATCH_NANOS = 100_000_000L;
    private static final long FIRST_PAUSE_NANOS = 50_000_000L;
    private static final long MAX_PAUSE_NANOS = 1_000_000_000L;
    /** Bounded, because a thread that is connecting cannot be interrupted. */
    private static final long MAX_CLOSE_MILLIS = 1_000;

    private static final Outcome CLOSED = Outcome.unavailable("the broker is closed");
    private static final Outcome FAULT = Outcome.unknown("an unexpected error; see the log");

    private final RabbitSettings settings;
    private final FaultLog faults = new FaultLog();
    private final Backlog backlog = new Backlog();
    private final RabbitSession.Shared shared;
    private final AtomicReference<@Nullable RabbitSession> session = new AtomicReference<>();
    private final Thread publisher;
    private final Thread watch;
    private volatile boolean closed;
    private volatile @Nullable String cannotConnect;

    // Confined to the publisher's thread.
    private int failures;
    private long connectAt = System.nanoTime();

    /** Connects when the first message is published. */
    public RabbitBroker(RabbitSettings settings) {
        settings.connectionFactory(); // a bad URI is refused here
        this.settings = settings;
        this.shared = new RabbitSession.Shared(
                backlog, new Suspects(settings.confirmWindow()), new Patience(settings), faults);
        this.publisher = thread(this::publishAll, "posthaste-rabbitmq-publisher");
        this.watch = thread(this::watchAll, "posthaste-rabbitmq-watch");
        publisher.start();
        watch.start();
    }

    private static Thread thread(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        Publication publication;
        try {
            publication = new Publication(message, callback, faults);
        } catch (RuntimeException e) {
            callback.accept(
                    Outcome.rejected("it cannot be encoded for AMQP: " + e).permanent(true));
            return;
        }
        backlog.add(publication);
        if (closed) {
            backlog.answerAll(CLOSED);
        }
    }

    /** Whether it is connected, both threads are alive, and RabbitMQ neither blocks publishers nor is slow. */
    @Override
    public boolean healthy() {
        RabbitSession current = session.get();
        return !closed
                && publisher.isAlive()
                && watch.isAlive()
                && current != null
                && current.usable()
                && current.gate().refusal() == null;
    }

    // --- The publisher's thread --------------------------------------------------------------------------------------

    private void publishAll() {
        while (!closed) {
            try {
                backlog.awaitAny();
                RabbitSession current = connected();
                if (current != null) {
                    sendNext(current);
                }
            } catch (InterruptedException e) {
                // Either close() did it, or it was meant for a callback that ran on this thread.
            } catch (Throwable t) {
                faults.report("The publisher's thread failed", t);
                pauseAfterFault();
            }
        }
        backlog.answerAll(CLOSED); // messages that were put back after close() had answered
    }

    private void sendNext(RabbitSession current) throws InterruptedException {
        boolean alone = shared.suspects().anyAloneOnConnection();
        Publication next = backlog.next(head -> alone && current.gate().isUrgent(head), current.gate()::isReady);
        if (next == null) {
            return;
        }
        try {
            current.send(next);
        } catch (Throwable t) {
            next.answer(FAULT);
            throw t;
        }
    }

    private static void pauseAfterFault() {
        try {
            TimeUnit.MILLISECONDS.sleep(10);
        } catch (InterruptedException e) {
            // The loop checks whether the broker is closed.
        }
    }

    /** The session, opened if need be; null if there is none yet. */
    private @Nullable RabbitSession connected() throws InterruptedException {
        RabbitSession current = session.get();
        if (current != null) {
            if (current.usable()) {
                return current;
            }
            current.end("the connection was lost");
            session.compareAndSet(current, null);
            failures = current.proven() ? 0 : failures + 1;
            connectAt = System.nanoTime() + (failures == 0 ? 0 : pause());
        }
        if (closed) {
            return null;
        }
        long wait = connectAt - System.nanoTime();
        if (wait > 0) {
            String reason = cannotConnect;
            if (reason != null) {
                backlog.answerAll(Outcome.unavailable(reason));
            } else {
                backlog.pause(wait);
            }
            return null;
        }
        return connect();
    }

    private @Nullable RabbitSession connect() {
        String failed = "cannot be reached: ";
        try {
            RabbitSession opened = RabbitSession.open(settings, shared);
            session.set(opened); // so that the watch ends it if it hangs
            if (closed) {
                opened.end("the broker is closed");
                return null;
            }
            failed = "refuses to declare the routes: ";
            opened.declareRoutes();
            cannotConnect = null;
            return opened;
        } catch (IOException | TimeoutException | RuntimeException e) {
            session.set(null);
            String reason = "RabbitMQ at " + settings.address() + " " + failed + reason(e);
            cannotConnect = reason;
            failures++;
            connectAt = System.nanoTime() + pause();
            backlog.answerAll(Outcome.unavailable(reason));
            return null;
        }
    }

    private static String reason(Exception e) {
        Throwable cause = e.getCause();
        return cause == null || cause.getMessage() == null ? e.toString() : e + " (" + cause.getMessage() + ")";
    }

    private long pause() {
        return Math.min(FIRST_PAUSE_NANOS << Math.min(failures, 10), MAX_PAUSE_NANOS);
    }

    // --- The watch's thread ------------------------------------------------------------------------------------------

    private void watchAll() {
        long tick = Math.min(MAX_WATCH_NANOS, settings.sendWithin().toNanos() / 4);
        while (!closed) {
            try {
                TimeUnit.NANOSECONDS.sleep(tick);
                backlog.expire(System.nanoTime() - settings.sendWithin().toNanos(), this::tooLate);
                RabbitSession current = session.get();
                if (current != null) {
                    current.watch();
                }
            } catch (InterruptedException e) {
                // As in publishAll.
            } catch (Throwable t) {
                faults.report("The watch's thread failed", t);
            }
        }
    }

    private Outcome tooLate(String exchange) {
        RabbitSession current = session.get();
        if (current != null && current.usable()) {
            return current.gate().tooLate(exchange);
        }
        String reason = cannotConnect;
        return Outcome.unavailable(
                reason != null ? reason : "RabbitMQ at " + settings.address() + " is not connected yet");
    }

    @Override
    public void close() {
        closed = true;
        publisher.interrupt();
        watch.interrupt();
        RabbitSession current = session.getAndSet(null);
        if (current != null) {
            current.leave("the broker is closed");
        }
        awaitPublisher(); // it may be sending a message
        backlog.answerAll(CLOSED);
    }

    private void awaitPublisher() {
        if (Thread.currentThread() != publisher) {
            try {
                publisher.join(MAX_CLOSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
