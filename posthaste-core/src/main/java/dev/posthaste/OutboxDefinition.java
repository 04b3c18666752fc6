package dev.posthaste;

import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.jdbc.DefinedTables;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.names.Names;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The definition of one outbox, in the terms of {@code outboxes.NAME} in the daemon's configuration file. Immutable:
 * every method with a parameter returns a changed copy.
 *
 * <pre>{@code
 * Catalog.empty().outbox("orders", o -> o
 *         .types("order.placed", "order.cancelled")
 *         .route(Route.topic("shop.orders").group("stock"))
 *         .retry(RetryPolicy.exponential().attempts(12))
 *         .keep(Duration.ofDays(2)))
 * }</pre>
 *
 * Whether the settings are consistent is checked when the definition becomes part of a {@link Catalog}.
 */
@CheckReturnValue
public final class OutboxDefinition {
    static {
        DefinedTables.supply(new TableAccess());
    }

    private static final Duration MAX_TIME = Duration.ofDays(36_525);

    private final Fields fields;
    private @Nullable EventTable eventTable; // made once it is asked for, from what never changes

    /** A definition's fields; changed only until a definition holds them. */
    private static final class Fields implements Cloneable {
        private final String name;
        private @Nullable String table;
        private TableLayout layout = TableLayout.standard();
        private Route route;
        private Set<String> types = Set.of();
        private Set<String> allowedDestinations = Set.of();
        private MessageFormat format = MessageFormat.RAW;
        private boolean tracked;
        private RetryPolicy retry = RetryPolicy.exponential();
        private AfterDead afterDead = AfterDead.SKIP;
        private int maxPerSecond;
        private Duration keep = Duration.ofDays(7);
        private boolean deleteDead;
        private Duration consumedWithin = Duration.ofMinutes(10);
        private boolean republishUnconsumed;
        private Duration lagLimit = Duration.ofMinutes(5);

        private Fields(String name) {
            this.name = Names.requireOutbox(name);
            this.route = Route.topic(name);
        }

        private List<@Nullable Object> all() {
            return Arrays.asList(
                    name,
                    table,
                    layout,
                    route,
                    types,
                    allowedDestinations,
                    format,
                    tracked,
                    retry,
                    afterDead,
                    maxPerSecond,
                    keep,
                    deleteDead,
                    consumedWithin,
                    republishUnconsumed,
                    lagLimit);
        }

        private String tableOrDefault() {
            return table != null ? table : name.replace('-', '_').replace('.', '_') + "_outbox";
        }

        private Fields copy() {
            try {
                return (Fields) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private OutboxDefinition(Fields fields) {
        this.fields = fields;
    }

    private OutboxDefinition with(Consumer<Fields> change) {
        Fields changed = fields.copy();
        change.accept(changed);
        return new OutboxDefinition(changed);
    }

    /**
     * An outbox with the defaults: its topic has its name, and no event type belongs to it. For definitions made apart from
     * a catalog; {@link Catalog#outbox(String, java.util.function.UnaryOperator)} hands one over otherwise.
     *
     * @throws IllegalArgumentException unless {@code name} is 1 to 100 letters, digits, dots, dashes, underscores
     */
    public static OutboxDefinition named(String name) {
        return new OutboxDefinition(new Fields(name));
    }

    // --- What can be said of it --------------------------------------------------------------------------------------

    /**
     * The event types that may be written to it, replacing those named before. A type that is named twice counts once.
     */
    public OutboxDefinition types(String... eventTypes) {
        Set<String> types = Set.copyOf(Arrays.asList(eventTypes));
        return with(copy -> copy.types = types);
    }

    /** The same, by classes that are annotated with {@link OutboxEvent}. */
    public OutboxDefinition types(Class<?>... annotated) {
        return types(
                Arrays.stream(annotated).map(each -> EventClass.of(each).type()).toArray(String[]::new));
    }

    /** Its table, {@code table} or {@code schema.table}; {@code NAME_outbox} unless set. */
    public OutboxDefinition table(String table) {
        Names.requireTable(table.replace('-', '_').replace(' ', '_'));
        return with(copy -> copy.table = table);
    }

    /** What its table looks like; {@link TableLayout#standard} unless set. */
    public OutboxDefinition layout(TableLayout layout) {
        return with(copy -> copy.layout = Objects.requireNonNull(layout, "layout"));
    }

    /** Where its events go. */
    public OutboxDefinition route(Route route) {
        return with(copy -> copy.route = Objects.requireNonNull(route, "route"));
    }

    /** The destinations that an event may name itself, besides the route's; none unless set. */
    public OutboxDefinition allowedDestinations(String... destinations) {
        Set<String> allowed = Set.copyOf(Arrays.asList(destinations));
        allowed.forEach(each -> Names.requireDestination("allowed destination", each));
        return with(copy -> copy.allowedDestinations = allowed);
    }

    /** How its events look on the wire; {@link MessageFormat#RAW} unless set. Consumers must agree. */
    public OutboxDefinition format(MessageFormat format) {
        return with(copy -> copy.format = Objects.requireNonNull(format, "format"));
    }

    /**
     * Whether its events end as {@code consumed}, because their consumers send receipts. Retention then keeps what was
     * published until it has been consumed.
     */
    public OutboxDefinition tracked(boolean tracked) {
        return with(copy -> copy.tracked = tracked);
    }

    /** What follows a rejection by the broker, or a consumer's failure; {@link RetryPolicy#exponential()} unless set. */
    public OutboxDefinition retry(RetryPolicy retry) {
        return with(copy -> copy.retry = Objects.requireNonNull(retry, "retry"));
    }

    /** What a key does after one of its events has died; {@link AfterDead#SKIP} unless set. */
    public OutboxDefinition afterDead(AfterDead afterDead) {
        return with(copy -> copy.afterDead = Objects.requireNonNull(afterDead, "afterDead"));
    }

    /** The most events published per second; 0, the default, for no limit. */
    public OutboxDefinition maxPerSecond(int events) {
        if (events < 0) {
            throw new IllegalArgumentException(of("maxPerSecond must not be negative, but is " + events));
        }
        return with(copy -> copy.maxPerSecond = events);
    }

    /**
     * How long published events (consumed ones if the outbox is tracked) are kept before retention deletes them; 7 days
     * unless set.
     */
    public OutboxDefinition keep(Duration keep) {
        if (keep.isNegative() || keep.compareTo(MAX_TIME) > 0) {
            throw new IllegalArgumentException(of("keep must be from 0 to 100 years, not " + DurationText.of(keep)));
        }
        return with(copy -> copy.keep = keep);
    }

    /** Whether retention deletes dead events too; not unless set. */
    public OutboxDefinition deleteDead(boolean delete) {
        return with(copy -> copy.deleteDead = delete);
    }

    /**
     * How long an event of a tracked outbox may be published and not consumed before it is reported; 10 minutes unless
     * set.
     */
    public OutboxDefinition consumedWithin(Duration limit) {
        requirePositive("consumedWithin", limit);
        return with(copy -> copy.consumedWithin = limit);
    }

    private void requirePositive(String what, Duration limit) {
        if (limit.isNegative() || limit.isZero() || limit.compareTo(MAX_TIME) > 0) {
            throw new IllegalArgumentException(
                    of(what + " must be positive and at most 100 years, not " + DurationText.of(limit)));
        }
    }

    /**
     * Whether such an event is published again once its consumer has passed it, that is, when one that was published later
     * is consumed; not unless set. While nothing later is consumed, the consumer is away or behind, and the event is only
     * reported. It was not refused, so no attempt is counted, and silence never makes it dead. It is published again
     * after {@link #consumedWithin}, then after twice and four times as long, up to a day; this covers at most 10,000
     * events at a time, which the relay remembers until it stops.
     */
    public OutboxDefinition republishUnconsumed(boolean republish) {
        return with(copy -> copy.republishUnconsumed = republish);
    }

    /** How old its oldest event that is due may be before health checks report the outbox as late; 5 minutes unless set. */
    public OutboxDefinition lagLimit(Duration limit) {
        requirePositive("lagLimit", limit);
        return with(copy -> copy.lagLimit = limit);
    }

    // --- What was said of it -----------------------------------------------------------------------------------------

    /** The outbox's name. */
    public String name() {
        return fields.name;
    }

    /**
     * Its table, {@code table} or {@code schema.table}.
     *
     * @throws IllegalArgumentException if none was set, and its name cannot be used as a table's
     */
    public String table() {
        return eventTable().table();
    }

    /** What its table looks like. */
    public TableLayout layout() {
        return fields.layout;
    }

    /** Its table and layout as statements need them. */
    EventTable eventTable() {
        EventTable known = eventTable;
        if (known == null) {
            known = fields.layout.at(fields.tableOrDefault());
            eventTable = known;
        }
        return known;
    }

    @Nullable
    String formerTable() {
        try {
            return fields.table != null ? null : fields.layout.at(fields.name).table();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Where its events go. */
    public Route route() {
        return fields.route;
    }

    /** The event types that may be written to it. Unmodifiable. */
    public Set<String> types() {
        return fields.types;
    }

    /** The destinations that an event may name itself, besides the route's. Unmodifiable. */
    public Set<String> allowedDestinations() {
        return fields.allowedDestinations;
    }

    /** How its events look on the wire. */
    public MessageFormat format() {
        return fields.format;
    }

    /** Whether its consumers send receipts, so that its events end as {@code consumed}. */
    public boolean tracked() {
        return fields.tracked;
    }

    /** What follows a rejection by the broker, or a consumer's failure. */
    public RetryPolicy retry() {
        return fields.retry;
    }

    /** What a key does after one of its events has died. */
    public AfterDead afterDead() {
        return fields.afterDead;
    }

    /** The most events published per second; 0 for no limit. */
    public int maxPerSecond() {
        return fields.maxPerSecond;
    }

    /**
     * How long published events, or consumed ones if the outbox is tracked, are kept before retention deletes them.
     */
    public Duration keep() {
        return fields.keep;
    }

    /** Whether retention deletes dead events too. */
    public boolean deleteDead() {
        return fields.deleteDead;
    }

    /** How long an event may be published and not consumed before it is reported. */
    public Duration consumedWithin() {
        return fields.consumedWithin;
    }

    /** Whether an event that is not consumed is published again: see {@link #republishUnconsumed(boolean)}. */
    public boolean republishUnconsumed() {
        return fields.republishUnconsumed;
    }

    /** How old its oldest event that is due may be before health checks report the outbox as late. */
    public Duration lagLimit() {
        return fields.lagLimit;
    }

    /** Whether an event may go to {@code destination}. */
    public boolean allows(String destination) {
        return destination.equals(fields.route.destination()) || fields.allowedDestinations.contains(destination);
    }

    /** @throws IllegalArgumentException if its settings contradict each other; says why */
    OutboxDefinition checked() {
        String declared = layout().declaredTable();
        if (!declared.isEmpty() && !declared.equals(table())) {
            throw new IllegalArgumentException(
                    of("its layout is described as that of table " + declared + ", and its table is " + table()
                            + ": say table(\"" + declared + "\"), or leave 'table' out there"));
        }
        for (String type : types()) {
            int longest = eventTable().length(Column.TYPE);
            if (type.isBlank() || type.length() > longest || Names.bytes(type) > Names.MAX_BYTES) {
                throw new IllegalArgumentException(
                        of("not a usable event type: '" + type + "'; a type is not blank, and has at" + " most "
                                + longest + " characters in this table and " + Names.MAX_BYTES + " bytes in UTF-8"));
            }
        }
        if (!route().destination().startsWith(eventTable().destinationPrefix())) {
            throw new IllegalArgumentException(of("its route's destination " + route().destination()
                    + " does not begin with " + eventTable().destinationPrefix() + ", as the layout of table "
                    + table() + " requires"));
        }
        if (tracked() && !eventTable().canBeTracked()) {
            throw new IllegalArgumentException(
                    of("it cannot be tracked: the layout of table " + table() + " has no code for consumed"));
        }
        return this;
    }

    private String of(String problem) {
        return "Outbox " + name() + ": " + problem;
    }

    /**
     * Definitions are equal if all they say is; formats are compared by their own {@code equals}. One that leaves its table
     * to the default differs from one that names the same table.
     */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof OutboxDefinition outbox && fields.all().equals(outbox.fields.all());
    }

    @Override
    public int hashCode() {
        return fields.name.hashCode(); // cheap: every write looks definitions up
    }

    @Override
    public String toString() {
        return fields.name + " in table " + fields.tableOrDefault() + " to " + fields.route;
    }
}
