package dev.posthaste;

import dev.posthaste.jdbc.TableLayout;
import java.util.Set;

/**
 * One named outbox: its table, its route and the event types that belong in it.
 *
 * @param eventTypes the types that may be written here, at least one
 * @param allowedDestinations what an event's or a row's own destination may be; empty when only the route's is allowed
 */
public record OutboxDefinition(
        String name, TableLayout table, Route route, Set<String> eventTypes, Set<String> allowedDestinations) {
    public OutboxDefinition {
        Names.requireOutbox(name);
        eventTypes = Set.copyOf(eventTypes);
        allowedDestinations = Set.copyOf(allowedDestinations);
        if (eventTypes.isEmpty()) {
            throw new IllegalArgumentException(
                    "Outbox " + name + " names no event type; nothing could be written to it");
        }
        for (String type : eventTypes) {
            if (type.isBlank() || type.length() > TableLayout.MAX_TYPE) {
                throw new IllegalArgumentException("Outbox " + name + ": not a usable event type: '" + type + "'");
            }
        }
        allowedDestinations.forEach(each -> Names.requireDestination("allowed destination", each));
    }

    public static OutboxDefinition of(String name, Route route, String... eventTypes) {
        return new OutboxDefinition(name, TableLayout.standard(name), route, Set.of(eventTypes), Set.of());
    }

    /** The same outbox in a table of another name. */
    public OutboxDefinition inTable(String table) {
        return new OutboxDefinition(name, TableLayout.standard(table), route, eventTypes, allowedDestinations);
    }

    /** The same outbox, whose events may also name one of {@code destinations} for themselves. */
    public OutboxDefinition allowing(String... destinations) {
        return new OutboxDefinition(name, table, route, eventTypes, Set.of(destinations));
    }

    /** Whether an event may go to {@code destination}. */
    public boolean allows(String destination) {
        return destination.equals(route.destination()) || allowedDestinations.contains(destination);
    }
}
