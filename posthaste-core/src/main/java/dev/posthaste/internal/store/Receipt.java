package dev.posthaste.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * A consumer's report about an event that was published. It may come late, twice, before the relay has written that the
 * event is published, or when the row is gone. {@code consumed} is final and wins over everything else, a dead event
 * included: the effect is committed. A refusal changes the row only while the event is open and the row's counts are
 * still those in the message.
 */
public sealed interface Receipt {
    /** The outbox that the event came from. */
    String outbox();

    /** The event's row there. */
    long row();

    /** The event's id; the receipt does not apply to a row with another one. */
    String eventId();

    /** It was handled. */
    record Consumed(String outbox, long row, String eventId) implements Receipt {}

    /** It was not handled, and the row is to record that. */
    sealed interface Refusal extends Receipt {
        /**
         * The attempts that had been counted when the message was sent, according to the message. A row that counts
         * more already has this refusal, or a later one. Null where the message did not say: then a refusal that is
         * delivered twice counts twice.
         */
        @Nullable
        Integer seenAttempts();

        /**
         * How often the event had been requeued when the message was sent, according to the message. Null where it did
         * not say, because the outbox's table has no such column: then only attempts are compared, and these begin
         * again when an event is requeued.
         */
        @Nullable
        Integer seenGeneration();

        /** Why. */
        String error();
    }

    /** It could not be handled, and is to be published again after a while. */
    record Failed(
            String outbox,
            long row,
            String eventId,
            @Nullable Integer seenAttempts,
            @Nullable Integer seenGeneration,
            String error)
            implements Refusal {
        /** For a message without a generation. */
        public Failed(String outbox, long row, String eventId, @Nullable Integer seenAttempts, String error) {
            this(outbox, row, eventId, seenAttempts, null, error);
        }
    }

    /** It can never be handled, and is dead. */
    record Rejected(
            String outbox,
            long row,
            String eventId,
            @Nullable Integer seenAttempts,
            @Nullable Integer seenGeneration,
            String error)
            implements Refusal {
        /** For a message with neither attempts nor generation. */
        public Rejected(String outbox, long row, String eventId, String error) {
            this(outbox, row, eventId, null, null, error);
        }
    }
}
