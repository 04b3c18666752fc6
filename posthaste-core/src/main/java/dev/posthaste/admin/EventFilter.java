package dev.posthaste.admin;

import dev.posthaste.CheckReturnValue;
import dev.posthaste.Status;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Selects events. A criterion that is not set matches all events; those that are set must all match. Immutable: every
 * method with a parameter returns a changed copy.
 *
 * <pre>{@code
 * EventFilter.status(Status.DEAD).type("order.placed").error("timeout")
 * EventFilter.positions(17, 18)
 * }</pre>
 */
@CheckReturnValue
public final class EventFilter {
    private static final Instant EARLIEST = Instant.parse("1000-01-01T00:00:00Z");
    private static final Instant LATEST = Instant.parse("9999-12-31T00:00:00Z");

    private final Fields fields;

    /** A filter's fields; changed only until a filter holds them. */
    private static final class Fields implements Cloneable {
        private @Nullable Status status;
        private SortedSet<Long> positions = Collections.emptySortedSet();
        private @Nullable String type;
        private @Nullable String key;
        private @Nullable String eventId;
        private @Nullable Instant from;
        private @Nullable Instant to;
        private @Nullable String error;
        private @Nullable String errorGroup;
        private @Nullable Integer limit;

        private Fields copy() {
            try {
                return (Fields) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }

        private List<@Nullable Object> all() {
            return Arrays.asList(status, positions, type, key, eventId, from, to, error, errorGroup, limit);
        }
    }

    private EventFilter(Fields fields) {
        this.fields = fields;
    }

    private EventFilter with(Consumer<Fields> change) {
        Fields changed = fields.copy();
        change.accept(changed);
        return new EventFilter(changed);
    }

    /** Every event. */
    public static EventFilter all() {
        return new EventFilter(new Fields());
    }

    /** Events in one status. */
    public static EventFilter status(Status status) {
        return all().with(copy -> copy.status = Objects.requireNonNull(status, "status"));
    }

    /**
     * The events at these positions, in whatever status.
     *
     * @param positions at least one
     */
    public static EventFilter positions(long... positions) {
        if (positions.length == 0) {
            throw new IllegalArgumentException("A filter by position needs at least one position");
        }
        SortedSet<Long> all = Arrays.stream(positions).boxed().collect(Collectors.toCollection(TreeSet::new));
        return all().with(copy -> copy.positions = Collections.unmodifiableSortedSet(all));
    }

    /** The whole event type. */
    public EventFilter type(String type) {
        return with(copy -> copy.type = Objects.requireNonNull(type, "type"));
    }

    /** The whole event key. */
    public EventFilter key(String key) {
        return with(copy -> copy.key = Objects.requireNonNull(key, "key"));
    }

    /** The whole id of an event. */
    public EventFilter eventId(String id) {
        return with(copy -> copy.eventId = Objects.requireNonNull(id, "eventId"));
    }

    /** Written at this time or later, by the database's clock; between the years 1000 and 9999. */
    public EventFilter from(Instant written) {
        return between(requireKnown("from", written), fields.to);
    }

    /** Written before this time; between the years 1000 and 9999. */
    public EventFilter to(Instant written) {
        return between(fields.from, requireKnown("to", written));
    }

    private EventFilter between(@Nullable Instant from, @Nullable Instant to) {
        if (from != null && to != null && !from.isBefore(to)) {
            throw new IllegalArgumentException("'from' must be before 'to': " + from + " is not before " + to);
        }
        return with(copy -> {
            copy.from = from;
            copy.to = to;
        });
    }

    /** Every database can represent these times; beyond them each has its own limits. */
    private static Instant requireKnown(String what, Instant time) {
        if (time.isBefore(EARLIEST) || time.isAfter(LATEST)) {
            throw new IllegalArgumentException(
                    "'" + what + "' is between " + EARLIEST + " and " + LATEST + ", not " + time);
        }
        return time;
    }

    /** A part of the last error, ignoring case. */
    public EventFilter error(String contains) {
        return with(copy -> copy.error = Objects.requireNonNull(contains, "error"));
    }

    /** The {@link ErrorGroup#group} of the last error. */
    public EventFilter errorGroup(String group) {
        return with(copy -> copy.errorGroup = Objects.requireNonNull(group, "errorGroup"));
    }

    /** The most events, 1 or more: in a search, the newest ones on each page; otherwise the oldest ones overall. */
    public EventFilter limit(int events) {
        if (events < 1) {
            throw new IllegalArgumentException("A filter's limit is 1 or more, not " + events);
        }
        return with(copy -> copy.limit = events);
    }

    /** The status; null for any. */
    public @Nullable Status status() {
        return fields.status;
    }

    /** Ascending; empty if events are not chosen by their position. */
    public SortedSet<Long> positions() {
        return fields.positions;
    }

    /** The whole event type; null for any. */
    public @Nullable String type() {
        return fields.type;
    }

    /** The whole event key; null for any, or none. */
    public @Nullable String key() {
        return fields.key;
    }

    /** The whole id of an event; null for any. */
    public @Nullable String eventId() {
        return fields.eventId;
    }

    /** The earliest time of writing; null if there is none. */
    public @Nullable Instant from() {
        return fields.from;
    }

    /** The time that events were written before; null if there is none. */
    public @Nullable Instant to() {
        return fields.to;
    }

    /** A part of the last error; null for any. */
    public @Nullable String error() {
        return fields.error;
    }

    /** The group of the last error; null for any. */
    public @Nullable String errorGroup() {
        return fields.errorGroup;
    }

    /** The most events; null if no limit was set. */
    public @Nullable Integer limit() {
        return fields.limit;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof EventFilter filter && filter.fields.all().equals(fields.all());
    }

    @Override
    public int hashCode() {
        return fields.all().hashCode();
    }

    /** For people to read, and for the audit. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        add(text, "rows", positions().isEmpty() ? null : positions());
        add(text, "status", fields.status == null ? null : fields.status.code());
        add(text, "type", fields.type);
        add(text, "key", fields.key);
        add(text, "event", fields.eventId);
        add(text, "from", fields.from);
        add(text, "to", fields.to);
        add(text, "error contains", fields.error);
        add(text, "error group", fields.errorGroup);
        add(text, "at most", fields.limit);
        return text.isEmpty() ? "all events" : text.toString();
    }

    private static void add(StringBuilder text, String name, @Nullable Object value) {
        if (value != null) {
            text.append(text.isEmpty() ? "" : ", ").append(name).append(' ').append(value);
        }
    }
}
