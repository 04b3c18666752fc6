package dev.posthaste.relay;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.OutboxStore;

/** What comes into a pump from other threads. */
sealed interface Signal {
    /** The broker has answered about an event. */
    record Answered(Lane.QueuedEvent held, Outcome outcome) implements Signal {}

    /** The batch that was being settled is written. */
    record Settled(OutboxStore.Settled settled, long nanos) implements Signal {}

    /** The batch that was being settled is not written, as far as is known. */
    record NotSettled(Throwable cause) implements Signal {}

    /** There is something to read. */
    record Wake() implements Signal {}
}
