package dev.posthaste.reliability.torture;

import java.time.Duration;
import java.util.Set;

/**
 * Which kinds of faults may be drawn.
 *
 * @param the only kinds; empty for all that the campaign has time for
 * @param without kinds to leave out
 * @param campaign the campaign's length
 */
record Kinds(Set<String> only, Set<String> without, Duration campaign) {
    private static final Duration LONG = Duration.ofMinutes(15);

    boolean allow(String kind) {
        return !without.contains(kind) && (only.isEmpty() ? isTimeFor(kind) : only.contains(kind));
    }

    private boolean isTimeFor(String kind) {
        return !LongFaults.ALL.contains(kind) || campaign.compareTo(LONG) > 0;
    }
}
