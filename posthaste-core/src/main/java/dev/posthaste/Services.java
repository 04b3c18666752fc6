package dev.posthaste;

import dev.posthaste.jdbc.TableLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Makes the catalog of a system of services, each of which has an outbox, a topic and a consumer group of its own, named
 * after it. For a service {@code active-scheduler} and the prefix {@code acme}:
 *
 * <ul>
 *   <li>outbox {@code active-scheduler}, in the table {@code active_scheduler_outbox_messages}
 *   <li>topic {@code acme.active-scheduler.outbox}
 *   <li>consumer group {@code acme-active-scheduler-outbox-consumer}
 * </ul>
 *
 * <pre>{@code
 * Catalog catalog = new Services("acme")
 *         .register("agent", "chat.history.persist.requested")
 *         .register("memory", "memory.extract.requested")
 *         .adjust("memory", outbox -> outbox.inTable("memories"))
 *         .catalog();
 * }</pre>
 *
 * Not thread-safe; the catalog is.
 */
public final class Services {
    private final String prefix;
    private final Map<String, Set<String>> types = new LinkedHashMap<>();
    private final Map<String, String> services = new LinkedHashMap<>();
    private final Map<String, UnaryOperator<OutboxDefinition>> adjustments = new LinkedHashMap<>();

    /** @param prefix what the names of topics and groups begin with */
    public Services(String prefix) {
        this.prefix = Names.requireOutbox(prefix);
    }

    /**
     * Says that a service writes events of these types. Saying it again is harmless.
     *
     * @throws IllegalArgumentException if another service registered one of them
     */
    public Services register(String service, String... eventTypes) {
        Names.requireOutbox(service);
        for (String type : eventTypes) {
            String other = services.putIfAbsent(type, service);
            if (other != null && !other.equals(service)) {
                throw new IllegalArgumentException("Event type " + type + " is registered for service " + other
                        + " and cannot be for " + service + " too");
            }
        }
        types.computeIfAbsent(service, name -> new LinkedHashSet<>()).addAll(Arrays.asList(eventTypes));
        return this;
    }

    /**
     * Changes what convention says of a registered service: its table, its route, whether it is tracked. Several
     * adjustments follow one another.
     *
     * @throws IllegalArgumentException if nobody registered the service
     */
    public Services adjust(String service, UnaryOperator<OutboxDefinition> adjustment) {
        if (!types.containsKey(service)) {
            throw new IllegalArgumentException(
                    "No service is registered as '" + service + "'; there are " + types.keySet());
        }
        adjustments.merge(service, adjustment, (first, second) -> outbox -> second.apply(first.apply(outbox)));
        return this;
    }

    /** Changes what convention says of every service that is registered now. */
    public Services adjustAll(UnaryOperator<OutboxDefinition> adjustment) {
        types.keySet().forEach(service -> adjust(service, adjustment));
        return this;
    }

    /** @throws IllegalArgumentException if two services share a table */
    public Catalog catalog() {
        return Catalog.of(types.keySet().stream()
                .map(service -> adjustments
                        .getOrDefault(service, UnaryOperator.identity())
                        .apply(conventional(service)))
                .toArray(OutboxDefinition[]::new));
    }

    private OutboxDefinition conventional(String service) {
        Route route = new Route(prefix + "." + service + ".outbox", null, prefix + "-" + service + "-outbox-consumer");
        String table = service.replace('-', '_').replace('.', '_') + "_outbox_messages";
        return new OutboxDefinition(
                service, TableLayout.standard(table), route, types.getOrDefault(service, Set.of()), Set.of(), false);
    }
}
