package dev.posthaste.inbox;

/**
 * What becomes of an event that could be handled another time, but not now.
 *
 * <p>One that can never be handled is dead at once in a tracked outbox, whatever is said here, and in no error queue; that
 * its handler rejects, whose payload or id cannot be read, that has no handler, or that failed with an exception that is
 * not tried again. Where no outbox is told, it goes to the error queue or dead-letter topic.
 */
public enum AfterLastAttempt {
    /** It goes to the error queue or dead-letter topic; where its outbox hears receipts, it is dead there too. */
    DEAD_LETTER,
    /**
     * Its outbox publishes it again, after the outbox's own backoff, until the outbox's last attempt. Later events of its key
     * go before it. Where its outbox hears no receipts, it goes to the error queue or dead-letter topic.
     */
    REDELIVER
}
