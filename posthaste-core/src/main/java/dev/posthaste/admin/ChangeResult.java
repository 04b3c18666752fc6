package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;

/** What a change did. */
@ProvidedByPosthaste
public interface ChangeResult {
    /** How many events the change has changed in all, also by earlier calls that this one continued. */
    long events();

    /** Whether the change had been made as a whole before: nothing was changed now, and {@link #events} is from then. */
    boolean repeated();

    /**
     * How many events were left as they are because another transaction has them locked; the same change again tries them
     * once more.
     */
    long locked();
}
