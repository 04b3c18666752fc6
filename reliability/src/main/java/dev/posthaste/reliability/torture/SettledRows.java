package dev.posthaste.reliability.torture;

import dev.posthaste.servers.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What an outbox contains after some weeks, with statistics from a time when nothing was pending: a plan that trusts
 * them reads the whole table. A fifth as many events are pending and due in ten days: a plan that searches the pending
 * events for those with known ids reads all of these.
 */
final class SettledRows {
    private static final int WAITING_KEYS = 1_000;

    private SettledRows() {}

    /**
     * Doubles the rows until there are enough; retention keeps them, because their publication is dated ten days ahead.
     */
    static void fill(Connection connection, Database kind, Setup.Wire wire, long rows) throws SQLException {
        String inTenDays =
                kind == Database.POSTGRESQL ? "now() + interval '10 days'" : "utc_timestamp(6) + interval 10 day";
        String columns = "insert into orders (event_id, event_type, event_key, payload, status,"
                + " created_at, updated_at, published_at, consumed_at)";
        String values = "'" + Setup.TYPE + "', %s, '{\"settled\":true}', '" + wire.end() + "'"
                + (", " + inTenDays).repeat(3) + (wire.tracks() ? ", " + inTenDays : ", null");
        try (Statement statement = connection.createStatement()) {
            statement.execute(columns + " values ('settled-0', " + values.formatted("'settled'") + ")");
            long there = 1;
            while (there < rows) {
                long last = number(statement, "select max(id) from orders");
                there += statement.executeUpdate(columns + " select concat('settled-', id + " + last + "), "
                        + values.formatted("concat('settled-', mod(id, 1000))") + " from orders order by id limit "
                        + Math.min(there, rows - there));
            }
            if (kind == Database.POSTGRESQL) {
                statement.execute("analyze orders");
                statement.execute("alter table orders set (autovacuum_enabled = false)");
            } else {
                statement.execute("analyze table orders");
                statement.execute("alter table orders stats_auto_recalc = 0");
            }
            statement.execute("insert into orders (event_id, event_type, event_key, payload, status, next_attempt_at,"
                    + " created_at, updated_at) select concat('waiting-', id), '" + Setup.TYPE
                    + "', concat('waiting-', mod(id, " + WAITING_KEYS + ")), '{\"waiting\":true}', 'pending'"
                    + (", " + inTenDays).repeat(3) + " from orders order by id limit " + rows / 5);
        }
    }

    /** Ends the waiting rows: otherwise the drain would last until they are due. */
    static void endWaiting(Connection connection, Setup.Wire wire) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("update orders set status = '" + wire.end()
                    + "' where status = 'pending' and event_key like 'waiting-%'");
        }
    }

    private static long number(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }
}
