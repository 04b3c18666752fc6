package dev.posthaste;

import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.jdbc.TableLayout.Column;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * One named outbox: its table, its route and the event types that belong in it.
 *
 * @param eventTypes the types that may be written here, at least one
 * @param allowedDestinations what an event's or a row's own destination may be; empty when only the route's is allowed
 * @param tracked whether its events end as {@code consumed}, because a consumer says so
 */
public record OutboxDefinition(
        String name,
        TableLayout table,
        Route route,
        Set<String> eventTypes,
        Set<String> allowedDestinations,
        boolean tracked) {
    public OutboxDefinition {
        Names.requireOutbox(name);
        eventTypes = Set.copyOf(eventTypes);
        allowedDestinations = Set.copyOf(allowedDestinations);
        table = tracked ? table.tracked() : table;
        if (eventTypes.isEmpty()) {
            throw new IllegalArgumentException(
                    "Outbox " + name + " names no event type; nothing could be written to it");
        }
        for (String type : eventTypes) {
            if (type.isBlank() || type.length() > table.length(Column.TYPE) || Names.bytes(type) > Names.MAX_BYTES) {
                throw new IllegalArgumentException("Outbox " + name + ": not a usable event type: '" + type + "'");
            }
        }
        allowedDestinations.forEach(each -> Names.requireDestination("allowed destination", each));
        if (!route.destination().startsWith(table.destinationPrefix())) {
            throw new IllegalArgumentException("Outbox " + name + ": its route's destination " + route.destination()
                    + " does not begin with " + table.destinationPrefix() + ", as the layout of table " + table.table()
                    + " wants");
        }
        if (tracked && !table.tracksConsumption()) {
            throw new IllegalArgumentException("Outbox " + name + " cannot be tracked: the layout of table "
                    + table.table() + " has no code for consumed");
        }
    }

    /** An outbox in the standard table of its name. A type that is named twice counts once. */
    public static OutboxDefinition of(String name, Route route, String... eventTypes) {
        return new OutboxDefinition(
                name,
                TableLayout.standard(name),
                route,
                new LinkedHashSet<>(Arrays.asList(eventTypes)),
                Set.of(),
                false);
    }

    /** The same outbox in a table of another name. */
    public OutboxDefinition inTable(String table) {
        return inTable(TableLayout.standard(table));
    }

    /** The same outbox in a table that looks as {@code layout} says. */
    public OutboxDefinition inTable(TableLayout layout) {
        return new OutboxDefinition(name, layout, route, eventTypes, allowedDestinations, tracked);
    }

    /** The same outbox with another route. */
    public OutboxDefinition withRoute(Route route) {
        return new OutboxDefinition(name, table, route, eventTypes, allowedDestinations, tracked);
    }

    /** The same outbox, whose events may also name one of {@code destinations} for themselves. */
    public OutboxDefinition allowing(String... destinations) {
        return new OutboxDefinition(
                name, table, route, eventTypes, new LinkedHashSet<>(Arrays.asList(destinations)), tracked);
    }

    /**
     * The same outbox, whose events end as {@code consumed}: its consumer sends receipts. Retention then keeps what was
     * published until it was consumed.
     */
    public OutboxDefinition withReceipts() {
        return new OutboxDefinition(name, table, route, eventTypes, allowedDestinations, true);
    }

    /** Whether an event may go to {@code destination}. */
    public boolean allows(String destination) {
        return destination.equals(route.destination()) || allowedDestinations.contains(destination);
    }
}
