package dev.posthaste;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which event type lives in which outbox. An event type that nobody registered is refused at the write, never sent
 * somewhere by default. Immutable and thread-safe.
 */
public final class Catalog {
    private final Map<String, OutboxDefinition> byName = new LinkedHashMap<>();
    private final Map<String, OutboxDefinition> byType = new LinkedHashMap<>();

    private Catalog() {}

    /** @throws IllegalArgumentException if two outboxes have one name, one table or one event type */
    public static Catalog of(OutboxDefinition... outboxes) {
        Catalog catalog = new Catalog();
        Map<String, String> tables = new LinkedHashMap<>();
        for (OutboxDefinition outbox : outboxes) {
            if (catalog.byName.put(outbox.name(), outbox) != null) {
                throw new IllegalArgumentException("Two outboxes are named " + outbox.name());
            }
            String sharer = tables.put(outbox.table().table(), outbox.name());
            if (sharer != null) {
                throw new IllegalArgumentException("Outboxes " + sharer + " and " + outbox.name() + " share the table "
                        + outbox.table().table());
            }
            for (String type : outbox.eventTypes()) {
                OutboxDefinition other = catalog.byType.put(type, outbox);
                if (other != null) {
                    throw new IllegalArgumentException("Event type " + type + " is registered for outbox "
                            + other.name() + " and for " + outbox.name());
                }
            }
        }
        return catalog;
    }

    public Collection<OutboxDefinition> outboxes() {
        return byName.values();
    }

    /** @throws IllegalArgumentException if there is no such outbox */
    public OutboxDefinition outbox(String name) {
        OutboxDefinition outbox = byName.get(name);
        if (outbox == null) {
            throw new IllegalArgumentException("No outbox is named '" + name + "'; there are " + byName.keySet());
        }
        return outbox;
    }

    /** @throws InvalidEventException if nobody registered the type */
    public OutboxDefinition outboxOf(String eventType) {
        OutboxDefinition outbox = byType.get(eventType);
        if (outbox == null) {
            throw new InvalidEventException("Event type '" + eventType
                    + "' is not registered in the catalog; registered are " + byType.keySet());
        }
        return outbox;
    }
}
