package dev.posthaste.journal;

import org.jspecify.annotations.Nullable;

/**
 * A consumer's word on an event that was published. It may come late, twice, before the relay has written that the event
 * is published, or when the row is gone: transitions only go forward, {@code consumed} and {@code dead} are final.
 */
public sealed interface Receipt {
    /** The outbox that the event came from. */
    String outbox();

    /** The event's row there. */
    long row();

    /** The event's id; a row that has another one is not meant. */
    String eventId();

    /** It was handled. */
    record Consumed(String outbox, long row, String eventId) implements Receipt {}

    /**
     * It could not be handled, and is to be published again after a while.
     *
     * @param seenAttempts the attempts that the message said were counted when it was sent; a row that counts others now
     *     has heard of this failure, or of a later one. Null where the message did not say
     */
    record Failed(
            String outbox,
            long row,
            String eventId,
            @Nullable Integer seenAttempts,
            String error) implements Receipt {}

    /** It can never be handled, and is dead. */
    record Rejected(String outbox, long row, String eventId, String error) implements Receipt {}
}
