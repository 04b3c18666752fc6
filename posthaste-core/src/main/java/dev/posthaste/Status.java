package dev.posthaste;

import java.util.Locale;

/** The status of an event. {@link #CONSUMED} and {@link #DEAD} are final until an operator says otherwise. */
public enum Status {
    /** Written, and not yet known to be in the broker. */
    PENDING,
    /** Durably in the broker. */
    PUBLISHED,
    /** Handled, as the consumer reported. */
    CONSUMED,
    /** Given up after its last attempt; the row keeps the reason. */
    DEAD;

    /** The word in the standard table's {@code status} column. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The status whose {@link #code} this is, in any case of letters.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Status ofCode(String code) {
        return valueOf(code.toUpperCase(Locale.ROOT));
    }
}
