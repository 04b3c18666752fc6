package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.PendingRef;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds pending events without their contents, on the connection it is given. Thread-safe. */
public final class RowScan {
    private static final int MAX_RANGES = 500;

    private final RowSql sql;
    private final PlanChoice plan;
    private final String scanRanges;

    public RowScan(Dialect dialect, OutboxDefinition outbox) {
        this(new RowSql(dialect, outbox));
    }

    private RowScan(RowSql sql) {
        this(sql, new PlanChoice(sql));
    }

    RowScan(RowSql sql, PlanChoice plan) {
        this.sql = sql;
        this.plan = plan;
        this.scanRanges = SCAN_RANGES.formatted(sql.dialect.limit());
    }

    private static final String SCAN = """
            select {id}[, {name:key}], {until:next-attempt-at} as wait_nanos
            from {table:pending} where {status} = {pending} and {position} > ? and {position} <= ?
            order by {order} {limit}
            """;

    List<PendingRef> scan(Connection connection, long after, long through, int limit) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(plan.text(connection, SCAN))) {
            statement.setLong(1, after);
            statement.setLong(2, through);
            statement.setInt(3, limit);
            return pending(statement);
        }
    }

    /** The statement that finds work below the cursor, for plans and their tests. */
    public String statement() {
        return sql.text(SCAN);
    }

    /** @param ranges in id order, not overlapping */
    List<PendingRef> scan(Connection connection, List<IdRange> ranges, int limit) throws SQLException {
        List<PendingRef> found = new ArrayList<>();
        for (int from = 0; from < ranges.size() && found.size() < limit; from += MAX_RANGES) {
            List<IdRange> some = ranges.subList(from, Math.min(from + MAX_RANGES, ranges.size()));
            found.addAll(
                    sql.dialect.bindsRanges()
                            ? scanBound(connection, some, limit - found.size())
                            : scanWritten(connection, some, limit - found.size()));
        }
        return found;
    }

    private static final String SCAN_RANGES = """
            select pending.* from unnest(?, ?) ranges (low, high) cross join lateral (
                select {id}[, {name:key}], {until:next-attempt-at} as wait_nanos
                from {table:pending} where {status} = {pending}
                    and {position} >= ranges.low and {position} <= ranges.high
                order by {order} {limit}
            ) pending
            order by 1 %s
            """;

    private List<PendingRef> scanBound(Connection connection, List<IdRange> ranges, int limit) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(plan.text(connection, scanRanges))) {
            statement.setArray(1, bigints(connection, ranges, IdRange::first));
            statement.setArray(2, bigints(connection, ranges, IdRange::last));
            statement.setInt(3, limit);
            statement.setInt(4, limit);
            return pending(statement);
        }
    }

    private List<PendingRef> scanWritten(Connection connection, List<IdRange> ranges, int limit) throws SQLException {
        String text = plan.text(connection, """
                select {id}[, {name:key}], {until:next-attempt-at} as wait_nanos
                from {table:pending} where {status} = {pending} and (%s)
                order by {order} {limit}
                """);
        List<PendingRef> found = new ArrayList<>();
        int step = sql.dialect.unitesRanges() ? ranges.size() : 1;
        String between = sql.text("{id} between") + " ";
        for (int from = 0; from < ranges.size() && found.size() < limit; from += step) {
            String list = ranges.subList(from, from + step).stream()
                    .map(range -> between + range.first() + " and " + range.last())
                    .collect(Collectors.joining(" or "));
            try (PreparedStatement statement = connection.prepareStatement(text.replace("%s", list))) {
                statement.setInt(1, limit - found.size());
                found.addAll(pending(statement));
            }
        }
        return found;
    }

    private static Array bigints(Connection connection, List<IdRange> ranges, ToLongFunction<IdRange> end)
            throws SQLException {
        return connection.createArrayOf(
                "bigint", ranges.stream().map(end::applyAsLong).toArray());
    }

    private List<PendingRef> pending(PreparedStatement statement) throws SQLException {
        List<PendingRef> found = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            int id = rows.findColumn(sql.label(Column.ID));
            int key = sql.layout.has(Column.KEY) ? rows.findColumn(sql.label(Column.KEY)) : 0;
            int waitNanos = rows.findColumn("wait_nanos");
            while (rows.next()) {
                String text = key == 0 ? null : EventRow.noneIfEmpty(text(rows, key));
                found.add(new PendingRef(rows.getLong(id), text, rows.getLong(waitNanos)));
            }
        }
        return found;
    }

    private static @Nullable String text(ResultSet row, int column) throws SQLException {
        try {
            return row.getString(column);
        } catch (SQLException e) {
            if (SqlErrors.isDisconnected(e)) {
                throw e;
            }
            return null; // it cannot be read, and makes the event defective when it is read with its contents
        }
    }
}
