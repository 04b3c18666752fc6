package dev.posthaste.admin;

import dev.posthaste.PosthasteException;
import java.util.Set;

/** No outbox has this name. */
public final class UnknownOutboxException extends PosthasteException {
    private static final long serialVersionUID = 1;

    /** @param known the names of the outboxes that there are */
    public UnknownOutboxException(String name, Set<String> known) {
        super("No outbox is named '" + name + "'; the outboxes are " + String.join(", ", known), null);
    }
}
