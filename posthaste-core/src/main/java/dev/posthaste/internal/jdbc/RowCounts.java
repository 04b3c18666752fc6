package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalLong;

/** How many events there are, on the connection it is given. Thread-safe. */
final class RowCounts {
    private final RowSql sql;

    RowCounts(RowSql sql) {
        this.sql = sql;
    }

    OptionalLong lastId(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql.text("select max({id}) from {table}"));
                ResultSet row = statement.executeQuery()) {
            row.next();
            String id = row.getString(1);
            return id == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(id));
        }
    }

    /** By status, with an entry for every status. */
    Map<Status, Long> byStatus(Connection connection) throws SQLException {
        Map<Status, Long> counts = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            counts.put(status, 0L);
        }
        String text = sql.text("select {status}, count(*) as events from {table} group by {status}");
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(text)) {
            while (rows.next()) {
                Status status = sql.layout.status(rows.getString(sql.label(Column.STATUS)));
                if (status != null) {
                    counts.put(status, rows.getLong("events"));
                }
            }
        }
        return counts;
    }

    /** @param oldestNanos since the oldest pending event was written */
    record Backlog(long pending, long dead, long oldestNanos) {}

    Backlog backlog(Connection connection) throws SQLException {
        String oldest = sql.layout.pendingIndex() == null ? """
                select {since:created-at} from {table}
                where {id} = (select min({id}) from {table:pending} where {status} = {pending})
                """ : """
                select {since:created-at} from {table:pending} where {status} = {pending} order by {order} limit 1
                """;
        String text = sql.text("""
                select (select count(*) from {table:pending} where {status} = {pending}) as pending,
                    (select count(*) from {table} where {status} = {dead}) as dead,
                    coalesce((%s), 0) as oldest_nanos
                """.formatted(oldest.strip()));
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(text)) {
            row.next();
            return new Backlog(row.getLong("pending"), row.getLong("dead"), row.getLong("oldest_nanos"));
        }
    }
}
