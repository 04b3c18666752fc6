package dev.posthaste;

import dev.posthaste.internal.names.Names;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The registered event types, and the outbox that each belongs to. An event whose type is in no outbox is invalid when
 * it is written, never sent somewhere by default. Immutable: every method with a definition returns a changed copy.
 *
 * <pre>{@code
 * Catalog catalog = Catalog.empty()
 *         .outbox("orders", o -> o.types("order.placed").route(Route.topic("shop.orders")))
 *         .outbox("images", o -> o.types("image.stored").keep(Duration.ofDays(1)));
 * }</pre>
 */
@CheckReturnValue
public final class Catalog {
    private static final Catalog EMPTY = new Catalog(null, List.of());

    private final @Nullable String services;
    private final Map<String, OutboxDefinition> byName = new LinkedHashMap<>();
    private final Map<String, OutboxDefinition> byType = new LinkedHashMap<>();

    private Catalog(@Nullable String services, Collection<OutboxDefinition> outboxes) {
        this.services = services;
        Map<String, String> tables = new LinkedHashMap<>();
        for (OutboxDefinition outbox : outboxes) {
            if (byName.put(outbox.name(), outbox.checked()) != null) {
                throw new IllegalArgumentException("Two outboxes are named " + outbox.name());
            }
            String sharer = tables.put(outbox.table(), outbox.name());
            if (sharer != null) {
                throw new IllegalArgumentException(
                        "Outboxes " + sharer + " and " + outbox.name() + " share the table " + outbox.table());
            }
            for (String type : outbox.types()) {
                OutboxDefinition other = byType.put(type, outbox);
                if (other != null) {
                    throw new IllegalArgumentException("Event type " + type + " is registered for outbox "
                            + other.name() + " and for " + outbox.name());
                }
            }
        }
    }

    /** An empty catalog. */
    public static Catalog empty() {
        return EMPTY;
    }

    /**
     * The catalog of a system of services, each of which has an outbox, a topic and a consumer group of its own, named after
     * it. For a service {@code active-scheduler} and the prefix {@code acme}:
     *
     * <ul>
     *   <li>outbox {@code active-scheduler}, in the table {@code active_scheduler_outbox_messages}
     *   <li>topic {@code acme.active-scheduler.outbox}
     *   <li>consumer group {@code acme-active-scheduler-outbox-consumer}
     * </ul>
     *
     * <pre>{@code
     * Catalog catalog = Catalog.forServices("acme")
     *         .outbox("agent", o -> o.types("chat.history.persist.requested"))
     *         .outbox("memory", o -> o.types("memory.extracted").table("memories"))      // one that differs
     *         .all(o -> o.tracked(true));
     * }</pre>
     *
     * @param prefix what the names of topics and groups begin with
     */
    public static Catalog forServices(String prefix) {
        return new Catalog(Names.requireOutbox(prefix), List.of());
    }

    /**
     * A catalog of definitions made apart from it, as frameworks read them from files. Applications write {@link
     * #outbox(String, UnaryOperator)} on {@link #empty()}.
     *
     * @throws IllegalArgumentException if a definition contradicts itself, or two of them share a name, table or event
     *     type
     */
    public static Catalog of(OutboxDefinition... outboxes) {
        return new Catalog(null, List.of(outboxes));
    }

    /**
     * Adds an outbox, or changes the one that already has this name.
     *
     * @param definition receives the outbox as defined so far, and returns the changed definition
     * @throws IllegalArgumentException if the definition contradicts itself, or shares a table or an event type with another
     */
    public Catalog outbox(String name, UnaryOperator<OutboxDefinition> definition) {
        OutboxDefinition before = byName.get(name);
        Map<String, OutboxDefinition> outboxes = new LinkedHashMap<>(byName);
        outboxes.put(name, definition.apply(before == null ? conventional(name) : before));
        return new Catalog(services, outboxes.values());
    }

    private OutboxDefinition conventional(String name) {
        OutboxDefinition outbox = OutboxDefinition.named(name);
        return services == null
                ? outbox
                : outbox.table(name.replace('-', '_').replace('.', '_') + "_outbox_messages")
                        .route(Route.topic(services + "." + name + ".outbox")
                                .group(services + "-" + name + "-outbox-consumer"));
    }

    /**
     * Changes the definition of every outbox now in the catalog.
     *
     * @throws IllegalArgumentException as {@link #outbox(String, UnaryOperator)}
     */
    public Catalog all(UnaryOperator<OutboxDefinition> change) {
        return new Catalog(services, byName.values().stream().map(change).toList());
    }

    /** In the order in which they were added; unmodifiable. */
    public Collection<OutboxDefinition> outboxes() {
        return Collections.unmodifiableCollection(byName.values());
    }

    /** @throws IllegalArgumentException if there is no such outbox */
    public OutboxDefinition outbox(String name) {
        OutboxDefinition outbox = byName.get(name);
        if (outbox == null) {
            throw new IllegalArgumentException(
                    "No outbox is named '" + name + "'; the outboxes are " + byName.keySet());
        }
        return outbox;
    }

    /** @throws InvalidEventException if the type belongs to no outbox */
    public OutboxDefinition outboxOf(String eventType) {
        OutboxDefinition outbox = byType.get(eventType);
        if (outbox == null) {
            throw new InvalidEventException("Event type '" + eventType
                    + "' is not registered in the catalog; registered are " + byType.keySet());
        }
        return outbox;
    }

    /** Catalogs are equal if they hold equal outboxes, in whatever order, and name those to come in the same way. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Catalog catalog
                && byName.equals(catalog.byName)
                && Objects.equals(services, catalog.services);
    }

    @Override
    public int hashCode() {
        return byName.hashCode();
    }

    @Override
    public String toString() {
        return "Catalog" + byName.values();
    }
}
