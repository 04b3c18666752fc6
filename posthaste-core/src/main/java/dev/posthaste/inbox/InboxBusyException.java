package dev.posthaste.inbox;

import dev.posthaste.PosthasteException;

/** Another process or transaction is handling the event at this moment. Try again later. */
public final class InboxBusyException extends PosthasteException {
    InboxBusyException(String message, Throwable cause) {
        super(message, cause);
    }
}
