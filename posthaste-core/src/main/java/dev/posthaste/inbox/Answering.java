package dev.posthaste.inbox;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.inbox.ReceiptChannel.Reported;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.store.Receipt;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports the outcome of events to their outboxes and to the broker, until both have it.
 *
 * <p>An event that is given up, and whose outbox gets receipts, is published again later, or is dead there, with the
 * reason. Any other goes to the error queue or dead-letter topic, and so does one whose row is not known to record its
 * outcome. Its key continues either way.
 *
 * <p>Thread-safe.
 */
final class Answering {
    private static final Logger log = LoggerFactory.getLogger(Answering.class);
    private static final RetryPolicy UNCOUNTED = RetryPolicy.exponential(Duration.ofMillis(100), Duration.ofSeconds(30))
            .forever();

    private final String inbox;
    private final MessageHandling handling;
    private final AfterLastAttempt afterLastAttempt;
    private final InboxListeners listeners;
    private final Turns turns;
    private final RandomGenerator random;

    Answering(
            MessageHandling handling,
            AfterLastAttempt afterLastAttempt,
            InboxListeners listeners,
            Turns turns,
            RandomGenerator random) {
        this.inbox = handling.inbox();
        this.handling = handling;
        this.afterLastAttempt = afterLastAttempt;
        this.listeners = listeners;
        this.turns = turns;
        this.random = random;
    }

    InboxAnswer handled(Message message) {
        return InboxAnswer.handled(handling.origin(handling.opened(message)));
    }

    InboxAnswer ignored(Message message) {
        return InboxAnswer.ignored(handling.origin(handling.opened(message)));
    }

    /**
     * What can be tried again may be published again; what cannot is dead in a tracked outbox, and otherwise a dead
     * letter.
     */
    void giveUp(Attempt attempt, Failure failure, boolean retryable) {
        giveUp(attempt, failure, retryable && afterLastAttempt == AfterLastAttempt.REDELIVER, retryable);
    }

    /** A dead letter; dead in a tracked outbox too. */
    void giveUpForGood(Attempt attempt, Failure failure) {
        giveUp(attempt, failure, false, true);
    }

    private void giveUp(Attempt attempt, Failure failure, boolean again, boolean deadLetter) {
        Message message = handling.opened(attempt.message());
        Receipt.Consumed origin = handling.origin(message);
        if (origin == null) {
            answer(attempt, InboxAnswer.givenUp(null, failure, true));
        } else if (again) {
            Receipt failed = OriginHeaders.failed(origin, message, failure.summary());
            answer(attempt, InboxAnswer.givenUp(failed, failure, false));
        } else {
            Receipt rejected = OriginHeaders.rejected(origin, message, failure.summary());
            answer(attempt, InboxAnswer.givenUp(rejected, failure, deadLetter));
        }
    }

    void answer(Attempt attempt, InboxAnswer answer) {
        attempt.answer = answer;
        Receipt receipt = answer.receipt();
        if (receipt == null) {
            end(attempt, answer);
        } else if (receipt instanceof Receipt.Consumed consumed && answer.apart()) {
            handling.receipts().reportApart(consumed, reported -> reported(attempt, answer, reported));
        } else {
            handling.receipts().report(receipt, reported -> reported(attempt, answer, reported));
        }
    }

    /** Called on any thread. */
    private void reported(Attempt attempt, InboxAnswer answer, Reported reported) {
        if (reported instanceof Reported.Failed failed) {
            later(attempt, "its receipt cannot be delivered", failed.cause());
        } else if (answer.failure() != null && (answer.deadLetter() || !seenTo(answer, reported))) {
            attempt.answer = InboxAnswer.givenUp(null, answer.failure(), true);
            turns.run(attempt, 0); // on a thread that may wait
        } else {
            end(attempt, answer);
        }
    }

    /** Whether a refused event is known to be in its outbox, dead or to be published again. */
    private boolean seenTo(InboxAnswer answer, Reported reported) {
        if (reported instanceof Reported.Unmatched nothing) {
            Receipt receipt = answer.receipt();
            log.warn(
                    "Inbox {}: event {} was refused, and row {} of outbox {} does not record that: {}; it is dead-lettered",
                    inbox,
                    receipt == null ? null : receipt.eventId(),
                    receipt == null ? null : receipt.row(),
                    receipt == null ? null : receipt.outbox(),
                    nothing.why());
            return false;
        }
        return reported instanceof Reported.Written || answer.receipt() instanceof Receipt.Failed;
    }

    private void end(Attempt attempt, InboxAnswer answer) {
        Message message = attempt.message();
        Failure failure = answer.failure();
        if (failure == null) {
            turns.next(attempt, Delivery::done);
            return;
        }
        if (answer.deadLetter()) {
            if (!attempt.mayGive()) {
                return; // abandoned by close() meanwhile
            }
            try {
                attempt.delivery.deadLetter(failure);
            } catch (Exception e) {
                attempt.notGiven();
                later(attempt, "it cannot be dead-lettered", e);
                return;
            }
            log.warn("Inbox {}: {} is dead-lettered: {}", inbox, message, failure.summary());
            listeners.hear(each -> each.deadLettered(inbox, message, failure));
            turns.next(attempt, delivery -> {});
        } else {
            boolean again = answer.receipt() instanceof Receipt.Failed;
            log.warn(
                    "Inbox {}: {} is {} its outbox: {}",
                    inbox,
                    message,
                    again ? "left to" : "dead in",
                    failure.summary());
            if (again) {
                listeners.hear(each -> each.redelivered(inbox, message, failure));
            } else {
                listeners.hear(each -> each.died(inbox, message, failure));
            }
            turns.next(attempt, Delivery::leftToOutbox);
        }
    }

    void later(Attempt attempt, String what, Throwable failure) {
        long wait = 30_000;
        try {
            wait = UNCOUNTED.delay(++attempt.unanswered, random).toMillis();
            log.warn(
                    "Inbox {}: {}: {}, next try in {} ms: {}",
                    inbox,
                    attempt.message(),
                    what,
                    wait,
                    Thrown.text(failure));
        } finally {
            turns.run(attempt, wait);
        }
    }
}
