package dev.posthaste.jdbc;

import dev.posthaste.Names;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What operators did: the table {@code posthaste_audit}, which lies beside the leases. Writes on the connection it is
 * given, so that a change and its entry count together or not at all. Thread-safe.
 */
final class AuditTable {
    private static final long NO_ROW = 0;

    private final Dialect dialect;
    private final String prefix;

    /** @param schema where the table is, on MySQL and MariaDB a database; null for the connection's own */
    AuditTable(Dialect dialect, @Nullable String schema) {
        this.dialect = dialect;
        this.prefix = schema == null ? "" : dialect.quoteTable(Names.requireTable(schema)) + ".";
    }

    private String sql(String template) {
        return dialect.sql(template.replace("posthaste_", prefix + "posthaste_"));
    }

    /** One event that was changed, and what it was like before. */
    record Changed(long row, String eventId, String detail) {}

    void add(Connection connection, Change change, Action action, String outbox, List<Changed> events)
            throws SQLException {
        try (PreparedStatement insert = insert(connection)) {
            for (Changed event : events) {
                bind(insert, change, action, outbox, event.row(), event.eventId(), 1, event.detail());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /**
     * Adds the entry of a change that is not of one event.
     *
     * @return false if that change has one already
     */
    boolean add(Connection connection, Change change, Action action, String outbox, long events, String detail)
            throws SQLException {
        if (eventsOf(connection, outbox, change.id()).isPresent()) {
            return false;
        }
        try (PreparedStatement insert = insert(connection)) {
            bind(insert, change, action, outbox, NO_ROW, null, events, detail);
            insert.executeUpdate();
            return true;
        }
    }

    private PreparedStatement insert(Connection connection) throws SQLException {
        return connection.prepareStatement(sql("""
                insert into posthaste_audit
                    (at, change_id, actor, action, outbox, event_row, event_id, events, reason, detail)
                values ({now}, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """));
    }

    private static void bind(
            PreparedStatement insert,
            Change change,
            Action action,
            String outbox,
            long row,
            @Nullable String eventId,
            long events,
            String detail)
            throws SQLException {
        insert.setString(1, change.id());
        insert.setString(2, change.actor());
        insert.setString(3, action.name().toLowerCase(Locale.ROOT));
        insert.setString(4, outbox);
        insert.setLong(5, row);
        insert.setString(6, eventId);
        insert.setLong(7, events);
        insert.setString(8, change.reason());
        insert.setString(9, detail);
    }

    /** Changes the number, and the detail if there is a new one, of the entry of a change that is not of one event. */
    void update(Connection connection, Change change, String outbox, long events, @Nullable String detail)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql("""
                update posthaste_audit set events = ?, detail = coalesce(?, detail)
                where change_id = ? and outbox = ? and event_row = 0
                """))) {
            update.setLong(1, events);
            update.setString(2, detail);
            update.setString(3, change.id());
            update.setString(4, outbox);
            update.executeUpdate();
        }
    }

    /** How many events a change has changed in an outbox; empty if it has no entry. */
    Optional<Long> eventsOf(Connection connection, String outbox, String changeId) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                sql("select count(*), sum(events) from posthaste_audit where change_id = ? and outbox = ?"))) {
            statement.setString(1, changeId);
            statement.setString(2, outbox);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1) == 0 ? Optional.empty() : Optional.of(row.getLong(2));
            }
        }
    }

    /** Entries below {@code before}, newest first; of one row if {@code event} is not null. */
    List<AuditEntry> list(Connection connection, String outbox, @Nullable Long event, long before, int limit)
            throws SQLException {
        String select = "select id, {micros:at}, change_id, actor, action, event_row, event_id, events, reason, detail"
                + " from posthaste_audit where outbox = ? and id < ?"
                + (event == null ? "" : " and event_row = ?") + " order by id desc limit " + limit;
        try (PreparedStatement statement = connection.prepareStatement(sql(select))) {
            statement.setString(1, outbox);
            statement.setLong(2, before);
            if (event != null) {
                statement.setLong(3, event);
            }
            List<AuditEntry> entries = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    long of = row.getLong(6);
                    entries.add(new AuditEntry(
                            row.getLong(1),
                            Instant.EPOCH.plus(row.getLong(2), ChronoUnit.MICROS),
                            row.getString(3),
                            row.getString(4),
                            Action.valueOf(row.getString(5).toUpperCase(Locale.ROOT)),
                            outbox,
                            of == NO_ROW ? null : Long.valueOf(of),
                            row.getString(7),
                            row.getLong(8),
                            row.getString(9),
                            row.getString(10)));
                }
            }
            return entries;
        }
    }
}
