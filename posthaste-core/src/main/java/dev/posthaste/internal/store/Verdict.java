package dev.posthaste.internal.store;

import dev.posthaste.RetryPolicy;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of one event, to be recorded by {@link OutboxStore#settle}. It is valid for what the relay saw: if another
 * program has changed the event's status, attempts or generation in the meantime, that change is kept.
 */
public sealed interface Verdict {
    long id();

    /** What was counted when the event was read. */
    Seen seen();

    /**
     * What an event's row has counted.
     *
     * @param generation how often it was requeued, which sets its attempts back to 0; null if that is not known
     */
    record Seen(int attempts, @Nullable Integer generation) {}

    /** The broker has it durably. */
    record Published(long id, Seen seen) implements Verdict {
        /** Whatever its generation is. */
        public Published(long id, int attempts) {
            this(id, new Seen(attempts, null));
        }
    }

    /** Every consumer has handled it, according to the broker that delivered it to them; only in tracked outboxes. */
    record Consumed(long id, Seen seen) implements Verdict {
        /** Whatever its generation is. */
        public Consumed(long id, int attempts) {
            this(id, new Seen(attempts, null));
        }
    }

    /** Refused, by the broker or by a consumer. */
    sealed interface Refused extends Verdict permits Retry, Dead {
        String error();

        /** The attempts that were seen, and this one. */
        default int attempts() {
            return oneMore(seen().attempts());
        }
    }

    /** Refused; to be sent again after {@code delay}. */
    record Retry(long id, Seen seen, Duration delay, String error) implements Refused {
        /** Whatever its generation is. */
        public Retry(long id, int attempts, Duration delay, String error) {
            this(id, new Seen(attempts, null), delay, error);
        }
    }

    /** Refused for the last time. */
    record Dead(long id, Seen seen, String error) implements Refused {
        /** Whatever its generation is. */
        public Dead(long id, int attempts, String error) {
            this(id, new Seen(attempts, null), error);
        }
    }

    /**
     * What follows a refusal: another attempt after the policy's wait, or none. Pure, except for the jitter that {@code
     * random} decides.
     *
     * @param maxAttempts the event's own limit, or null for the policy's
     * @param permanent whether no attempt can succeed
     */
    static Refused refused(
            long id,
            Seen seen,
            @Nullable Integer maxAttempts,
            boolean permanent,
            String error,
            RetryPolicy retry,
            RandomGenerator random) {
        int attempts = oneMore(seen.attempts());
        int most = maxAttempts == null ? retry.attempts() : maxAttempts;
        return permanent || attempts >= most
                ? new Dead(id, seen, error)
                : new Retry(id, seen, retry.delay(attempts, random), error);
    }

    /** One more attempt, without overflow. */
    static int oneMore(int attempts) {
        return attempts == Integer.MAX_VALUE ? attempts : attempts + 1;
    }
}
