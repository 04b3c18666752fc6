package dev.posthaste.internal.admin;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a replay is to do, as the audit keeps it, so that another process can continue it. Immutable.
 *
 * @param filter positions, or the status published or consumed and any other criteria
 * @param destination in place of the events' own, or null; one that the outbox allows
 * @param routingKey in place of the events' own, or null
 * @param perSecond the most messages sent per second; 1 or more
 */
public record ReplayPlan(
        EventFilter filter,
        @Nullable String destination,
        @Nullable String routingKey,
        int perSecond) {
    /** Which events may be replayed at all; others are in a relay's hands, or an operator's. */
    public static final Set<Status> STATUSES = Set.of(Status.PUBLISHED, Status.CONSUMED);

    public ReplayPlan {
        requireSent(filter);
        if (perSecond < 1) {
            throw new IllegalArgumentException("A replay sends at least one event a second, not " + perSecond);
        }
    }

    /** @throws IllegalArgumentException if the filter covers events that were not published */
    public static void requireSent(EventFilter filter) {
        if (filter.positions().isEmpty() && (filter.status() == null || !STATUSES.contains(filter.status()))) {
            throw new IllegalArgumentException(
                    "A replay sends events that are published or consumed; say which of them (pending ones are"
                            + " sent anyway, dead ones are requeued)");
        }
    }

    /** @throws IllegalArgumentException if the outbox does not allow the destination */
    public void requireAllowed(OutboxDefinition outbox) {
        if (destination != null && !outbox.allows(destination)) {
            throw new IllegalArgumentException("destination " + destination + " is not among those allowed for outbox "
                    + outbox.name() + "; add it to the outbox's allowed destinations");
        }
    }

    /** How many events the filter's limit still allows after {@code done}. */
    public long left(long done) {
        return filter.limit() == null ? Long.MAX_VALUE : Math.max(0, filter.limit() - done);
    }

    @Override
    public String toString() {
        return filter
                + (destination == null ? "" : " to " + destination)
                + (routingKey == null ? "" : " with routing key " + routingKey);
    }
}
