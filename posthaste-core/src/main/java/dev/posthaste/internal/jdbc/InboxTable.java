package dev.posthaste.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.sql.DataSource;

/** What consumers have handled: the table {@code posthaste_inbox}. Thread-safe. */
public final class InboxTable {
    private final Dialect dialect;

    public InboxTable(Dialect dialect) {
        this.dialect = dialect;
    }

    /**
     * Notes that the consumer handles the events in this transaction. Waits up to {@code lock} seconds for another
     * transaction that notes one of them.
     *
     * @param silence after how many seconds of silence the server ends the session, where the dialect sets that here; 0
     *     leaves the session as it is
     * @return false if one of them was handled before; if there are several, the transaction is then of no further use
     */
    boolean add(Connection connection, String consumer, List<String> eventIds, long silence, long lock)
            throws SQLException {
        String rows = String.join(", ", Collections.nCopies(eventIds.size(), "(?, ?, {now})"));
        String insert = dialect.ignoringDuplicates(
                dialect.sql("insert into posthaste_inbox (consumer, event_id, handled_at) values " + rows));
        String note = dialect.note(insert, silence, lock);
        try (PreparedStatement statement = connection.prepareStatement(note)) {
            for (int i = 0; i < eventIds.size(); i++) {
                statement.setString(2 * i + 1, consumer);
                statement.setString(2 * i + 2, eventIds.get(i));
            }
            int changed = note.equals(insert) ? statement.executeUpdate() : changed(statement);
            return changed == eventIds.size();
        } catch (SQLException e) {
            if (dialect.isDuplicate(e)) {
                return false;
            }
            throw e;
        }
    }

    /** How many rows were changed by several statements that were sent as one. */
    private static int changed(PreparedStatement statement) throws SQLException {
        int changed = 0;
        boolean rows = statement.execute();
        while (rows || statement.getUpdateCount() >= 0) {
            changed += rows ? 0 : statement.getUpdateCount();
            rows = statement.getMoreResults();
        }
        return changed;
    }

    /** Whether it is noted that the consumer handled the event. */
    boolean contains(Connection connection, String consumer, String eventId) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "select event_id from posthaste_inbox where consumer = ? and event_id = ?")) {
            select.setString(1, consumer);
            select.setString(2, eventId);
            try (ResultSet row = select.executeQuery()) {
                return row.next();
            }
        }
    }

    /** Deletes up to {@code batch} rows of the consumer that are older than {@code keep}; returns how many. */
    public int purge(DataSource dataSource, String consumer, Duration keep, int batch) {
        return new JdbcTransactions(dataSource, dialect)
                .transaction(
                        "delete old inbox rows of consumer " + consumer,
                        connection -> purge(connection, consumer, keep, batch));
    }

    /** The same, in the connection's transaction. */
    public int purge(Connection connection, String consumer, Duration keep, int batch) throws SQLException {
        List<String> old = old(connection, consumer, keep, batch);
        try (PreparedStatement delete =
                connection.prepareStatement("delete from posthaste_inbox where consumer = ? and event_id = ?")) {
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
