package dev.posthaste.inbox;

/**
 * What an inbox does with an event of a type that it has no handler for, and that a broker has delivered to it
 * nevertheless. A {@link dev.posthaste.broker.LocalBroker} does not deliver it, and rejects it if no inbox has a
 * handler.
 */
public enum UnknownTypes {
    /** It is skipped, and counted. A tracked outbox gets the receipt that it was consumed. */
    IGNORE,
    /**
     * It waits, and later events of its key with it, until a process that has a handler takes over: after a deployment.
     * Other keys continue as long as the broker's prefetch has room beside what waits; Kafka commits nothing behind it.
     */
    HOLD,
    /** It can never be handled: see {@link AfterLastAttempt}. */
    DEAD_LETTER
}
