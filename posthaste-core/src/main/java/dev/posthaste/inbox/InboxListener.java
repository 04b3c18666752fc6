package dev.posthaste.inbox;

import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import java.time.Duration;

/**
 * Hears what inboxes do with the messages that a broker brings; for metrics and tests. Called on the inbox's threads, must
 * not block. What it throws is logged and ignored. Methods may be added, with defaults.
 */
public interface InboxListener {
    /**
     * An event was handled, and that is committed.
     *
     * @param took from the attempt's start to its commit; in a batch, each event's share of that
     */
    default void handled(String inbox, Message message, Duration took) {}

    /** It was handled before. */
    default void duplicate(String inbox, Message message) {}

    /** There is no handler for its type: {@link UnknownTypes#IGNORE}. */
    default void ignored(String inbox, Message message) {}

    /** One attempt failed and another follows. */
    default void retried(String inbox, Message message, Throwable cause) {}

    /**
     * One attempt did not count, because another process, a deadlock, a full disk or {@link UnknownTypes#HOLD} was in the
     * way; another follows.
     */
    default void postponed(String inbox, Message message, Throwable cause) {}

    /** The inbox's database does not answer, or accepts no changes: the inbox's events wait from now on. */
    default void unavailable(String inbox, Throwable cause) {}

    /** The inbox's database answers again. */
    default void available(String inbox, Duration after) {}

    /** Its outbox was told to publish it again. */
    default void redelivered(String inbox, Message message, Failure failure) {}

    /** Its outbox was told that it is dead. */
    default void died(String inbox, Message message, Failure failure) {}

    /** It was given up, and is on the error queue or dead-letter topic. */
    default void deadLettered(String inbox, Message message, Failure failure) {}
}
