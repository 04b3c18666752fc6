package dev.posthaste.inbox;

import dev.posthaste.PosthasteException;

/** Somebody else handles the event at this moment: another process, or another transaction. Come again. */
public final class InboxBusyException extends PosthasteException {
    InboxBusyException(String message, Throwable cause) {
        super(message, cause);
    }
}
