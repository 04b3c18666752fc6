package dev.posthaste.rabbitmq;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.broker.Subscription;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * RabbitMQ, both ways.
 *
 * <pre>{@code
 * RabbitBroker rabbit = RabbitBroker.of(RabbitSettings.of("amqp://user:password@localhost/%2f").declare(true));
 * rabbit.subscribe(Route.exchange("shop").routingKey("orders").queue("orders-queue"), inbox);
 * }</pre>
 *
 * Publishes persistent and mandatory messages, each confirmed. A message counts as acknowledged when its confirm has come
 * and it was not returned as unroutable before.
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
 * ({@code posthaste-rabbitmq-watch}) keeps the deadlines. Connects, and starts both, for the first message. Thread-safe.
 *
 * <h2>Subscriptions</h2>
 *
 * A message is acknowledged after it was handled, and never put back: one that fails is retried in place, and one that is
 * given up is published to the queue's {@linkplain #errorQueue error queue}, as it came and confirmed, before it is
 * acknowledged. The prefetch bounds how many messages wait in memory. When more than 32 MiB are waiting, the messages are
 * given back to the server and the prefetch is lowered; it is raised again when messages are smaller. By then the server may
 * have sent a whole prefetch of larger messages: for a moment, the memory needed can be the prefetch times the largest
 * message. Each subscription has its own connection and a thread ({@code posthaste-rabbitmq-QUEUE}) that keeps it;
 * deliveries come on the client's threads.
 */
public final class RabbitBroker implements SubscribableBroker {
    private static final Logger log = LoggerFactory.getLogger(RabbitBroker.class);
    private static final long MAX_WATCH_NANOS = 100_000_000L;
    private static final long FIRST_PAUSE_NANOS = 50_000_000L;
    private static final long MAX_PAUSE_NANOS = 1_000_000_000L;
    /** Bounded, because a thread that is connecting cannot be interrupted. */
    private static final long MAX_CLOSE_MILLIS = 1_000;

    private static final Outcome CLOSED = Outcome.unavailable("the broker is closed");
    private static final Outcome FAULT = Outcome.unknown("an unexpected error; see the log");

    private final RabbitSettings settings;
    private final FaultLog faults = new FaultLog();
    private final UnsentMessages unsent = new UnsentMessages();
    private final RabbitSession.Shared shared;
    private final AtomicReference<@Nullable RabbitSession> session = new AtomicReference<>();
    private final Thread publisher;
    private final Thread watch;
    private final RouteDeclarations.Known routes = new RouteDeclarations.Known();
    private final Object state = new Object();
    private final Set<RabbitSubscription> subscriptions = new LinkedHashSet<>(); // guarded by state, like the next
    private boolean subscribable = true;
    private volatile boolean started; // written under state
    private volatile boolean closed;
    private volatile @Nullable String cannotConnect;
    private volatile boolean lost; // known to be lost; only healthy() depends on it

    // Confined to the publisher's thread.
    private int failures;
    private long connectAt = System.nanoTime();

    /** @param threads makes two threads, which are started for the first message */
    RabbitBroker(RabbitSettings settings, ThreadFactory threads) {
        this.settings = settings;
        this.shared = new RabbitSession.Shared(
                unsent, new Suspects(settings.confirmWindow()), new Patience(settings), faults, routes);
        this.publisher = thread(threads, this::publishAll, "posthaste-rabbitmq-publisher");
        this.watch = thread(threads, this::watchAll, "posthaste-rabbitmq-watch");
    }

    /** A broker with these settings. It connects when it is first used. */
    public static RabbitBroker of(RabbitSettings settings) {
        return new RabbitBroker(settings, Thread::new);
    }

    /** The queue for the messages that a queue's consumers gave up. */
    public static String errorQueue(String queue) {
        return RabbitTopology.errorQueue(queue);
    }

    private void start() {
        if (!started && !closed) {
            synchronized (state) {
                if (!started && !closed) {
                    start(watch);
                    start(publisher);
                    started = true;
                }
            }
        }
    }

    /** Unless it is already started: {@link #start()} is called again if the system refused to start one of them. */
    private static void start(Thread thread) {
        if (thread.getState() == Thread.State.NEW) {
            thread.start();
        }
    }

    private static Thread thread(ThreadFactory threads, Runnable work, String name) {
        Thread thread = threads.newThread(work);
        thread.setName(name);
        thread.setDaemon(true);
        return thread;
    }

    /**
     * If the settings say so, the route is declared before the next message is sent, and again on every new connection. While
     * RabbitMQ refuses that, messages to the route's exchange are {@link Outcome.Unavailable}, and it is tried again within
     * 30 s; other exchanges are not affected.
     */
    @Override
    public void prepare(Route route) {
        if (settings.declare()) {
            routes.add(route);
        }
    }

    @Override
    public Subscription subscribe(Route route, Receiver receiver) {
        RabbitSubscription subscription = new RabbitSubscription(settings, route, receiver, this::closed);
        synchronized (state) {
            if (!subscribable) {
                throw new IllegalStateException("the broker is closed");
            }
            subscriptions.add(subscription);
        }
        subscription.start();
        return subscription;
    }

    private void closed(RabbitSubscription subscription) {
        synchronized (state) {
            subscriptions.remove(subscription);
        }
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
        start();
        unsent.add(publication);
        if (closed) {
            unsent.answerAll(CLOSED);
        }
    }

    /**
     * Whether both threads are alive, RabbitMQ can be reached, and it neither blocks publishers nor is slow. True until it is
     * known otherwise, so before the first message too.
     */
    @Override
    public boolean healthy() {
        RabbitSession current = session.get();
        return !closed
                && (!started || (publisher.isAlive() && watch.isAlive()))
                && (current == null ? !lost : current.usable() && current.gate().refusal() == null);
    }

    // --- The publisher's thread --------------------------------------------------------------------------------------

    private void publishAll() {
        while (!closed) {
            try {
                unsent.awaitAny();
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
        unsent.answerAll(CLOSED); // messages that were put back after close() had answered
    }

    private void sendNext(RabbitSession current) throws InterruptedException {
        boolean alone = shared.suspects().anyAloneOnConnection();
        Publication next = unsent.next(head -> alone && current.gate().isUrgent(head), current.gate()::isReady);
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

    /** The session, opened if necessary; null if there is none yet. */
    private @Nullable RabbitSession connected() throws InterruptedException {
        RabbitSession current = session.get();
        if (current != null) {
            if (current.usable()) {
                return declared(current);
            }
            current.end("the connection was lost");
            lost = true;
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
                unsent.answerAll(Outcome.unavailable(reason));
            } else {
                unsent.pause(wait);
            }
            return null;
        }
        return connect();
    }

    private @Nullable RabbitSession connect() {
        try {
            RabbitSession opened = RabbitSession.open(settings, shared);
            session.set(opened); // so that the watch ends it if it hangs
            if (closed) {
                opened.end("the broker is closed");
                return null;
            }
            RabbitSession ready = declared(opened);
            if (ready != null) {
                log.info("Publishing to RabbitMQ at {}", settings.address());
            }
            return ready;
        } catch (IOException | TimeoutException | RuntimeException e) {
            failed("cannot be reached", e);
            return null;
        }
    }

    /** The session, once everything that can be declared on it is declared; null if it was lost meanwhile. */
    private @Nullable RabbitSession declared(RabbitSession current) {
        try {
            current.declareRoutes();
            cannotConnect = null;
            lost = false;
            return current;
        } catch (IOException | RuntimeException e) {
            failed("was lost while routes were declared", e);
            return null;
        }
    }

    private void failed(String what, Exception e) {
        lost = true;
        session.set(null);
        String reason = "RabbitMQ at " + settings.address() + " " + what + ": " + reason(e);
        cannotConnect = reason;
        failures++;
        connectAt = System.nanoTime() + pause();
        unsent.answerAll(Outcome.unavailable(reason));
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
                unsent.expire(System.nanoTime() - settings.sendWithin().toNanos(), this::tooLate);
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
        closeSubscriptions();
        synchronized (state) {
            closed = true;
        }
        publisher.interrupt();
        watch.interrupt();
        RabbitSession current = session.getAndSet(null);
        if (current != null) {
            current.leave("the broker is closed");
        }
        awaitPublisher(); // it may be sending a message
        unsent.answerAll(CLOSED);
    }

    /**
     * First, because what their handlers send on the way out is still published. All are stopped before any of them is
     * waited for.
     */
    private void closeSubscriptions() {
        List<RabbitSubscription> open;
        synchronized (state) {
            subscribable = false;
            open = List.copyOf(subscriptions);
        }
        open.forEach(RabbitSubscription::stop);
        long deadline = System.nanoTime() + RabbitSubscription.CLOSE_NANOS;
        open.forEach(each -> each.close(deadline));
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
