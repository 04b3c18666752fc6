package dev.posthaste.inbox;

import dev.posthaste.broker.Failure;
import dev.posthaste.internal.store.Receipt;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a message: first to its outbox, then to the broker.
 *
 * @param failure why it was given up, or null when it was handled
 * @param deadLetter whether it goes to the error queue or dead-letter topic
 * @param apart whether no handler's transaction has written the outbox's receipt
 */
record Answer(@Nullable Receipt receipt, @Nullable Failure failure, boolean deadLetter, boolean apart) {

    static Answer handled(Receipt.@Nullable Consumed receipt) {
        return new Answer(receipt, null, false, false);
    }

    static Answer ignored(Receipt.@Nullable Consumed receipt) {
        return new Answer(receipt, null, false, true);
    }

    static Answer givenUp(@Nullable Receipt receipt, Failure failure, boolean deadLetter) {
        return new Answer(receipt, failure, deadLetter, true);
    }
}
