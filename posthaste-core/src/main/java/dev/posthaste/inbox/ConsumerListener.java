package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import java.time.Duration;

/**
 * Hears what a consumer does; for metrics and tests. Called on the consumer's threads, must not block. What it
 * throws is logged and ignored.
 */
public interface ConsumerListener {
    ConsumerListener NONE = new ConsumerListener() {};

    default void handled(String consumer, Message message, long nanos) {}

    default void duplicate(String consumer, Message message) {}

    /** One attempt failed and another follows. */
    default void retried(String consumer, Message message, Throwable cause) {}

    /** One attempt did not count, because another process, a deadlock or a full disk was in the way; another follows. */
    default void postponed(String consumer, Message message, Throwable cause) {}

    /** The inbox's database does not answer, or takes no changes: the consumer's events wait from now on. */
    default void unavailable(String consumer, Throwable cause) {}

    /** The inbox's database answers again. */
    default void available(String consumer, Duration after) {}

    /** Its outbox was told to publish it again. */
    default void redelivered(String consumer, Message message, Failure failure) {}

    /** Its outbox was told that it is dead. */
    default void died(String consumer, Message message, Failure failure) {}

    default void deadLettered(String consumer, Message message, Failure failure) {}
}
