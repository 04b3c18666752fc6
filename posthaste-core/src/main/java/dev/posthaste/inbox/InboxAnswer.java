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
record InboxAnswer(@Nullable Receipt receipt, @Nullable Failure failure, boolean deadLetter, boolean apart) {

    static InboxAnswer handled(Receipt.@Nullable Consumed receipt) {
        return new InboxAnswer(receipt, null, false, false);
    }

    static InboxAnswer ignored(Receipt.@Nullable Consumed receipt) {
        return new InboxAnswer(receipt, null, false, true);
    }

    static InboxAnswer givenUp(@Nullable Receipt receipt, Failure failure, boolean deadLetter) {
        return new InboxAnswer(receipt, failure, deadLetter, true);
    }
}
