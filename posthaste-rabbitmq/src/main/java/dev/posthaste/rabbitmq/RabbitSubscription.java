package dev.posthaste.rabbitmq;

import com.rabbitmq.client.Connection;
import dev.posthaste.Route;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.Subscription;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds a receiver from a queue, as {@link RabbitBroker} describes. One thread ({@code posthaste-rabbitmq-QUEUE})
 * connects; deliveries come on the client's threads. Thread-safe.
 */
final class RabbitSubscription implements Subscription {
    private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long MAX_WAIT_MILLIS = 5_000;
    /** How long a close waits for running handlers. */
    static final long CLOSE_NANOS = 5_000_000_000L;
    /** How long it then waits for the connection and the thread to end. */
    private static final long END_NANOS = 5_000_000_000L;

    private final RabbitSettings settings;
    private final Route route;
    private final String queue;
    private final Prefetch prefetch;
    private final Receiver receiver;
    private final Consumer<RabbitSubscription> whenClosed;
    private final ErrorQueue errors;
    private final Thread thread;
    private final Object state = new Object();
    private boolean started; // guarded by state
    private boolean ended; // guarded by state
    private volatile boolean closed;
    private volatile @Nullable Connection connection;
    private volatile @Nullable ReceivingChannel receiving;
    private long wait = FIRST_WAIT_MILLIS; // the thread's

    /** @throws IllegalArgumentException if the route names no queue */
    RabbitSubscription(
            RabbitSettings settings, Route route, Receiver receiver, Consumer<RabbitSubscription> whenClosed) {
        String named = route.group();
        if (named == null) {
            throw new IllegalArgumentException("To subscribe to exchange " + route.destination()
                    + ", its route needs a queue: Route.exchange(…).queue(…)");
        }
        this.settings = settings;
        this.route = route;
        this.queue = named;
        this.prefetch = new Prefetch(settings.prefetch());
        this.receiver = receiver;
        this.whenClosed = whenClosed;
        this.errors = new ErrorQueue(settings, queue);
        this.thread = new Thread(this::receive, "posthaste-rabbitmq-" + queue);
        thread.setDaemon(true);
    }

    void start() {
        synchronized (state) {
            if (!started && !closed) {
                started = true;
                thread.start();
            }
        }
    }

    @Override
    public boolean healthy() {
        ReceivingChannel current = receiving;
        return !closed && thread.isAlive() && current != null && current.isOpen();
    }

    /** Whatever is thrown, Error included, ends a connection and not the thread: the next connection is opened. */
    private void receive() {
        while (!closed) {
            try {
                receiveOnAConnection();
            } catch (Throwable e) {
                // Thrown while another failure was being reported: most likely the heap is full.
            }
        }
    }

    private void receiveOnAConnection() {
        try (Connection opened = settings.connectionFactory().newConnection("posthaste-" + receiver.name())) {
            connection = opened;
            if (settings.declare()) {
                RabbitTopology.declare(opened, route);
            }
            receive(opened);
        } catch (InterruptedException e) {
            // This subscription is closing, or something interrupted the thread by mistake.
        } catch (Throwable e) {
            if (!closed) {
                log.warn(
                        "Cannot receive from queue {} of RabbitMQ at {}; retrying in {} ms: {}",
                        queue,
                        settings.address(),
                        wait,
                        String.valueOf(e.getCause() == null ? e : e.getCause()));
            }
        } finally {
            receiving = null;
            pause();
        }
    }

    /** Returns when the connection or its channel is lost, or the subscription is closed. */
    private void receive(Connection opened) throws IOException, InterruptedException {
        while (!closed) {
            ReceivingChannel channel = ReceivingChannel.open(opened, queue, receiver, prefetch, errors);
            try {
                receiving = channel;
                if (closed) {
                    channel.stop();
                }
                log.info(
                        "Receiving from queue {} of RabbitMQ at {} with a prefetch of {}",
                        queue,
                        settings.address(),
                        prefetch.current());
                channel.awaitEnd();
                prefetch.adjust(); // to the messages that wait now, before they are given back
            } finally {
                channel.end();
            }
            if (channel.hasReceived()) {
                wait = FIRST_WAIT_MILLIS;
            }
            if (channel.isLost()) {
                return;
            }
        }
    }

    private void pause() {
        Thread.interrupted(); // only close() ends this thread
        try {
            synchronized (state) {
                if (!closed) {
                    state.wait(wait);
                }
            }
        } catch (InterruptedException e) {
            // As above.
        }
        wait = Math.min(wait * 2, MAX_WAIT_MILLIS);
    }

    @Override
    public void close() {
        stop();
        close(System.nanoTime() + CLOSE_NANOS);
    }

    /** Starts nothing more; {@link #close(long)} waits for what has been started. */
    void stop() {
        synchronized (state) {
            closed = true;
            state.notifyAll();
        }
        ReceivingChannel last = receiving;
        if (last != null) {
            last.stop();
        }
    }

    /**
     * Like {@link #close()}, after {@link #stop}.
     *
     * @param deadline until when running handlers are waited for, on the clock of {@link System#nanoTime}
     */
    void close(long deadline) {
        synchronized (state) {
            if (ended) {
                return;
            }
            ended = true;
        }
        ReceivingChannel last = receiving;
        if (last != null) {
            last.awaitEndOfBegun(deadline); // running handlers still acknowledge on the open connection
        }
        long end = deadline + END_NANOS;
        Connection current = connection;
        if (current != null) {
            current.abort((int) Math.min(2_000, millisUntil(end)));
        }
        thread.interrupt();
        try {
            thread.join(millisUntil(end));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        errors.close();
        whenClosed.accept(this);
    }

    /** At least 1, because 0 would be no limit. */
    private static long millisUntil(long end) {
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()));
    }
}
