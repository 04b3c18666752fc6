package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.DeadGroup;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.messages.EventIds;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A search as SQL: which rows an index leads to, and the conditions on each of them. Ranges of ids include their first
 * and exclude their last. Immutable.
 */
final class SearchFilter {
    private static final int AT_A_TIME = 100;

    /** Binds a condition's parameters from the given one on, and returns the next. */
    @FunctionalInterface
    private interface Binding {
        void bind(PreparedStatement statement, int parameter) throws SQLException;
    }

    private final RowSql sql;
    private final EventTable layout;
    private final FoundColumns columns;
    private final EventFilter search;
    private final String position;
    private final String from;
    private final String order;
    private final String descending;
    private final StringBuilder conditions = new StringBuilder();
    private final List<Binding> bindings = new ArrayList<>();

    SearchFilter(RowSql sql, FoundColumns columns, EventFilter search) {
        this.sql = sql;
        this.layout = sql.layout;
        this.columns = columns;
        this.search = search;
        Status status = matchesNothing() ? null : search.status();
        boolean byStatus = status != null && sql.findsByIndex(status);
        position = byStatus ? "{position}" : "{id}";
        from = status != null && byStatus
                ? "from {table:%1$s} where {status} = {%1$s}".formatted(status.code())
                : "from {table} where {id} is not null";
        order = byStatus ? "{order}" : "{id}";
        descending = byStatus ? "{order:desc}" : "{id} desc";
        if (status != null && !byStatus) {
            conditions.append(" and {status} = {%s}".formatted(status.code()));
        }
        equal(Column.TYPE, search.type());
        equal(Column.KEY, search.key());
        if (search.eventId() != null) {
            eventId(search.eventId());
        }
        time(">=", search.from());
        time("<", search.to());
        if (search.error() != null && layout.has(Column.LAST_ERROR)) {
            like("lower({last-error})", search.error().toLowerCase(Locale.ROOT));
        }
    }

    boolean matchesNothing() {
        return (search.status() == Status.CONSUMED && !layout.canBeTracked())
                || (search.key() != null && !layout.has(Column.KEY))
                || (search.error() != null && !layout.has(Column.LAST_ERROR));
    }

    private void equal(Column column, @Nullable String value) {
        equal(column, value, "");
    }

    private void equal(Column column, @Nullable String value, String orElse) {
        if (value != null && layout.has(column)) {
            conditions.append(" and ({%s} = ?%s)".formatted(column.key(), orElse));
            bindings.add((statement, parameter) -> sql.dialect.bindText(statement, parameter, value));
        }
    }

    private void eventId(String value) {
        Long row = rowOf(value);
        if (layout.has(Column.EVENT_ID)) {
            equal(Column.EVENT_ID, value, row == null || layout.isStandard() ? "" : " or {id} = " + row);
        } else if (row != null) {
            conditions.append(" and {id} = ").append(row);
        } else if (layout.payload() == Payload.ENVELOPE) {
            like("{payload}", value);
        } else {
            conditions.append(" and 1 = 0");
        }
    }

    private void time(String comparison, @Nullable Instant time) {
        if (time != null) {
            conditions.append(" and {created-at} %s {atMicros}".formatted(comparison));
            long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time);
            bindings.add((statement, parameter) -> statement.setLong(parameter, micros));
        }
    }

    private void like(String what, String text) {
        conditions.append(" and ").append(what).append(" like ? escape '!'");
        String pattern = "%" + text.replaceAll("([!%_])", "!$1") + "%";
        bindings.add((statement, parameter) -> statement.setString(parameter, pattern));
    }

    /** Whether an index leads directly to the event. */
    private boolean leadsToOne() {
        return search.eventId() != null && (layout.has(Column.EVENT_ID) || rowOf(search.eventId()) != null);
    }

    /** The first id of the last part of a range; null when it is empty. */
    @Nullable
    Long lastStretch(Connection connection, long first, long below, int stretch) throws SQLException {
        return leadsToOne() ? Long.valueOf(first) : edge(connection, "min", descending, first, below, stretch);
    }

    /** The last id of the first part of a range; null when it is empty. */
    @Nullable
    Long firstStretch(Connection connection, long first, long below, int stretch) throws SQLException {
        return leadsToOne() ? Long.valueOf(below - 1) : edge(connection, "max", order, first, below, stretch);
    }

    private @Nullable Long edge(
            Connection connection, String aggregate, String ordered, long first, long below, int stretch)
            throws SQLException {
        String text = sql.text("""
                select %1$s(p) from (
                    select %2$s as p %3$s and %2$s >= ? and %2$s < ?
                    order by %4$s %5$s
                ) stretch
                """.formatted(aggregate, position, from, ordered, sql.dialect.limit()));
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, first);
            statement.setLong(2, below);
            statement.setInt(3, stretch);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                long edge = row.getLong(1);
                return row.wasNull() ? null : Long.valueOf(edge);
            }
        }
    }

    private PreparedStatement prepare(Connection connection, String select, String rest, long first, long below)
            throws SQLException {
        String text = sql.expand("""
                select %1$s %2$s and %3$s >= ? and %3$s < ?%4$s
                %5$s
                """.formatted(select, from, position, conditions, rest));
        PreparedStatement statement = connection.prepareStatement(text);
        statement.setLong(1, first);
        statement.setLong(2, below);
        int parameter = 3;
        for (Binding binding : bindings) {
            binding.bind(statement, parameter++);
        }
        return statement;
    }

    /** Adds at most {@code limit} events from {@code first} to below {@code below} to {@code found}, newest first. */
    void find(Connection connection, long first, long below, int limit, List<FoundEvent> found) throws SQLException {
        int most = found.size() + limit;
        read(connection, descending, first, below, limit, event -> {
            found.add(event);
            return found.size() < most;
        });
    }

    /** Takes a matching event, and returns whether more are wanted. */
    @FunctionalInterface
    private interface Taking {
        boolean take(FoundRow event);
    }

    /** A few rows at a time where the database cannot decide which match: there might be any number. */
    private void read(Connection connection, String order, long first, long below, int limit, Taking taking)
            throws SQLException {
        int step = looksAgain() ? AT_A_TIME : limit;
        boolean isDescending = order.equals(descending);
        long low = first;
        long high = below;
        int rows = step;
        boolean more = true;
        while (more && rows == step && low < high) {
            rows = 0;
            String rest = "order by " + order + " limit " + step;
            try (PreparedStatement statement = prepare(connection, columns.columns(), rest, low, high);
                    ResultSet row = statement.executeQuery()) {
                while (more && row.next()) {
                    rows++;
                    FoundRow event = columns.read(row);
                    if (isDescending) {
                        high = event.id();
                    } else {
                        low = event.id() + 1;
                    }
                    more = !matches(event) || taking.take(event);
                }
            }
        }
    }

    long count(Connection connection, long first, long below) throws SQLException {
        if (looksAgain()) {
            long[] count = {0};
            read(connection, order, first, below, Integer.MAX_VALUE, event -> {
                count[0]++;
                return true;
            });
            return count[0];
        }
        try (PreparedStatement statement = prepare(connection, "count(*)", "", first, below);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Ids from {@code first} to below {@code below}, oldest first. */
    List<Long> ids(Connection connection, long first, long below, int limit) throws SQLException {
        List<Long> ids = new ArrayList<>();
        if (looksAgain()) {
            read(connection, order, first, below, limit, event -> {
                ids.add(event.id());
                return ids.size() < limit;
            });
            return ids;
        }
        String rest = "order by " + order + " limit " + limit;
        try (PreparedStatement statement = prepare(connection, "{id}", rest, first, below);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                ids.add(rows.getLong(sql.label(Column.ID)));
            }
        }
        return ids;
    }

    /**
     * Whether the database cannot decide with certainty what matches. Other programs may leave the id column empty, and
     * the event is then identified by its row's number.
     */
    private boolean looksAgain() {
        return search.errorGroup() != null
                || (search.eventId() != null
                        && (!layout.has(Column.EVENT_ID) || (!layout.isStandard() && rowOf(search.eventId()) != null)));
    }

    private boolean matches(FoundRow event) {
        return (search.errorGroup() == null || search.errorGroup().equals(DeadGroup.of(event.error())))
                && (search.eventId() == null || search.eventId().equals(event.eventId()));
    }

    /** The row named by the id that we give an event without one, or null. */
    private @Nullable Long rowOf(String eventId) {
        String start = sql.outbox + "-";
        return eventId.startsWith(start) ? EventIds.position(eventId.substring(start.length())) : null;
    }
}
