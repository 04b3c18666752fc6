package dev.posthaste.rabbitmq;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Publishes to RabbitMQ: persistent messages, mandatory, each confirmed. A message counts as acknowledged when its
 * confirm came and it was not returned as unroutable before.
 *
 * <p>{@link #publish} only queues. One thread ({@code posthaste-rabbitmq-publisher}) connects and sends; another
 * ({@code posthaste-rabbitmq-watch}) ends a connection whose confirms stay out. The broker never gives a connection a
 * second chance: after any doubt it opens a new one. Thread-safe.
 */
public final class RabbitBroker implements Broker {
    private static final long WATCH_MILLIS = 100;

    private final RabbitSettings settings;
    private final LinkedBlockingQueue<Publication> queue = new LinkedBlockingQueue<>();
    private final AtomicReference<@Nullable RabbitSession> session = new AtomicReference<>();
    private final Thread publisher;
    private final Thread watch;
    private volatile boolean closed;

    /** One message and who waits for its outcome. */
    record Publication(Message message, Consumer<Outcome> callback) {}

    /** Connects when the first message comes. */
    public RabbitBroker(RabbitSettings settings) {
        settings.connectionFactory(); // a bad URI is refused here
        this.settings = settings;
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
        queue.add(new Publication(message, callback));
        if (closed) {
            refuseQueued("the broker is closed");
        }
    }

    @Override
    public boolean healthy() {
        RabbitSession current = session.get();
        return !closed && current != null && current.usable();
    }

    private void publishAll() {
        while (!closed) {
            Publication next;
            try {
                next = queue.take();
            } catch (InterruptedException e) {
                return;
            }
            try {
                send(next);
            } catch (InterruptedException e) {
                next.callback().accept(new Outcome.Unavailable("the broker is closed"));
                return;
            } catch (IOException | TimeoutException | RuntimeException e) {
                String reason = "RabbitMQ at " + settings.address() + " cannot be reached: " + e;
                next.callback().accept(new Outcome.Unavailable(reason));
                refuseQueued(reason);
            }
        }
    }

    private void send(Publication next) throws IOException, TimeoutException, InterruptedException {
        RabbitSession current = session.get();
        if (current == null || !current.usable()) {
            current = RabbitSession.open(settings);
            session.set(current);
            if (closed) {
                current.end("the broker is closed");
            }
        }
        current.send(next);
    }

    private void watchAll() {
        while (!closed) {
            RabbitSession current = session.get();
            if (current != null) {
                current.endIfConfirmsStayOut();
            }
            try {
                TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void refuseQueued(String reason) {
        List<Publication> waiting = new ArrayList<>();
        queue.drainTo(waiting);
        waiting.forEach(each -> each.callback().accept(new Outcome.Unavailable(reason)));
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
        refuseQueued("the broker is closed");
    }
}
