package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.OutboxStore.DeadEvent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Dead events, on the connection it is given. Thread-safe. */
final class DeadRows {
    private final RowSql sql;

    DeadRows(RowSql sql) {
        this.sql = sql;
    }

    /** Those with a key, in id order, by the index that leads to dead rows where there is one. */
    List<DeadEvent> read(Connection connection, long after, int limit) throws SQLException {
        List<DeadEvent> dead = new ArrayList<>();
        if (!sql.layout.has(Column.KEY)) {
            return dead;
        }
        String text = sql.text("""
                select {id}, {key} from {table:dead}
                where {status} = {dead} and {key} is not null and {key} <> '' and {position} > ?
                order by {order} {limit}
                """);
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            try (ResultSet rows = statement.executeQuery()) {
                int id = rows.findColumn(sql.label(Column.ID));
                int key = rows.findColumn(sql.label(Column.KEY));
                while (rows.next()) {
                    dead.add(new DeadEvent(rows.getLong(id), rows.getString(key)));
                }
            }
        }
        return dead;
    }

    /** They are pending again, as if they had never been refused. */
    int requeue(Connection connection, Collection<Long> ids) throws SQLException {
        String text = sql.text("""
                update {table:id}
                set {status} = {pending}, {attempts} = 0[, {generation} = coalesce({generation}, 0) + 1],
                    {next-attempt-at} = {at once}[, {updated-at} = {now}]
                where {status in dead} and {id in ids}
                """);
        return sql.update(connection, text, ids);
    }
}
