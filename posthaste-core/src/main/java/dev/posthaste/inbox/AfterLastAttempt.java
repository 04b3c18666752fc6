package dev.posthaste.inbox;

/**
 * What happens to an event that might be handled at another time, but not now.
 *
 * <p>An event that can never be handled is dead immediately in a tracked outbox, whatever is set here, and goes to no
 * error queue: its handler rejects it, its payload or id cannot be read, it has no handler, or it failed with an
 * exception that is not retried. Where no outbox gets receipts, it goes to the error queue or dead-letter topic.
 */
public enum AfterLastAttempt {
    /** It goes to the error queue or dead-letter topic; where its outbox gets receipts, it is dead there too. */
    DEAD_LETTER,
    /**
     * Its outbox publishes it again, after the outbox's own backoff, until the outbox's last attempt. Later events of
     * its key overtake it. Where its outbox gets no receipts, it goes to the error queue or dead-letter topic.
     */
    REDELIVER
}
