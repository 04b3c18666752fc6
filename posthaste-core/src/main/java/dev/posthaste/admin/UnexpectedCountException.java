package dev.posthaste.admin;

import dev.posthaste.PosthasteException;

/** A change found a different number of events than it {@link Change#expecting(long) expects}; it changed nothing. */
public final class UnexpectedCountException extends PosthasteException {
    private static final long serialVersionUID = 1;

    private final long expected;
    private final long found;

    /**
     * @param expected how many events the change expects
     * @param found how many events match
     */
    public UnexpectedCountException(String outbox, long expected, long found) {
        super(
                "The change expects " + expected + (expected == 1 ? " event" : " events") + ", and outbox " + outbox
                        + " has " + found
                        + " that match: nothing was changed. Check again, and repeat the change with the new number",
                null);
        this.expected = expected;
        this.found = found;
    }

    /** How many events the change expects. */
    public long expected() {
        return expected;
    }

    /** How many events match. */
    public long found() {
        return found;
    }
}
