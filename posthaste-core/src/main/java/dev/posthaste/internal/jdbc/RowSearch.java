package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.DeadGroup;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.admin.OperatorStore.Stretch;
import dev.posthaste.internal.admin.OperatorStore.Tally;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
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
import java.util.Map;
import java.util.Optional;

/**
 * Finds an outbox's events for operators, on the connection it is given. However many rows the table has, one call reads a
 * bounded number of them: it goes through the table in ranges, each found by an index, and stops when it has enough or
 * its time is over. Thread-safe.
 */
final class RowSearch {
    private static final int FIRST_STRETCH = 2_000;
    private static final int MAX_STRETCH = 50_000;
    private static final long PATIENCE_NANOS = Duration.ofMillis(700).toNanos();
    /** Ids and write times are not in exactly the same order. */
    private static final Duration DISORDER = Duration.ofMinutes(1);

    private final RowReads reads;
    private final RowSql sql;
    private final FoundColumns columns;

    RowSearch(RowSql sql, RowReads reads) {
        this.sql = sql;
        this.reads = reads;
        this.columns = new FoundColumns(sql);
    }

    // --- Searching ---------------------------------------------------------------------------------------------------

    /** Ids from {@code first} to before {@code below}. */
    private record Range(long first, long below) {}

    /** The part of a range that can match, since times nearly follow ids. */
    private Range narrow(Connection connection, EventFilter search, long first, long below) throws SQLException {
        return new Range(
                search.from() == null
                        ? first
                        : Math.max(first, idAt(connection, search.from().minus(DISORDER))),
                search.to() == null
                        ? below
                        : Math.min(below, idAt(connection, search.to().plus(DISORDER))));
    }

    private SearchFilter filter(EventFilter search) {
        return new SearchFilter(sql, columns, search);
    }

    FoundPage page(Connection connection, EventFilter search, long before, int limit) throws SQLException {
        SearchFilter filter = filter(search);
        if (filter.matchesNothing()) {
            return new FoundPage(List.of(), null);
        }
        Range range = narrow(connection, search, Long.MIN_VALUE, before);
        long below = range.below();
        List<FoundEvent> found = new ArrayList<>();
        Patience patience = new Patience(search, limit);
        while (below > range.first()) {
            Long edge = filter.lastStretch(connection, range.first(), below, patience.stretch());
            if (edge == null) {
                return new FoundPage(found, null);
            }
            filter.find(connection, edge, below, limit - found.size(), found);
            if (found.size() == limit) {
                return new FoundPage(found, found.get(limit - 1).position());
            }
            below = edge;
            if (patience.isOver()) {
                return new FoundPage(found, below);
            }
        }
        return new FoundPage(found, null);
    }

    Tally count(Connection connection, EventFilter search, long after, long through) throws SQLException {
        SearchFilter filter = filter(search);
        if (filter.matchesNothing()) {
            return new Tally(0, null);
        }
        Range range = narrow(connection, search, after + 1, through + 1);
        long first = range.first();
        long count = 0;
        Patience patience = new Patience(search, MAX_STRETCH);
        while (first < range.below()) {
            Long edge = filter.firstStretch(connection, first, range.below(), patience.stretch());
            if (edge == null) {
                return new Tally(count, null);
            }
            count += filter.count(connection, first, edge + 1);
            first = edge + 1;
            if (patience.isOver() && first < range.below()) {
                return new Tally(count, edge);
            }
        }
        return new Tally(count, null);
    }

    Stretch read(Connection connection, EventFilter search, long after, long through, int limit, long maxBytes)
            throws SQLException {
        SearchFilter filter = filter(search);
        if (filter.matchesNothing()) {
            return new Stretch(List.of(), null);
        }
        Range range = narrow(connection, search, after + 1, through + 1);
        long first = range.first();
        Patience patience = new Patience(search, limit);
        while (first < range.below()) {
            Long edge = filter.firstStretch(connection, first, range.below(), patience.stretch());
            if (edge == null) {
                return new Stretch(List.of(), null);
            }
            List<Long> ids = filter.ids(connection, first, edge + 1, limit);
            if (!ids.isEmpty()) {
                List<StoredRow> events = stored(connection, ids, maxBytes);
                long last = events.isEmpty()
                        ? ids.get(ids.size() - 1)
                        : events.get(events.size() - 1).position();
                boolean all = events.size() == ids.size() && ids.size() < limit;
                long reached = all ? edge : last;
                return new Stretch(events, reached + 1 < range.below() ? Long.valueOf(reached) : null);
            }
            first = edge + 1;
            if (patience.isOver() && first < range.below()) {
                return new Stretch(List.of(), edge);
            }
        }
        return new Stretch(List.of(), null);
    }

    /** How far one call goes: ranges grow while little is found, and no new one begins when the time is over. */
    private static final class Patience {
        private final long start = System.nanoTime();
        private int stretch;

        Patience(EventFilter search, int limit) {
            this.stretch = looksInside(search) ? FIRST_STRETCH : Math.min(limit, MAX_STRETCH);
        }

        /** Whether events are selected by more than their status and their time. */
        private static boolean looksInside(EventFilter search) {
            return search.type() != null
                    || search.key() != null
                    || search.eventId() != null
                    || search.error() != null
                    || search.errorGroup() != null;
        }

        int stretch() {
            int now = stretch;
            stretch = Math.min(stretch * 4, MAX_STRETCH);
            return now;
        }

        boolean isOver() {
            return System.nanoTime() - start > PATIENCE_NANOS;
        }
    }

    /**
     * Approximately the lowest id whose event was written at {@code time} or later: by bisection, since times nearly
     * follow ids. Above all ids when there is none.
     */
    private long idAt(Connection connection, Instant time) throws SQLException {
        if (!sql.layout.has(Column.CREATED_AT)) {
            throw new IllegalArgumentException(
                    "Table " + sql.layout.table() + " does not say when an event was written");
        }
        long wanted = ChronoUnit.MICROS.between(Instant.EPOCH, time);
        long low = Math.min(0, lowestId(connection));
        long high = highestId(connection) + 1;
        String text = sql.text("""
                select {id}, {time:created-at} as created_micros from {table} where {id} >= ?
                order by {id} limit 1
                """);
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            while (low < high) {
                long middle = (low & high) + ((low ^ high) >> 1); // their sum may be too large
                statement.setLong(1, middle);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next() || row.getLong("created_micros") >= wanted) {
                        high = middle;
                    } else {
                        low = row.getLong(sql.label(Column.ID)) + 1;
                    }
                }
            }
        }
        return low;
    }

    long highestId(Connection connection) throws SQLException {
        return number(connection, "select max({id}) from {table}");
    }

    private long lowestId(Connection connection) throws SQLException {
        return number(connection, "select min({id}) from {table}");
    }

    private long number(Connection connection, String template) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql.text(template));
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    // --- Rows --------------------------------------------------------------------------------------------------------

    Optional<FoundRow> details(Connection connection, long id) throws SQLException {
        return withPayloads(connection, events(connection, List.of(id))).stream()
                .findFirst();
    }

    /** Those of {@code ids} that exist, in id order. */
    List<FoundRow> events(Connection connection, Collection<Long> ids) throws SQLException {
        return events(connection, ids, "");
    }

    /** Those of {@code ids} that are dead, in id order. */
    List<FoundRow> dead(Connection connection, Collection<Long> ids) throws SQLException {
        return events(connection, ids, " and {status in dead}");
    }

    /** Those of {@code ids} that are in one of these statuses, in id order, locked or not. */
    List<Long> in(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        return in(connection, ids, statuses, "");
    }

    /**
     * The same, locking them, but without those that another transaction has locked. For a user who may not lock rows,
     * they are not locked, and a change of them waits for others.
     */
    List<Long> lock(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        try {
            return in(connection, ids, statuses, "{skipLocked}");
        } catch (SQLException e) {
            if (sql.dialect.isLockDenied(e)) {
                return in(connection, ids, statuses, "");
            }
            throw e;
        }
    }

    private List<Long> in(Connection connection, Collection<Long> ids, Collection<Status> statuses, String lock)
            throws SQLException {
        String text = sql.text("""
                select {id} from {table:id} where {id in ids} and {status in %s}
                order by {id} %s
                """.formatted(RowSql.words(statuses), lock));
        List<Long> found = new ArrayList<>();
        try (PreparedStatement statement = sql.prepare(connection, text, ids);
                ResultSet rows = statement.executeQuery()) {
            int id = rows.findColumn(sql.label(Column.ID));
            while (rows.next()) {
                found.add(rows.getLong(id));
            }
        }
        return found;
    }

    private List<FoundRow> events(Connection connection, Collection<Long> ids, String condition) throws SQLException {
        String text = sql.text("""
                select %s from {table:id} where {id in ids}%s
                order by {id}
                """.formatted(columns.columns(), condition));
        List<FoundRow> found = new ArrayList<>();
        try (PreparedStatement statement = sql.prepare(connection, text, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                found.add(columns.read(rows));
            }
        }
        return found;
    }

    /** The same events with the rest of their rows; without those that have gone meanwhile. */
    List<FoundRow> withPayloads(Connection connection, List<FoundRow> events) throws SQLException {
        if (events.isEmpty()) {
            return List.of();
        }
        Map<Long, StoredRow> stored = new HashMap<>();
        List<Long> ids = events.stream().map(FoundRow::id).toList();
        stored(connection, ids, Long.MAX_VALUE).forEach(each -> stored.put(each.position(), each));
        List<FoundRow> details = new ArrayList<>();
        for (FoundRow event : events) {
            StoredRow its = stored.get(event.id());
            if (its != null) {
                details.add(event.with(its));
            }
        }
        return details;
    }

    private List<StoredRow> stored(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        return reads.loadAny(connection, ids, maxBytes).stream()
                .map(PendingEvent::event)
                .toList();
    }

    // --- Dead letters ------------------------------------------------------------------------------------------------

    List<ErrorGroup> errors(Connection connection, int most) throws SQLException {
        String text = sql.text("""
                select {id}, {first %1$s:type}[, substring({last-error}, 1, %1$s) as {last-error}]
                    [, {time:created-at} as created_micros]
                from {table:dead} where {status} = {dead}
                order by {order:desc} limit %2$s
                """.formatted(DeadGroup.LOOKED_AT, most));
        Map<List<String>, DeadGroup> groups = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(text);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                String error = columns.text(rows, Column.LAST_ERROR);
                DeadGroup one = new DeadGroup(
                        DeadGroup.of(error),
                        rows.getString(sql.label(Column.TYPE)),
                        1,
                        error,
                        rows.getLong(sql.label(Column.ID)),
                        columns.time(rows, Column.CREATED_AT, "created_micros"));
                groups.merge(List.of(one.type(), one.group()), one, (all, next) -> all.andOneMore());
            }
        }
        return groups.values().stream()
                .map(ErrorGroup.class::cast)
                .sorted(Comparator.comparingLong(ErrorGroup::events).reversed())
                .toList();
    }
}
