package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.util.List;

/** Which events a filter matches now. */
@ProvidedByPosthaste
public interface DryRun {
    /** How many events match, as far as they were counted. */
    long events();

    /** Whether all were counted; otherwise the thread was interrupted, and there are more. */
    boolean counted();

    /** The first of them, 10 at most, in the order of their positions. */
    List<FoundEvent> sample();
}
