package dev.posthaste.inbox;

import dev.posthaste.broker.Message;

/** Hears what a consumer does; for metrics and tests. Called on the consumer's threads, must not block or throw. */
public interface ConsumerListener {
    ConsumerListener NONE = new ConsumerListener() {};

    default void handled(String consumer, Message message, long nanos) {}

    default void duplicate(String consumer, Message message) {}

    /** One attempt failed and another follows. */
    default void retried(String consumer, Message message, Throwable cause) {}

    /** Its outbox was told to publish it again. */
    default void redelivered(String consumer, Message message, Failure failure) {}

    /** Its outbox was told that it is dead. */
    default void died(String consumer, Message message, Failure failure) {}

    default void deadLettered(String consumer, Message message, Failure failure) {}
}
