package dev.posthaste.inbox;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.ConsumerSettings.AfterLastAttempt;
import dev.posthaste.journal.Receipt;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Runs deliveries through an {@link Inbox}: those of one key one after another, those of different keys at once. A
 * failing one is tried again in place, later ones of its key waiting behind it and other keys going on.
 *
 * <p>What no handler is to blame for counts no attempt. An event that another process holds waits, and its key with it.
 * While the inbox's database is unavailable, all wait.
 *
 * <p>After its last attempt, or when it can never be handled, it is given up and its key goes on. An event of an outbox
 * that hears receipts is then published again later, or is dead there, with the reason. Any other goes to the error queue
 * or dead-letter topic, and so does one whose row is not known to say what became of it.
 *
 * <p>What waits here is bounded by whoever feeds it: a prefetch, a window. Thread-safe.
 */
public final class Consumer implements Receiver {
    private static final Logger log = LoggerFactory.getLogger(Consumer.class);
    private static final RetryPolicy UNCOUNTED = RetryPolicy.forever(Duration.ofMillis(100), Duration.ofSeconds(30));

    /** Postponed so often, an event has waited for half a minute, and an operator should know. */
    private static final int POSTPONED_LONG = 9;

    private final Inbox inbox;
    private final ConsumerSettings settings;
    private final ConsumerListener listener;
    private final ScheduledExecutorService threads;
    private final RandomGenerator random;
    private final Map<Object, Deque<Attempt>> lanes = new HashMap<>(); // guarded by itself
    private final DatabaseGate gate;
    private volatile boolean closed;
    private volatile @Nullable String lastLogged;

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
        this.gate = new DatabaseGate(inbox::fault, this::schedule, new GateWatcher());
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
        if (!schedule(attempt, delayMillis)) {
            next(attempt, Delivery::abandoned);
        }
    }

    /**
     * Schedules work for certain: an executor without memory or threads is asked again until it has some.
     *
     * @return false if the consumer is closed
     */
    private boolean schedule(Runnable work, long delayMillis) {
        Once once = null;
        while (true) {
            try {
                once = once == null ? new Once(work) : once;
                threads.schedule(once, delayMillis, TimeUnit.MILLISECONDS);
                return true;
            } catch (RejectedExecutionException e) {
                return false;
            } catch (Throwable e) {
                if (closed) {
                    return false;
                }
                LockSupport.parkNanos(100_000_000L);
            }
        }
    }

    /** An executor may run what it refused, such as when it took the work and then found no thread for it. */
    private static final class Once extends AtomicBoolean implements Runnable {
        private final transient Runnable work;

        Once(Runnable work) {
            this.work = work;
        }

        @Override
        public void run() {
            if (compareAndSet(false, true)) {
                work.run();
            }
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
            later(attempt, "an attempt at it broke off", e);
        }
    }

    // --- Handling ----------------------------------------------------------------------------------------------------

    private void handle(Attempt attempt) {
        if (!gate.admits(attempt)) {
            return;
        }
        Message message = attempt.delivery.message();
        long start = System.nanoTime();
        Inbox.Result result = inbox.handle(message);
        if (result instanceof Inbox.Result.Unavailable unavailable) {
            gate.close(unavailable.cause(), attempt);
        } else if (result instanceof Inbox.Result.Postponed postponed) {
            postpone(attempt, postponed.cause());
        } else if (result instanceof Inbox.Result.Handled) {
            gate.worked();
            long nanos = System.nanoTime() - start;
            hear(each -> each.handled(name(), message, nanos));
            answer(attempt, handled(message));
        } else if (result instanceof Inbox.Result.Duplicate) {
            gate.worked();
            hear(each -> each.duplicate(name(), message));
            answer(attempt, handled(message));
        } else if (result instanceof Inbox.Result.Refused refused) {
            attempt.count++;
            giveUp(attempt, new Failure(name(), refused.reason(), refused.cause(), attempt.count), false);
        } else if (result instanceof Inbox.Result.Failed failed) {
            attempt.count++;
            retry(attempt, failed.cause());
        }
    }

    private void postpone(Attempt attempt, Throwable cause) {
        Message message = attempt.delivery.message();
        hear(each -> each.postponed(name(), message, cause));
        long wait = UNCOUNTED.delay(++attempt.postponed, random).toMillis();
        log.atLevel(attempt.postponed % POSTPONED_LONG == 0 ? Level.WARN : Level.INFO)
                .log("Consumer {}: {} waits {} ms: {}", name(), message, wait, Thrown.text(cause));
        run(attempt, wait);
    }

    private void retry(Attempt attempt, Throwable cause) {
        Message message = attempt.delivery.message();
        if (closed) {
            next(attempt, Delivery::abandoned);
            return;
        }
        if (attempt.count == 1) {
            logFirst(message, cause);
        }
        if (attempt.count >= settings.retry().attempts()) {
            giveUp(attempt, new Failure(name(), Thrown.text(cause), cause, attempt.count), true);
        } else {
            hear(each -> each.retried(name(), message, cause));
            long wait = settings.retry().delay(attempt.count, random).toMillis();
            log.info(
                    "Consumer {}: attempt {} at {} failed, next in {} ms: {}",
                    name(),
                    attempt.count,
                    message,
                    wait,
                    Thrown.text(cause));
            run(attempt, wait);
        }
    }

    /** With its stack, unless the last one said the same: thousands of events may fail in one way. */
    private void logFirst(Message message, Throwable cause) {
        String text = Thrown.text(cause);
        try {
            if (!text.equals(lastLogged)) {
                lastLogged = text;
                log.warn("Consumer {}: the first attempt at {} failed", name(), message, cause);
            }
        } catch (Throwable e) {
            log.warn("Consumer {}: {} has no stack that can be logged", name(), text, e);
        }
    }

    private void hear(java.util.function.Consumer<ConsumerListener> event) {
        try {
            event.accept(listener);
        } catch (Throwable e) {
            log.warn("Consumer {}: its listener threw {}, which is ignored", name(), Thrown.text(e));
        }
    }

    private final class GateWatcher implements DatabaseGate.Watcher {
        @Override
        public void closed(Throwable cause) {
            log.warn(
                    "Consumer {}: its database is unavailable; its events wait until it answers: {}",
                    name(),
                    Thrown.text(cause));
            hear(each -> each.unavailable(name(), cause));
        }

        @Override
        public void opened(Duration after, int waited) {
            log.info(
                    "Consumer {}: its database is available again after {} ms; {} {}",
                    name(),
                    after.toMillis(),
                    waited,
                    waited == 1 ? "event continues" : "events continue");
            hear(each -> each.available(name(), after));
        }
    }

    /** What can be tried again may be published again; what cannot is dead in a tracked outbox, and a dead letter else. */
    private void giveUp(Attempt attempt, Failure failure, boolean retryable) {
        Message message = inbox.opened(attempt.delivery.message());
        Receipt.Consumed origin = inbox.origin(message);
        if (origin == null) {
            answer(attempt, new Answer(null, failure, true));
        } else if (retryable && settings.afterLastAttempt() == AfterLastAttempt.REDELIVER) {
            Receipt failed = Receipts.failed(origin, message, failure.summary());
            answer(attempt, new Answer(failed, failure, false));
        } else {
            Receipt rejected = Receipts.rejected(origin, message, failure.summary());
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
            @Nullable Receipt receipt, @Nullable Failure failure, boolean deadLetter) {}

    private void answer(Attempt attempt, Answer answer) {
        attempt.answer = answer;
        Receipt receipt = answer.receipt();
        if (receipt == null) {
            end(attempt, answer);
        } else {
            inbox.receipts().tell(receipt, told -> told(attempt, answer, told));
        }
    }

    /** Called on any thread. */
    private void told(Attempt attempt, Answer answer, Receipts.Told told) {
        if (told instanceof Receipts.Told.Failed failed) {
            later(attempt, "its receipt cannot be given", failed.cause());
        } else if (answer.failure() != null && (answer.deadLetter() || !seenTo(answer, told))) {
            attempt.answer = new Answer(null, answer.failure(), true);
            run(attempt, 0); // on a thread that may wait
        } else {
            end(attempt, answer);
        }
    }

    /** Whether a refused event is known to be in its outbox, dead or to be published again. */
    private boolean seenTo(Answer answer, Receipts.Told told) {
        if (told instanceof Receipts.Told.Unmatched nothing) {
            Receipt receipt = answer.receipt();
            log.warn(
                    "Consumer {}: event {} was refused, and row {} of outbox {} does not say so: {}; it goes to the dead"
                            + " letters",
                    name(),
                    receipt == null ? null : receipt.eventId(),
                    receipt == null ? null : receipt.row(),
                    receipt == null ? null : receipt.outbox(),
                    nothing.why());
            return false;
        }
        return told instanceof Receipts.Told.Written || answer.receipt() instanceof Receipt.Failed;
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
            hear(each -> each.deadLettered(name(), message, failure));
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
                hear(each -> each.redelivered(name(), message, failure));
            } else {
                hear(each -> each.died(name(), message, failure));
            }
            next(attempt, Delivery::leftToOutbox);
        }
    }

    private void later(Attempt attempt, String what, Throwable failure) {
        long wait = 30_000;
        try {
            wait = UNCOUNTED.delay(++attempt.unanswered, random).toMillis();
            log.warn(
                    "Consumer {}: {}: {}, next try in {} ms: {}",
                    name(),
                    attempt.delivery.message(),
                    what,
                    wait,
                    Thrown.text(failure));
        } finally {
            run(attempt, wait);
        }
    }

    /** Answers the head of a lane and starts the one behind it. */
    private void next(Attempt head, java.util.function.Consumer<Delivery> answer) {
        synchronized (lanes) {
            if (!leads(head)) {
                return; // abandoned by close() meanwhile
            }
        }
        give(head, answer);
        Attempt next;
        synchronized (lanes) {
            Deque<Attempt> lane = lanes.get(head.lane);
            if (lane == null || lane.peek() != head) {
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

    private boolean leads(Attempt attempt) {
        Deque<Attempt> lane = lanes.get(attempt.lane);
        return lane != null && lane.peek() == attempt;
    }

    /** A broker's fault must not stop the events behind this one; the broker delivers it again. */
    private void give(Attempt attempt, java.util.function.Consumer<Delivery> answer) {
        try {
            answer.accept(attempt.delivery);
        } catch (Throwable e) {
            log.error("Consumer {}: {} cannot be answered", name(), attempt.delivery.message(), e);
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
        rest.values().forEach(lane -> lane.forEach(attempt -> give(attempt, Delivery::abandoned)));
    }

    /** A delivery on its way through. Touched by one thread at a time: whoever runs the head of its lane. */
    private final class Attempt implements Runnable {
        private final Delivery delivery;
        private final Object lane;
        private int count;
        private int postponed;
        private int unanswered;
        private volatile @Nullable Answer answer;

        Attempt(Delivery delivery) {
            this.delivery = delivery;
            this.lane = delivery.lane();
        }

        @Override
        public void run() {
            attempt(this);
        }
    }
}
