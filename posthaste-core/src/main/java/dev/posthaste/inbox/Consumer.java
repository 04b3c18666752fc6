package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs deliveries through an {@link Inbox}: those of one key one after another, those of different keys at once. A
 * failing one is tried again in place, later ones of its key waiting behind it and other keys going on. After its last
 * attempt, or when it can never be handled, it goes to the error queue and its key goes on.
 *
 * <p>What waits here is bounded by whoever feeds it: a prefetch, a window. Thread-safe.
 */
public final class Consumer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Consumer.class);
    private static final long LONGEST_DEAD_LETTER_WAIT_MILLIS = 30_000;

    private final Inbox inbox;
    private final ConsumerSettings settings;
    private final ConsumerListener listener;
    private final ScheduledThreadPoolExecutor threads;
    private final Map<Object, Deque<Attempt>> lanes = new HashMap<>(); // guarded by itself
    private volatile boolean closed;

    public Consumer(Inbox inbox) {
        this(inbox, ConsumerSettings.defaults(), ConsumerListener.NONE);
    }

    public Consumer(Inbox inbox, ConsumerSettings settings, ConsumerListener listener) {
        this.inbox = inbox;
        this.settings = settings;
        this.listener = listener;
        this.threads = new ScheduledThreadPoolExecutor(settings.threads(), work -> {
            Thread thread = new Thread(work, "posthaste-consumer-" + inbox.consumer());
            thread.setDaemon(true);
            return thread;
        });
        threads.setRemoveOnCancelPolicy(true);
        threads.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    public String name() {
        return inbox.consumer();
    }

    /** Whether there is a handler for the message's type. */
    public boolean handles(Message message) {
        String type = message.eventType();
        return type != null && inbox.eventTypes().contains(type);
    }

    /** Takes a delivery, which is answered later on one of the consumer's threads, or abandoned if it is closed. */
    public void accept(Delivery delivery) {
        Attempt attempt = new Attempt(delivery);
        boolean first;
        synchronized (lanes) {
            Deque<Attempt> lane = lanes.computeIfAbsent(attempt.lane(), key -> new ArrayDeque<>(2));
            first = lane.isEmpty();
            lane.add(attempt);
        }
        if (first) {
            run(attempt, 0);
        }
    }

    private void run(Attempt attempt, long delayMillis) {
        try {
            threads.schedule(() -> attempt(attempt), delayMillis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            next(attempt, Delivery::abandoned);
        }
    }

    private void attempt(Attempt attempt) {
        try {
            attempt.count++;
            decide(attempt);
        } catch (Throwable e) {
            log.error("Consumer {}: {} stays unanswered", name(), attempt.delivery.message(), e);
        }
    }

    private void decide(Attempt attempt) {
        if (attempt.failure != null) {
            deadLetter(attempt, attempt.failure);
            return;
        }
        Message message = attempt.delivery.message();
        long start = System.nanoTime();
        Inbox.Result result = inbox.handle(message);
        if (result instanceof Inbox.Result.Handled) {
            listener.handled(name(), message, System.nanoTime() - start);
            next(attempt, Delivery::done);
        } else if (result instanceof Inbox.Result.Duplicate) {
            listener.duplicate(name(), message);
            next(attempt, Delivery::done);
        } else if (result instanceof Inbox.Result.Refused refused) {
            deadLetter(attempt, new Failure(name(), refused.reason(), refused.cause(), attempt.count));
        } else if (result instanceof Inbox.Result.Failed failed) {
            retry(attempt, failed.cause());
        }
    }

    private void retry(Attempt attempt, Throwable cause) {
        Message message = attempt.delivery.message();
        if (closed) {
            next(attempt, Delivery::abandoned);
        } else if (attempt.count >= settings.retry().attempts()) {
            deadLetter(attempt, new Failure(name(), String.valueOf(cause), cause, attempt.count));
        } else {
            listener.retried(name(), message, cause);
            long wait = settings.retry()
                    .delay(attempt.count, ThreadLocalRandom.current())
                    .toMillis();
            log.info(
                    "Consumer {}: attempt {} at {} failed, next in {} ms: {}",
                    name(),
                    attempt.count,
                    message,
                    wait,
                    cause.toString());
            run(attempt, wait);
        }
    }

    private void deadLetter(Attempt attempt, Failure failure) {
        Message message = attempt.delivery.message();
        try {
            attempt.delivery.deadLetter(failure);
        } catch (Exception e) {
            attempt.failure = failure;
            long wait = Math.min(100L << Math.min(attempt.count, 20), LONGEST_DEAD_LETTER_WAIT_MILLIS);
            log.warn(
                    "Consumer {}: {} cannot be dead-lettered, next try in {} ms: {}",
                    name(),
                    message,
                    wait,
                    e.toString());
            run(attempt, wait);
            return;
        }
        log.warn("Consumer {}: {} is dead-lettered: {}", name(), message, failure.summary());
        listener.deadLettered(name(), message, failure);
        next(attempt, delivery -> {});
    }

    /** Answers the head of a lane and starts the one behind it. */
    private void next(Attempt head, java.util.function.Consumer<Delivery> answer) {
        synchronized (lanes) {
            if (!lanes.containsKey(head.lane())) {
                return; // abandoned by close() meanwhile
            }
        }
        answer.accept(head.delivery);
        Attempt next;
        synchronized (lanes) {
            Deque<Attempt> lane = lanes.get(head.lane());
            if (lane == null) {
                return;
            }
            lane.poll();
            next = lane.peek();
            if (next == null) {
                lanes.remove(head.lane());
            }
        }
        if (next != null) {
            run(next, 0);
        }
    }

    /** Takes nothing more, waits for running handlers within the bound, and abandons the rest. Works twice. */
    @Override
    public void close() {
        closed = true;
        threads.shutdown();
        try {
            if (!threads.awaitTermination(settings.closeTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
                log.warn(
                        "Consumer {}: handlers still run after {}; interrupting them", name(), settings.closeTimeout());
                threads.shutdownNow();
                threads.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            threads.shutdownNow();
            Thread.currentThread().interrupt();
        }
        Map<Object, Deque<Attempt>> rest;
        synchronized (lanes) {
            rest = new HashMap<>(lanes);
            lanes.clear();
        }
        rest.values().forEach(lane -> lane.forEach(attempt -> attempt.delivery.abandoned()));
    }

    /** A delivery on its way through. Touched by one thread at a time: whoever runs the head of its lane. */
    private static final class Attempt {
        private final Delivery delivery;
        private int count;
        private @org.jspecify.annotations.Nullable Failure failure;

        Attempt(Delivery delivery) {
            this.delivery = delivery;
        }

        /** The key, or for a message without one, itself: it waits for nobody. */
        Object lane() {
            String key = delivery.message().key();
            return key == null ? this : key;
        }
    }
}
