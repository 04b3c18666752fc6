package dev.posthaste.relay;

import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** Decides an event's outcome from the broker's answer. Pure: no clock, no thread, no database. */
final class Settlement {
    private static final Duration FIRST_RESEND = Duration.ofMillis(10);
    private static final Duration MAX_RESEND = Duration.ofSeconds(10);

    private Settlement() {}

    /** What to do with one event. */
    sealed interface Decision {
        /** Write the verdict; the event leaves the relay. */
        record Write(Verdict verdict) implements Decision {}

        /** Hand the same event over again after a while, before any later one of its key; nothing is written. */
        record SendAgain(Duration after) implements Decision {}
    }

    /**
     * @param resends how often this event has already been sent again because no answer came
     * @param tracked whether the event ends as consumed rather than as published
     */
    static Decision decide(
            PendingEvent event,
            Outcome outcome,
            int resends,
            boolean tracked,
            RetryPolicy retry,
            RandomGenerator random) {
        if (outcome instanceof Outcome.Acknowledged acknowledged) {
            return new Decision.Write(
                    tracked && acknowledged.handled()
                            ? new Verdict.Consumed(event.id(), event.seen())
                            : new Verdict.Published(event.id(), event.seen()));
        }
        if (outcome instanceof Outcome.Rejected rejected) {
            return new Decision.Write(Verdict.refused(
                    event.id(),
                    event.seen(),
                    event.maxAttempts(),
                    rejected.permanent(),
                    rejected.reason(),
                    retry,
                    random));
        }
        if (outcome instanceof Outcome.Unknown) {
            long wait = FIRST_RESEND.toNanos() << Math.min(resends, 20);
            return new Decision.SendAgain(Duration.ofNanos(Math.min(wait, MAX_RESEND.toNanos())));
        }
        return new Decision.SendAgain(Duration.ZERO); // unavailable: the breaker says when
    }
}
