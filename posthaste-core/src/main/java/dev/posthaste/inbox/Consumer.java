package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import dev.posthaste.inbox.ConsumerSettings.AfterLastAttempt;
import dev.posthaste.journal.Receipt;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs deliveries through an {@link Inbox}: those of one key one after another, those of different keys at once. A
 * failing one is tried again in place, later ones of its key waiting behind it and other keys going on.
 *
 * <p>After its last attempt, or when it can never be handled, it is given up and its key goes on. An event of an outbox
 * that hears receipts is then published again later, or is dead there, with the reason; any other goes to the error queue
 * or dead-letter topic.
 *
 * <p>What waits here is bounded by whoever feeds it: a prefetch, a window. Thread-safe.
 */
public final class Consumer implements Receiver {
    private static final Logger log = LoggerFactory.getLogger(Consumer.class);
    private static final long LONGEST_ANSWER_WAIT_MILLIS = 30_000;

    private final Inbox inbox;
    private final ConsumerSettings settings;
    private final ConsumerListener listener;
    private final ScheduledExecutorService threads;
    private final RandomGenerator random;
    private final Map<Object, Deque<Attempt>> lanes = new HashMap<>(); // guarded by itself
    private volatile boolean closed;

    public Consumer(Inbox inbox) {
        this(inbox, ConsumerSettings.defaults(), ConsumerListener.NONE);
    }

    public Consumer(Inbox inbox, ConsumerSettings settings, ConsumerListener listener) {
        this(inbox, settings, listener, threads(inbox.consumer(), settings.threads()), new Random());
    }

    /**
     * With threads from outside, for tests and simulations.
     *
     * @param threads run the attempts, and wait before those that are made again; shut down with the consumer
     * @param random what jitters retries; thread-safe if there is more than one
     */
    public Consumer(
            Inbox inbox,
            ConsumerSettings settings,
            ConsumerListener listener,
            ScheduledExecutorService threads,
            RandomGenerator random) {
        this.inbox = inbox;
        this.settings = settings;
        this.listener = listener;
        this.threads = threads;
        this.random = random;
    }

    private static ScheduledExecutorService threads(String consumer, int number) {
        ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(number, work -> {
            Thread thread = new Thread(work, "posthaste-consumer-" + consumer);
            thread.setDaemon(true);
            return thread;
        });
        threads.setRemoveOnCancelPolicy(true);
        threads.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return threads;
    }

    @Override
    public String name() {
        return inbox.consumer();
    }

    /** Whether there is a handler for the message's type. */
    @Override
    public boolean handles(Message message) {
        String type = message.eventType();
        return type != null && inbox.eventTypes().contains(type);
    }

    @Override
    public void accept(Delivery delivery) {
        Attempt attempt = new Attempt(delivery);
        boolean first;
        synchronized (lanes) {
            Deque<Attempt> lane = lanes.computeIfAbsent(attempt.lane, key -> new ArrayDeque<>(2));
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
            if (!attempt.delivery.wanted()) {
                next(attempt, Delivery::abandoned);
            } else if (attempt.answer == null) {
                handle(attempt);
            } else {
                answer(attempt, attempt.answer);
            }
        } catch (Throwable e) {
            log.error("Consumer {}: {} stays unanswered", name(), attempt.delivery.message(), e);
        }
    }

    // --- Handling ----------------------------------------------------------------------------------------------------

    private void handle(Attempt attempt) {
        attempt.count++;
        Message message = attempt.delivery.message();
        long start = System.nanoTime();
        Inbox.Result result = inbox.handle(message);
        if (result instanceof Inbox.Result.Handled) {
            listener.handled(name(), message, System.nanoTime() - start);
            answer(attempt, handled(message));
        } else if (result instanceof Inbox.Result.Duplicate) {
            listener.duplicate(name(), message);
            answer(attempt, handled(message));
        } else if (result instanceof Inbox.Result.Refused refused) {
            giveUp(attempt, new Failure(name(), refused.reason(), refused.cause(), attempt.count), false);
        } else if (result instanceof Inbox.Result.Failed failed) {
            retry(attempt, failed.cause());
        }
    }

    private void retry(Attempt attempt, Throwable cause) {
        Message message = attempt.delivery.message();
        if (closed) {
            next(attempt, Delivery::abandoned);
        } else if (attempt.count >= settings.retry().attempts()) {
            giveUp(attempt, new Failure(name(), String.valueOf(cause), cause, attempt.count), true);
        } else {
            listener.retried(name(), message, cause);
            long wait = settings.retry().delay(attempt.count, random).toMillis();
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

    /** What can be tried again may be published again; what cannot is dead in a tracked outbox, and a dead letter else. */
    private void giveUp(Attempt attempt, Failure failure, boolean retryable) {
        Message message = inbox.opened(attempt.delivery.message());
        Receipt.Consumed origin = inbox.origin(message);
        if (origin == null) {
            answer(attempt, new Answer(null, failure, true));
        } else if (retryable && settings.afterLastAttempt() == AfterLastAttempt.REDELIVER) {
            Receipt failed = new Receipt.Failed(
                    origin.outbox(), origin.row(), origin.eventId(), Receipts.attempts(message), failure.summary());
            answer(attempt, new Answer(failed, failure, false));
        } else {
            Receipt rejected = new Receipt.Rejected(origin.outbox(), origin.row(), origin.eventId(), failure.summary());
            answer(attempt, new Answer(rejected, failure, retryable));
        }
    }

    private Answer handled(Message message) {
        return new Answer(inbox.origin(inbox.opened(message)), null, false);
    }

    // --- Answering ---------------------------------------------------------------------------------------------------

    /**
     * What is said of a message: to its outbox, and then to the broker.
     *
     * @param failure why it was given up, or null when it was handled
     * @param deadLetter whether it goes to the error queue or dead-letter topic
     */
    private record Answer(
            @Nullable Receipt receipt, @Nullable Failure failure, boolean deadLetter) {
        Answer told() {
            return new Answer(null, failure, deadLetter);
        }
    }

    private void answer(Attempt attempt, Answer answer) {
        attempt.answer = answer;
        Receipt receipt = answer.receipt();
        if (receipt == null) {
            end(attempt, answer);
        } else {
            inbox.receipts().tell(receipt, failure -> told(attempt, answer, failure));
        }
    }

    /** Called on any thread. */
    private void told(Attempt attempt, Answer answer, @Nullable Throwable failure) {
        if (failure != null) {
            later(attempt, "its receipt cannot be given", failure);
        } else if (answer.deadLetter()) {
            attempt.answer = answer.told();
            run(attempt, 0); // on a thread that may wait
        } else {
            end(attempt, answer);
        }
    }

    private void end(Attempt attempt, Answer answer) {
        Message message = attempt.delivery.message();
        Failure failure = answer.failure();
        if (failure == null) {
            next(attempt, Delivery::done);
            return;
        }
        if (answer.deadLetter()) {
            try {
                attempt.delivery.deadLetter(failure);
            } catch (Exception e) {
                later(attempt, "it cannot be dead-lettered", e);
                return;
            }
            log.warn("Consumer {}: {} is dead-lettered: {}", name(), message, failure.summary());
            listener.deadLettered(name(), message, failure);
            next(attempt, delivery -> {});
        } else {
            boolean again = answer.receipt() instanceof Receipt.Failed;
            log.warn(
                    "Consumer {}: {} is {} its outbox: {}",
                    name(),
                    message,
                    again ? "left to" : "dead in",
                    failure.summary());
            if (again) {
                listener.redelivered(name(), message, failure);
            } else {
                listener.died(name(), message, failure);
            }
            next(attempt, Delivery::done);
        }
    }

    private void later(Attempt attempt, String what, Throwable failure) {
        long wait = Math.min(100L << Math.min(attempt.unanswered++, 20), LONGEST_ANSWER_WAIT_MILLIS);
        log.warn(
                "Consumer {}: {}: {}, next try in {} ms: {}",
                name(),
                attempt.delivery.message(),
                what,
                wait,
                failure.toString());
        run(attempt, wait);
    }

    /** Answers the head of a lane and starts the one behind it. */
    private void next(Attempt head, java.util.function.Consumer<Delivery> answer) {
        synchronized (lanes) {
            if (!lanes.containsKey(head.lane)) {
                return; // abandoned by close() meanwhile
            }
        }
        answer.accept(head.delivery);
        Attempt next;
        synchronized (lanes) {
            Deque<Attempt> lane = lanes.get(head.lane);
            if (lane == null) {
                return;
            }
            lane.poll();
            next = lane.peek();
            if (next == null) {
                lanes.remove(head.lane);
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
        private final Object lane;
        private int count;
        private int unanswered;
        private volatile @Nullable Answer answer;

        Attempt(Delivery delivery) {
            this.delivery = delivery;
            this.lane = delivery.lane();
        }
    }
}
