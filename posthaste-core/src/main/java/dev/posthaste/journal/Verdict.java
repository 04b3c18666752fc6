package dev.posthaste.journal;

import java.time.Duration;

/**
 * What became of one event, to be written down by {@link Journal#settle}. It stands on what the relay saw: when somebody
 * else has changed the event's status or its attempts meanwhile, theirs stands.
 */
public sealed interface Verdict {
    long id();

    /** The attempts that were counted when the event was read. */
    int seenAttempts();

    /** The broker has it durably. */
    record Published(long id, int seenAttempts) implements Verdict {}

    /** Every consumer has handled it, as the broker says that handed it to them; of tracked outboxes only. */
    record Consumed(long id, int seenAttempts) implements Verdict {}

    /** Refused; to be sent again after {@code delay}. */
    record Retry(long id, int seenAttempts, Duration delay, String error) implements Verdict {
        /** Those that were seen, and this one. */
        public int attempts() {
            return oneMore(seenAttempts);
        }
    }

    /** Refused for the last time. */
    record Dead(long id, int seenAttempts, String error) implements Verdict {
        /** Those that were seen, and this one. */
        public int attempts() {
            return oneMore(seenAttempts);
        }
    }

    /** One attempt more, without overflow. */
    static int oneMore(int attempts) {
        return attempts == Integer.MAX_VALUE ? attempts : attempts + 1;
    }
}
