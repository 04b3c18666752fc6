package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.util.List;

/** Found events, newest first. */
@ProvidedByPosthaste
public interface EventPage {
    /**
     * The events; fewer than the filter's limit, even none, at the end, and where the search used up its time, which is
     * below a second: then {@link #hasNext} is true and {@link OutboxAdmin#next} continues it.
     */
    List<FoundEvent> events();

    /** Whether the search has more to look at. */
    boolean hasNext();
}
