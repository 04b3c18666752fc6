package dev.posthaste.inbox;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Runs deliveries through {@link MessageHandling}: those of one key one after another, those of different keys in
 * parallel. A failing one is tried again in place, while later ones of its key wait behind it and other keys continue.
 *
 * <p>A failure that no handler is to blame for counts no attempt. An event that another process holds waits, and its
 * key with it. While the inbox's database is unavailable, all wait.
 *
 * <p>How much waits here is bounded by the source: a prefetch, a window. Thread-safe.
 */
final class Deliveries {
    private static final Logger log = LoggerFactory.getLogger(Deliveries.class);

    /**
     * Until the event is free again, of which there is no notification: the other process has handled it, or has died
     * and the database has ended its session.
     */
    private static final RetryPolicy HELD = RetryPolicy.exponential(Duration.ofMillis(100), Duration.ofSeconds(5))
            .forever();

    /** After this many postponements an event has waited for half a minute, and an operator should know. */
    private static final int POSTPONED_LONG = 9;

    /** How often an event of an unknown type is asked whether it is still wanted here. */
    private static final long UNKNOWN_MILLIS = 10_000;

    private static final int MAX_TYPES_LOGGED = 100;

    private final String inbox;
    private final MessageHandling handling;
    private final RetryPolicy retry;
    private final InboxListeners listeners;
    private final InboxThreads threads;
    private final RandomGenerator random;
    private final DeliveryLanes lanes = new DeliveryLanes();
    private final DatabaseGate gate;
    private final Answering answering;
    private final Batches batches;
    private final Set<String> ignoredTypes = ConcurrentHashMap.newKeySet();
    private volatile @Nullable String lastLogged;

    Deliveries(
            MessageHandling handling,
            RetryPolicy retry,
            AfterLastAttempt afterLastAttempt,
            InboxListeners listeners,
            InboxThreads threads,
            RandomGenerator random) {
        this.inbox = handling.inbox();
        this.handling = handling;
        this.retry = retry;
        this.listeners = listeners;
        this.threads = threads;
        this.random = random;
        this.gate = new DatabaseGate(handling::fault, threads::schedule, new GateWatcher());
        Turns turns = new LaneTurns();
        this.answering = new Answering(handling, afterLastAttempt, listeners, turns, random);
        this.batches = new Batches(handling, lanes, gate, listeners, answering, turns);
    }

    boolean handles(String eventType) {
        return handling.handles(eventType);
    }

    void accept(Delivery delivery) {
        Attempt attempt = new Attempt(delivery, handling.batchHandler(delivery.message()));
        if (lanes.add(attempt)) {
            run(attempt, 0);
        }
    }

    private void attempt(Attempt attempt) {
        try {
            InboxAnswer answer = attempt.answer;
            if (answer != null && answer.failure() == null) {
                answering.answer(attempt, answer); // nothing else may ever report that it was handled
            } else if (answer == null && !gate.admits(() -> attempt(attempt))) {
                return; // it has not begun, and asks again then whether it is wanted
            } else if (!attempt.delivery.wanted()) {
                next(attempt, Delivery::abandoned);
            } else if (answer == null) {
                handle(attempt);
            } else {
                answering.answer(attempt, answer);
            }
        } catch (Throwable e) {
            answering.later(attempt, "an attempt at it failed unexpectedly", e);
        }
    }

    // --- Single events -----------------------------------------------------------------------------------------------

    private void handle(Attempt attempt) {
        Message message = attempt.message();
        long start = System.nanoTime();
        AttemptResult result = handling.handle(message, attempt.count + 1, attempt.givenUp);
        if (result instanceof AttemptResult.Unavailable unavailable) {
            ended(attempt);
            gate.close(unavailable.cause(), () -> attempt(attempt));
        } else if (result instanceof AttemptResult.Postponed postponed) {
            postpone(attempt, postponed.cause());
        } else if (result instanceof AttemptResult.Handled) {
            gate.worked();
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            hear(each -> each.handled(inbox, message, took));
            answering.answer(attempt, answering.handled(message));
        } else if (result instanceof AttemptResult.Duplicate) {
            gate.worked();
            hear(each -> each.duplicate(inbox, message));
            answering.answer(attempt, answering.handled(message));
        } else if (result instanceof AttemptResult.Ignored) {
            ignore(attempt);
        } else if (result instanceof AttemptResult.Held held) {
            hold(attempt, held.type());
        } else if (result instanceof AttemptResult.Refused refused) {
            refuse(attempt, refused);
        } else if (result instanceof AttemptResult.Failed failed) {
            fail(attempt, failed.cause(), failed.options());
        }
    }

    private void ignore(Attempt attempt) {
        Message message = attempt.message();
        String type = String.valueOf(handling.opened(message).eventType());
        if (ignoredTypes.size() < MAX_TYPES_LOGGED && ignoredTypes.add(type)) {
            log.warn(
                    "Inbox {}: {} is ignored, like all events of type {} from now on: there is no handler for them"
                            + " (Inbox.Builder.unknownTypes)",
                    inbox,
                    message,
                    type);
        }
        hear(each -> each.ignored(inbox, message));
        answering.answer(attempt, answering.ignored(message));
    }

    private void hold(Attempt attempt, String type) {
        Message message = attempt.message();
        Throwable cause = new IllegalStateException("inbox " + inbox + " has no handler for events of type " + type);
        hear(each -> each.postponed(inbox, message, cause));
        log.atLevel(attempt.postponed++ == 0 ? Level.WARN : Level.DEBUG)
                .log(
                        "Inbox {}: {} and its key wait for a process that has a handler for events of type {}",
                        inbox,
                        message,
                        type);
        run(attempt, UNKNOWN_MILLIS);
    }

    private void postpone(Attempt attempt, Throwable cause) {
        Message message = attempt.message();
        hear(each -> each.postponed(inbox, message, cause));
        long wait = HELD.delay(++attempt.postponed, random).toMillis();
        log.atLevel(attempt.postponed % POSTPONED_LONG == 0 ? Level.WARN : Level.INFO)
                .log("Inbox {}: {} waits {} ms: {}", inbox, message, wait, Thrown.text(cause));
        run(attempt, wait);
    }

    private void refuse(Attempt attempt, AttemptResult.Refused refused) {
        if (attempt.givenUp == null) {
            attempt.count++;
        }
        answering.giveUp(attempt, failure(attempt, refused.reason(), refused.cause()), false);
    }

    private void fail(Attempt attempt, Throwable cause, HandlerOptions<?> options) {
        if (threads.isClosed()) {
            next(attempt, Delivery::abandoned);
        } else if (attempt.givenUp == null) {
            attempt.count++;
            retry(attempt, cause, options);
        } else {
            String reason = "its fallback failed: " + Thrown.text(cause) + ", after " + Thrown.text(attempt.givenUp);
            answering.giveUpForGood(attempt, failure(attempt, reason, cause));
        }
    }

    private void retry(Attempt attempt, Throwable cause, HandlerOptions<?> options) {
        Message message = attempt.message();
        if (attempt.count == 1) {
            logFirst(message, cause);
        }
        RetryPolicy policy = options.retryOr(retry);
        boolean retryable = options.retries(cause);
        if (retryable && attempt.count < policy.attempts()) {
            hear(each -> each.retried(inbox, message, cause));
            long wait = policy.delay(attempt.count, random).toMillis();
            log.info(
                    "Inbox {}: attempt {} at {} failed, next in {} ms: {}",
                    inbox,
                    attempt.count,
                    message,
                    wait,
                    Thrown.text(cause));
            run(attempt, wait);
        } else if (options.fallback() != null) {
            log.warn("Inbox {}: {} failed for the last time; its fallback runs", inbox, message);
            attempt.givenUp = cause;
            run(attempt, 0);
        } else {
            answering.giveUp(attempt, failure(attempt, Thrown.text(cause), cause), retryable);
        }
    }

    private Failure failure(Attempt attempt, String reason, @Nullable Throwable cause) {
        return Failure.of(inbox, reason).cause(cause).attempts(attempt.count);
    }

    /** With its stack trace, unless the last one was the same: thousands of events may fail in the same way. */
    private void logFirst(Message message, Throwable cause) {
        String text = Thrown.text(cause);
        try {
            if (!text.equals(lastLogged)) {
                lastLogged = text;
                log.warn("Inbox {}: the first attempt at {} failed", inbox, message, cause);
            }
        } catch (Throwable e) {
            log.warn("Inbox {}: {} has no stack trace that can be logged", inbox, text, e);
        }
    }

    // --- Turns -------------------------------------------------------------------------------------------------------

    private final class LaneTurns implements Turns {
        @Override
        public void run(Attempt attempt, long delayMillis) {
            Deliveries.this.run(attempt, delayMillis);
        }

        @Override
        public void next(Attempt head, Consumer<Delivery> answer) {
            Deliveries.this.next(head, answer);
        }

        @Override
        public void ended(Attempt attempt) {
            Deliveries.this.ended(attempt);
        }
    }

    private void run(Attempt attempt, long delayMillis) {
        if (delayMillis > 0 || attempt.answer == null) {
            ended(attempt); // a close does not interrupt what already has its answer
        }
        TypedHandler<?> batch = attempt.isForBatch() ? attempt.batch : null;
        Runnable work = () -> attempt(attempt);
        if (batch != null) {
            lanes.offer(batch, attempt);
            work = () -> batches.run(batch);
        }
        if (!threads.schedule(work, delayMillis)) {
            next(attempt, Delivery::abandoned);
        }
    }

    private void ended(Attempt attempt) {
        try {
            attempt.delivery.attemptEnded();
        } catch (Throwable e) {
            log.error("Inbox {}: {} waits, and its broker cannot be notified", inbox, attempt.message(), e);
        }
    }

    /** Answers the head of a lane and starts the one behind it. */
    private void next(Attempt head, Consumer<Delivery> answer) {
        give(head, answer);
        Attempt next = lanes.remove(head);
        if (next != null) {
            run(next, 0);
        }
    }

    /** A broker's fault must not stop the events behind this one; the broker delivers it again. */
    private void give(Attempt attempt, Consumer<Delivery> answer) {
        if (!attempt.mayGive()) {
            return; // abandoned by close() meanwhile
        }
        try {
            answer.accept(attempt.delivery);
        } catch (Throwable e) {
            log.error("Inbox {}: {} cannot be answered", inbox, attempt.message(), e);
        }
    }

    private void hear(Consumer<InboxListener> event) {
        listeners.hear(event);
    }

    private final class GateWatcher implements DatabaseGate.Watcher {
        @Override
        public void closed(Throwable cause) {
            log.warn(
                    "Inbox {}: its database is unavailable; its events wait until it answers: {}",
                    inbox,
                    Thrown.text(cause));
            hear(each -> each.unavailable(inbox, cause));
        }

        @Override
        public void opened(Duration after, int waited) {
            log.info(
                    "Inbox {}: its database is available again after {} ms; {} {}",
                    inbox,
                    after.toMillis(),
                    waited,
                    waited == 1 ? "event continues" : "events continue");
            hear(each -> each.available(inbox, after));
        }
    }

    /** Takes nothing more, waits for running handlers within the bound, and abandons the rest. Works twice. */
    void close(Duration timeout) {
        threads.close(timeout);
        lanes.clear().forEach(attempt -> give(attempt, Delivery::abandoned));
    }
}
