package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.AdminJournal.Stretch;
import dev.posthaste.admin.AdminJournal.Tally;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.Page;
import dev.posthaste.admin.Search;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import dev.posthaste.journal.StoredEvent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds an outbox's events for operators, on the connection it is given. However many rows the table has, one call reads a
 * bounded number of them: it goes through the table in stretches, each found by an index, and stops when it has enough or
 * its time is over. Thread-safe.
 */
final class OutboxSearch {
    private static final int FIRST_STRETCH = 2_000;
    private static final int LONGEST_STRETCH = 50_000;
    private static final long PATIENCE_NANOS = Duration.ofMillis(700).toNanos();
    /** Ids and times of writing are not in quite the same order. */
    private static final Duration DISORDER = Duration.ofMinutes(1);

    private final Dialect dialect;
    private final TableLayout layout;
    private final String outbox;
    private final OutboxTable table;
    private final OutboxStatements statements;
    private final FoundColumns columns;

    OutboxSearch(Dialect dialect, OutboxDefinition outbox, OutboxTable table) {
        this.dialect = dialect.inZone(outbox.table().zone());
        this.layout = outbox.table();
        this.outbox = outbox.name();
        this.table = table;
        this.statements = new OutboxStatements(dialect, layout);
        this.columns = new FoundColumns(outbox, statements);
    }

    // --- Searching ---------------------------------------------------------------------------------------------------

    Page page(Connection connection, Search search, long before, int limit) throws SQLException {
        Filter filter = new Filter(search);
        if (filter.matchesNothing()) {
            return new Page(List.of(), null);
        }
        long lowest = search.from() == null
                ? Long.MIN_VALUE
                : idAt(connection, search.from().minus(DISORDER));
        long below = search.to() == null
                ? before
                : Math.min(before, idAt(connection, search.to().plus(DISORDER)));
        List<FoundEvent> found = new ArrayList<>();
        Patience patience = new Patience(search, limit);
        while (below > lowest) {
            Long edge = filter.edgeBelow(connection, below, patience.stretch());
            if (edge == null) {
                return new Page(found, null);
            }
            long from = Math.max(edge, lowest);
            filter.find(connection, from, below, limit - found.size(), found);
            if (found.size() == limit) {
                return new Page(found, found.get(limit - 1).id());
            }
            below = from;
            if (patience.isOver()) {
                return new Page(found, below);
            }
        }
        return new Page(found, null);
    }

    Tally count(Connection connection, Search search, long after, long through) throws SQLException {
        Filter filter = new Filter(search);
        if (filter.matchesNothing()) {
            return new Tally(0, null);
        }
        long above = search.from() == null
                ? after
                : Math.max(after, idAt(connection, search.from().minus(DISORDER)) - 1);
        long last = search.to() == null
                ? through
                : Math.min(through, idAt(connection, search.to().plus(DISORDER)) - 1);
        long count = 0;
        Patience patience = new Patience(search, LONGEST_STRETCH);
        while (above < last) {
            Long edge = filter.edgeAbove(connection, above, last, patience.stretch());
            if (edge == null) {
                return new Tally(count, null);
            }
            count += filter.count(connection, above + 1, edge + 1);
            above = edge;
            if (patience.isOver() && above < last) {
                return new Tally(count, above);
            }
        }
        return new Tally(count, null);
    }

    Stretch read(Connection connection, Search search, long after, long through, int limit, long maxBytes)
            throws SQLException {
        Filter filter = new Filter(search);
        if (filter.matchesNothing()) {
            return new Stretch(List.of(), null);
        }
        long above = search.from() == null
                ? after
                : Math.max(after, idAt(connection, search.from().minus(DISORDER)) - 1);
        long last = search.to() == null
                ? through
                : Math.min(through, idAt(connection, search.to().plus(DISORDER)) - 1);
        Patience patience = new Patience(search, limit);
        while (above < last) {
            Long edge = filter.edgeAbove(connection, above, last, patience.stretch());
            if (edge == null) {
                return new Stretch(List.of(), null);
            }
            List<Long> ids = filter.ids(connection, above + 1, edge + 1, limit);
            if (!ids.isEmpty()) {
                List<StoredEvent> events = stored(connection, ids, maxBytes);
                boolean all = events.size() == ids.size() && ids.size() < limit;
                long reached = all || events.isEmpty()
                        ? edge
                        : events.get(events.size() - 1).id();
                return new Stretch(events, reached < last ? Long.valueOf(reached) : null);
            }
            above = edge;
            if (patience.isOver() && above < last) {
                return new Stretch(List.of(), above);
            }
        }
        return new Stretch(List.of(), null);
    }

    /** How far one call goes: stretches grow while little is found, and no new one begins when the time is over. */
    private static final class Patience {
        private final long start = System.nanoTime();
        private int stretch;

        Patience(Search search, int limit) {
            this.stretch = search.looksInside() ? FIRST_STRETCH : Math.min(limit, LONGEST_STRETCH);
        }

        int stretch() {
            int now = stretch;
            stretch = Math.min(stretch * 4, LONGEST_STRETCH);
            return now;
        }

        boolean isOver() {
            return System.nanoTime() - start > PATIENCE_NANOS;
        }
    }

    /**
     * The lowest id whose event was written at {@code time} or later, about: by halving, as times follow ids nearly. Above
     * all ids when there is none.
     */
    private long idAt(Connection connection, Instant time) throws SQLException {
        if (!layout.has(Column.CREATED_AT)) {
            throw new IllegalArgumentException("Table " + layout.table() + " does not say when an event was written");
        }
        long wanted = ChronoUnit.MICROS.between(Instant.EPOCH, time);
        long low = 0;
        long high = highestId(connection) + 1;
        String id = statements.name(Column.ID);
        String sql = dialect.sql("select " + id + ", {micros:" + statements.name(Column.CREATED_AT) + "} from "
                + statements.table() + " where " + id + " >= ? order by " + id + " limit 1");
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            while (low < high) {
                long middle = low + (high - low) / 2;
                statement.setLong(1, middle);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next() || row.getLong(2) >= wanted) {
                        high = middle;
                    } else {
                        low = row.getLong(1) + 1;
                    }
                }
            }
        }
        return low;
    }

    long highestId(Connection connection) throws SQLException {
        String id = statements.name(Column.ID);
        try (PreparedStatement statement =
                        connection.prepareStatement("select max(" + id + ") from " + statements.table());
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    // --- What is looked for ------------------------------------------------------------------------------------------

    /** Binds a condition's parameters from the given one on, and says which is next. */
    @FunctionalInterface
    private interface Binding {
        void bind(PreparedStatement statement, int parameter) throws SQLException;
    }

    /** A search as SQL: which rows an index leads to, and what is asked of each of them. */
    private final class Filter {
        private final Search search;
        private final boolean byStatus;
        private final String position;
        private final String from;
        private final String order;
        private final StringBuilder conditions = new StringBuilder();
        private final List<Binding> bindings = new ArrayList<>();

        Filter(Search search) {
            this.search = search;
            Status status = search.status();
            byStatus = status != null && !matchesNothing() && statements.findsByIndex(status);
            position = byStatus ? statements.position() : statements.name(Column.ID);
            from = status != null && byStatus
                    ? statements.from(status)
                    : "from " + statements.table() + " where " + statements.name(Column.ID) + " is not null";
            order = byStatus ? statements.order(false) : statements.name(Column.ID);
            if (status != null && !byStatus && !matchesNothing()) {
                conditions.append(" and ").append(statements.is(status));
            }
            equal(Column.TYPE, search.type());
            equal(Column.KEY, search.key());
            if (search.eventId() != null) {
                eventId(search.eventId());
            }
            time(">=", search.from());
            time("<", search.to());
            if (search.error() != null && layout.has(Column.LAST_ERROR)) {
                like(
                        "lower(" + statements.name(Column.LAST_ERROR) + ")",
                        search.error().toLowerCase(Locale.ROOT));
            }
        }

        boolean matchesNothing() {
            return (search.status() == Status.CONSUMED && !layout.tracksConsumption())
                    || (search.key() != null && !layout.has(Column.KEY))
                    || (search.error() != null && !layout.has(Column.LAST_ERROR));
        }

        private void equal(Column column, @Nullable String value) {
            if (value != null && layout.has(column)) {
                conditions.append(" and ").append(statements.name(column)).append(" = ?");
                bindings.add((statement, parameter) -> dialect.bindText(statement, parameter, value));
            }
        }

        private void eventId(String value) {
            if (layout.has(Column.EVENT_ID)) {
                equal(Column.EVENT_ID, value);
            } else if (rowOf(value) != null) {
                conditions
                        .append(" and ")
                        .append(statements.name(Column.ID))
                        .append(" = ")
                        .append(rowOf(value));
            } else if (layout.payload() == Payload.ENVELOPE) {
                like(statements.name(Column.PAYLOAD), value);
            } else {
                conditions.append(" and 1 = 0");
            }
        }

        private void time(String comparison, @Nullable Instant time) {
            if (time != null) {
                conditions
                        .append(" and ")
                        .append(statements.name(Column.CREATED_AT))
                        .append(' ')
                        .append(comparison)
                        .append(" {atMicros}");
                long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time);
                bindings.add((statement, parameter) -> statement.setLong(parameter, micros));
            }
        }

        private void like(String what, String text) {
            conditions.append(" and ").append(what).append(" like ? escape '!'");
            String pattern = "%" + text.replaceAll("([!%_])", "!$1") + "%";
            bindings.add((statement, parameter) -> statement.setString(parameter, pattern));
        }

        /** Whether an index leads to the event at once. */
        private boolean leadsToOne() {
            return search.eventId() != null && (layout.has(Column.EVENT_ID) || rowOf(search.eventId()) != null);
        }

        /** The lowest id of a stretch that ends below {@code below}; null when there is nothing below. */
        @Nullable
        Long edgeBelow(Connection connection, long below, int stretch) throws SQLException {
            if (leadsToOne()) {
                return Long.MIN_VALUE;
            }
            String descending = byStatus ? statements.order(true) : order + " desc";
            return edge(
                    connection,
                    "select min(p) from (select " + position + " as p " + from + " and " + position + " < ? order by "
                            + descending + " " + dialect.limit() + ") stretch",
                    below,
                    null,
                    stretch);
        }

        /** The highest id of a stretch that begins above {@code above}; null when there is nothing above. */
        @Nullable
        Long edgeAbove(Connection connection, long above, long through, int stretch) throws SQLException {
            if (leadsToOne()) {
                return through;
            }
            return edge(
                    connection,
                    "select max(p) from (select " + position + " as p " + from + " and " + position + " > ? and "
                            + position + " <= ? order by " + order + " " + dialect.limit() + ") stretch",
                    above,
                    through,
                    stretch);
        }

        private @Nullable Long edge(Connection connection, String sql, long bound, @Nullable Long through, int stretch)
                throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                int parameter = 1;
                statement.setLong(parameter++, bound);
                if (through != null) {
                    statement.setLong(parameter++, through);
                }
                statement.setInt(parameter, stretch);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    long edge = row.getLong(1);
                    return row.wasNull() ? null : Long.valueOf(edge);
                }
            }
        }

        private PreparedStatement prepare(Connection connection, String select, String rest, long first, long below)
                throws SQLException {
            PreparedStatement statement = connection.prepareStatement(dialect.sql(
                    select + " " + from + " and " + position + " >= ? and " + position + " < ?" + conditions + rest));
            statement.setLong(1, first);
            statement.setLong(2, below);
            int parameter = 3;
            for (Binding binding : bindings) {
                binding.bind(statement, parameter++);
            }
            return statement;
        }

        /** Adds at most {@code limit} events from {@code first} to below {@code below} to {@code found}, newest first. */
        void find(Connection connection, long first, long below, int limit, List<FoundEvent> found)
                throws SQLException {
            String descending = byStatus ? statements.order(true) : order + " desc";
            String rest = " order by " + descending + (looksAgain() ? "" : " limit " + limit);
            int most = found.size() + limit;
            try (PreparedStatement statement = prepare(connection, columns.select(), rest, first, below);
                    ResultSet rows = statement.executeQuery()) {
                while (found.size() < most && rows.next()) {
                    FoundEvent event = columns.read(rows);
                    if (matches(event)) {
                        found.add(event);
                    }
                }
            }
        }

        long count(Connection connection, long first, long below) throws SQLException {
            if (looksAgain()) {
                List<FoundEvent> found = new ArrayList<>();
                find(connection, first, below, Integer.MAX_VALUE, found);
                return found.size();
            }
            try (PreparedStatement statement = prepare(connection, "select count(*)", "", first, below);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }

        /** Ids from {@code first} to below {@code below}, oldest first. */
        List<Long> ids(Connection connection, long first, long below, int limit) throws SQLException {
            String rest = " order by " + order + (looksAgain() ? "" : " limit " + limit);
            List<Long> ids = new ArrayList<>();
            try (PreparedStatement statement = prepare(connection, columns.select(), rest, first, below);
                    ResultSet rows = statement.executeQuery()) {
                while (ids.size() < limit && rows.next()) {
                    FoundEvent event = columns.read(rows);
                    if (matches(event)) {
                        ids.add(event.id());
                    }
                }
            }
            return ids;
        }

        /** Whether the database cannot tell for sure what matches. */
        private boolean looksAgain() {
            return search.errorGroup() != null || (search.eventId() != null && !layout.has(Column.EVENT_ID));
        }

        private boolean matches(FoundEvent event) {
            return (search.errorGroup() == null || search.errorGroup().equals(ErrorGroup.of(event.error())))
                    && (search.eventId() == null || search.eventId().equals(event.eventId()));
        }
    }

    /** The row that an event id of ours for an event without one names, or null. */
    private @Nullable Long rowOf(String eventId) {
        String start = outbox + "-";
        String rest = eventId.startsWith(start) ? eventId.substring(start.length()) : "";
        return rest.matches("[0-9]{1,18}") ? Long.valueOf(rest) : null;
    }

    // --- Rows --------------------------------------------------------------------------------------------------------

    Optional<EventDetails> details(Connection connection, long id) throws SQLException {
        return withPayloads(connection, events(connection, List.of(id), "")).stream()
                .findFirst();
    }

    /** Those of {@code ids} that are dead, in id order. */
    List<FoundEvent> dead(Connection connection, Collection<Long> ids) throws SQLException {
        return events(connection, ids, " and " + statements.is(Status.DEAD));
    }

    private List<FoundEvent> events(Connection connection, Collection<Long> ids, String condition) throws SQLException {
        String id = statements.name(Column.ID);
        String sql = dialect.sql(columns.select() + " from " + statements.table() + " where " + id + " %s" + condition
                + " order by " + id);
        List<FoundEvent> found = new ArrayList<>();
        try (PreparedStatement statement = dialect.prepareWithIds(connection, sql, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                found.add(columns.read(rows));
            }
        }
        return found;
    }

    /** The same events with what else their rows hold; without those that are gone meanwhile. */
    List<EventDetails> withPayloads(Connection connection, List<FoundEvent> events) throws SQLException {
        if (events.isEmpty()) {
            return List.of();
        }
        Map<Long, StoredEvent> stored = new HashMap<>();
        List<Long> ids = events.stream().map(FoundEvent::id).toList();
        stored(connection, ids, Long.MAX_VALUE).forEach(each -> stored.put(each.id(), each));
        List<EventDetails> details = new ArrayList<>();
        for (FoundEvent event : events) {
            StoredEvent its = stored.get(event.id());
            if (its != null) {
                details.add(new EventDetails(event, its));
            }
        }
        return details;
    }

    private List<StoredEvent> stored(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        String id = statements.name(Column.ID);
        try (PreparedStatement statement = dialect.prepareWithIds(
                connection,
                dialect.sql(statements.events() + "from " + statements.table() + " where " + id + " %s order by " + id),
                ids)) {
            return table.read(statement, maxBytes).stream()
                    .map(each -> each.event())
                    .toList();
        }
    }

    // --- Dead letters ------------------------------------------------------------------------------------------------

    private String startOfError() {
        return layout.has(Column.LAST_ERROR)
                ? "substring(" + statements.name(Column.LAST_ERROR) + ", 1, " + ErrorGroup.LOOKED_AT + ")"
                : "null";
    }

    List<ErrorGroup> errors(Connection connection, int most) throws SQLException {
        String sql = dialect.sql("select " + statements.name(Column.ID) + ", " + statements.name(Column.TYPE) + ", "
                + startOfError() + ", " + columns.micros(Column.CREATED_AT) + " "
                + statements.from(Status.DEAD) + " order by " + statements.order(true) + " limit " + most);
        Map<List<String>, ErrorGroup> groups = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(sql);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                String error = FoundColumns.none(rows.getString(3));
                ErrorGroup one = new ErrorGroup(
                        ErrorGroup.of(error), rows.getString(2), 1, error, rows.getLong(1), FoundColumns.time(rows, 4));
                groups.merge(List.of(one.type(), one.group()), one, (all, next) -> all.andOneMore());
            }
        }
        return groups.values().stream()
                .sorted(Comparator.comparingLong(ErrorGroup::events).reversed())
                .toList();
    }
}
