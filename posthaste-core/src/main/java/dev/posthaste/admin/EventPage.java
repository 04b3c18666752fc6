package dev.posthaste.admin;

import dev.posthaste.ProvidedByPosthaste;
import java.util.List;

/** Found events, newest first. */
@ProvidedByPosthaste
public interface EventPage {
    /**
     * The events; fewer than the filter's limit, even none, at the end, and when the search has used up its time, which
     * is less than a second: then {@link #hasNext} is true and {@link OutboxAdmin#next} continues it.
     */
    List<FoundEvent> events();

    /** Whether the search has more to look at. */
    boolean hasNext();
}
