package dev.posthaste.admin;

import dev.posthaste.PosthasteException;

/** A change found a different number of events than it {@link Change#expecting(long) expects}; it changed nothing. */
public final class UnexpectedCountException extends PosthasteException {
    private static final long serialVersionUID = 1;

    private final long expected;
    private final long found;

    public UnexpectedCountException(String outbox, long expected, long found) {
        super(
                "The change expects " + expected + (expected == 1 ? " event" : " events") + ", and outbox " + outbox
                        + " has " + found
                        + " that match: nothing was changed. Check again, and repeat the change with the new number",
                null);
        this.expected = expected;
        this.found = found;
    }

    public long expected() {
        return expected;
    }

    public long found() {
        return found;
    }
}
