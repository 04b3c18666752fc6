package dev.posthaste.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** What consumers have handled: the table {@code posthaste_inbox}. Thread-safe. */
public final class InboxTable {
    private final Dialect dialect;

    public InboxTable(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Says that the consumer handles the event in this transaction. Waits for another transaction that says the same.
     *
     * @return false if it was handled before
     */
    public boolean add(Connection connection, String consumer, String eventId) throws SQLException {
        String insert = "insert into posthaste_inbox (consumer, event_id, handled_at) values (?, ?, {now})";
        try (PreparedStatement statement =
                connection.prepareStatement(dialect.ignoringDuplicates(dialect.sql(insert)))) {
            statement.setString(1, consumer);
            statement.setString(2, eventId);
            return statement.executeUpdate() == 1;
        } catch (SQLException e) {
            if (dialect.isDuplicate(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Deletes up to {@code batch} rows of the consumer that are older than {@code keep}; returns how many. */
    public int purge(DataSource dataSource, String consumer, Duration keep, int batch) {
        return new Transactions(dataSource, dialect)
                .transaction("delete old inbox rows of consumer " + consumer, connection -> {
                    List<String> old = old(connection, consumer, keep, batch);
                    try (PreparedStatement delete = connection.prepareStatement(
                            "delete from posthaste_inbox where consumer = ? and event_id = ?")) {
                        for (String eventId : old) {
                            delete.setString(1, consumer);
                            delete.setString(2, eventId);
                            delete.addBatch();
                        }
                        if (!old.isEmpty()) {
                            delete.executeBatch();
                        }
                    }
                    return old.size();
                });
    }

    private List<String> old(Connection connection, String consumer, Duration keep, int batch) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(dialect.sql("""
                select event_id from posthaste_inbox
                where consumer = ? and handled_at < {fromNow} order by handled_at limit ?
                """))) {
            select.setString(1, consumer);
            select.setLong(2, -(keep.toNanos() / 1000));
            select.setInt(3, batch);
            List<String> ids = new ArrayList<>();
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getString(1));
                }
            }
            return ids;
        }
    }
}
