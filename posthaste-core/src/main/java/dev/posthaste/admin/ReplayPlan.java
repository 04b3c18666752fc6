package dev.posthaste.admin;

import org.jspecify.annotations.Nullable;

/**
 * What a replay is to do, as the audit keeps it, so that another process can continue it. Immutable.
 *
 * @param destination in place of the events' own, or null; one that the outbox allows
 * @param routingKey in place of the events' own, or null
 * @param perSecond how many messages are sent in a second at most; 1 or more
 */
public record ReplayPlan(
        ReplaySelection selection,
        @Nullable String destination,
        @Nullable String routingKey,
        int perSecond) {
    public ReplayPlan {
        if (perSecond < 1) {
            throw new IllegalArgumentException("A replay sends at least one event a second, not " + perSecond);
        }
    }

    @Override
    public String toString() {
        return selection
                + (destination == null ? "" : " to " + destination)
                + (routingKey == null ? "" : " with routing key " + routingKey);
    }
}
