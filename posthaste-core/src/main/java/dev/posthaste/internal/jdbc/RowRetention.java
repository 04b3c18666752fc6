package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads how old rows are and deletes them, on the connection it is given. Thread-safe. */
final class RowRetention {
    private final RowSql sql;

    RowRetention(RowSql sql) {
        this.sql = sql;
    }

    /**
     * One row as retention sees it.
     *
     * @param status null where it is another program's
     * @param restNanos since it reached its status
     * @param ageNanos since its write
     */
    record Aged(long id, @Nullable Status status, long restNanos, long ageNanos) {}

    List<Aged> aged(Connection connection, long after, int limit) throws SQLException {
        String text = sql.text("""
                select {id}, {status},
                    coalesce({since:updated-at|published-at|created-at}, {since:created-at}, 0) as rest_nanos,
                    coalesce({since:created-at}, {since:updated-at|published-at|created-at}, 0) as age_nanos
                from {table} where {id} > ?
                order by {id} limit ?
                """);
        List<Aged> rows = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            try (ResultSet row = statement.executeQuery()) {
                int id = row.findColumn(sql.label(Column.ID));
                int status = row.findColumn(sql.label(Column.STATUS));
                int rest = row.findColumn("rest_nanos");
                int age = row.findColumn("age_nanos");
                while (row.next()) {
                    rows.add(new Aged(
                            row.getLong(id),
                            sql.layout.status(row.getString(status)),
                            row.getLong(rest),
                            row.getLong(age)));
                }
            }
        }
        return rows;
    }

    /** Those of {@code ids} that are in one of these statuses. */
    int delete(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        String text = sql.text("""
                {delete from table} where {status in %s} and {id in ids}
                """.formatted(RowSql.words(statuses)));
        return sql.update(connection, text, ids);
    }
}
