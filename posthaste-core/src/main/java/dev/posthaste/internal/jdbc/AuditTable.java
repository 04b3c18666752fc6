package dev.posthaste.internal.jdbc;

import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.internal.admin.AuditRow;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What operators did: the table {@code posthaste_audit}, which is in the same schema as the leases. Writes on the
 * connection it is given, so that a change and its entry are committed together or not at all. Thread-safe.
 */
final class AuditTable {
    private static final long NO_ROW = 0;
    /** What row 0 of an outbox is called here, because 0 means no row. */
    private static final long ROW_ZERO = Long.MIN_VALUE;

    private static final int MAX_EVENT_ID = 64;

    private final Dialect dialect;
    private final LeaseSchema schema;

    /** @param schema where the table is, on MySQL and MariaDB a database; null for the connection's own */
    AuditTable(Dialect dialect, @Nullable String schema) {
        this.dialect = dialect;
        this.schema = new LeaseSchema(dialect, schema);
    }

    private String sql(String template) {
        return schema.text(template);
    }

    /** One event that was changed, and its state before. */
    record Changed(long row, String eventId, String detail) {}

    void add(Connection connection, Change change, Action action, String outbox, List<Changed> events)
            throws SQLException {
        try (PreparedStatement insert = insert(connection)) {
            for (Changed event : events) {
                bind(insert, change, action, outbox, entryOf(event.row()), event.eventId(), 1, event.detail());
                insert.addBatch();
            }
            insert.executeBatch();
        } catch (SQLException e) {
            throw retriedIfDuplicate(e);
        }
    }

    /**
     * Makes others that begin the same change wait until this transaction has ended. Its entries are visible after
     * that; this adds none of its own.
     */
    void claim(Connection connection, Change change, Action action, String outbox) throws SQLException {
        add(connection, change, action, outbox, 0, "");
        try (PreparedStatement delete = connection.prepareStatement(
                sql("delete from {schema}posthaste_audit where change_id = ? and outbox = ? and event_row = 0"))) {
            delete.setString(1, change.id());
            delete.setString(2, outbox);
            delete.executeUpdate();
        }
    }

    /** Adds the entry of a change that is not about a single event. */
    void add(Connection connection, Change change, Action action, String outbox, long events, String detail)
            throws SQLException {
        try (PreparedStatement insert = insert(connection)) {
            bind(insert, change, action, outbox, NO_ROW, null, events, detail);
            insert.executeUpdate();
        } catch (SQLException e) {
            throw retriedIfDuplicate(e);
        }
    }

    private SQLException retriedIfDuplicate(SQLException e) {
        return dialect.isDuplicate(e) ? madeElsewhere(e) : e;
    }

    /** The same change is being made by another client: run again, this transaction sees what that one did. */
    static SQLException madeElsewhere(@Nullable Throwable cause) {
        return new SQLException("another client is making the same change; try again", "40001", cause);
    }

    private PreparedStatement insert(Connection connection) throws SQLException {
        return connection.prepareStatement(sql("""
                insert into {schema}posthaste_audit
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
        insert.setString(3, code(action));
        insert.setString(4, outbox);
        insert.setLong(5, row);
        insert.setString(6, eventId == null ? null : ErrorText.cut(eventId, MAX_EVENT_ID)); // its row identifies it
        insert.setLong(7, events);
        insert.setString(8, change.reason());
        insert.setString(9, detail);
    }

    /** Changes the number and the detail of a change's own entry. */
    void update(Connection connection, Change change, String outbox, long events, String detail) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql("""
                update {schema}posthaste_audit set events = ?, detail = ?
                where change_id = ? and outbox = ? and event_row = 0
                """))) {
            update.setLong(1, events);
            update.setString(2, detail);
            update.setString(3, change.id());
            update.setString(4, outbox);
            update.executeUpdate();
        }
    }

    /**
     * What is known about a change.
     *
     * @param events how many single events have an entry
     * @param own the detail of the change's own entry; null without one
     */
    record Known(Action action, long events, @Nullable String own) {}

    /** Empty if the change has no entry. */
    Optional<Known> find(Connection connection, String outbox, String changeId) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                select count(*) as entries, max(action) as action, max(case when event_row = 0 then 1 else 0 end) as own
                from {schema}posthaste_audit where change_id = ? and outbox = ?
                """))) {
            statement.setString(1, changeId);
            statement.setString(2, outbox);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                long entries = row.getLong("entries");
                if (entries == 0) {
                    return Optional.empty();
                }
                int own = row.getInt("own");
                return Optional.of(new Known(
                        action(row.getString("action")),
                        entries - own,
                        own == 0 ? null : detail(connection, outbox, changeId, "")));
            }
        }
    }

    /** The detail of a change's own entry, which stays locked until the transaction ends; null without one. */
    @Nullable
    String lock(Connection connection, String outbox, String changeId) throws SQLException {
        return detail(connection, outbox, changeId, "{forUpdate}");
    }

    private @Nullable String detail(Connection connection, String outbox, String changeId, String lock)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("""
                select detail from {schema}posthaste_audit where change_id = ? and outbox = ? and event_row = 0
                """ + lock))) {
            statement.setString(1, changeId);
            statement.setString(2, outbox);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? String.valueOf(row.getString("detail")) : null;
            }
        }
    }

    /** The database's clock, in microseconds. */
    long now(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql("select {nowMicros}"));
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Those of {@code rows} that have an entry of a change. */
    Set<Long> done(Connection connection, String outbox, String changeId, Collection<Long> rows) throws SQLException {
        String select = sql("""
                select event_row from {schema}posthaste_audit where event_row %s and change_id = ? and outbox = ?
                """);
        Set<Long> done = new HashSet<>();
        try (PreparedStatement statement = IdLists.prepare(
                dialect,
                connection,
                select,
                rows.stream().map(AuditTable::entryOf).toList())) {
            int first = dialect.bindsArrays() ? 2 : 1;
            statement.setString(first, changeId);
            statement.setString(first + 1, outbox);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    done.add(rowOf(row.getLong("event_row")));
                }
            }
        }
        return done;
    }

    /** Entries below {@code before}, newest first; of one row if {@code event} is not null. */
    List<AuditRow> list(Connection connection, String outbox, @Nullable Long event, long before, int limit)
            throws SQLException {
        Long row = event == null ? null : Long.valueOf(entryOf(event));
        return list(connection, outbox, row, null, before, limit).stream()
                .map(entry -> entry.position() == null ? entry.withDetail(ChangeNote.words(entry.detail())) : entry)
                .toList();
    }

    /** The newest changes of a kind that are not about a single event, as they are noted. */
    List<AuditRow> list(Connection connection, String outbox, Action action, int limit) throws SQLException {
        return list(connection, outbox, NO_ROW, action, Long.MAX_VALUE, limit);
    }

    private List<AuditRow> list(
            Connection connection, String outbox, @Nullable Long event, @Nullable Action action, long before, int limit)
            throws SQLException {
        String select = """
                select id, {micros:at} as at_micros, change_id, actor, action, event_row, event_id, events, reason, detail
                from {schema}posthaste_audit where outbox = ? and id < ?%s%s
                order by id desc limit %s
                """.formatted(
                        event == null ? "" : " and event_row = ?",
                        action == null ? "" : " and action = '" + code(action) + "'",
                        limit);
        try (PreparedStatement statement = connection.prepareStatement(schema.expand(select))) {
            statement.setString(1, outbox);
            statement.setLong(2, before);
            if (event != null) {
                statement.setLong(3, event);
            }
            List<AuditRow> entries = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    long of = row.getLong("event_row");
                    entries.add(new AuditRow(
                            row.getLong("id"),
                            Instant.EPOCH.plus(row.getLong("at_micros"), ChronoUnit.MICROS),
                            row.getString("change_id"),
                            row.getString("actor"),
                            action(row.getString("action")),
                            outbox,
                            of == NO_ROW ? null : Long.valueOf(rowOf(of)),
                            row.getString("event_id"),
                            row.getLong("events"),
                            row.getString("reason"),
                            row.getString("detail")));
                }
            }
            return entries;
        }
    }

    private static long entryOf(long row) {
        return row == 0 ? ROW_ZERO : row;
    }

    private static long rowOf(long entry) {
        return entry == ROW_ZERO ? 0 : entry;
    }

    private static String code(Action action) {
        return action.name().toLowerCase(Locale.ROOT);
    }

    private static Action action(String code) {
        return Action.valueOf(code.toUpperCase(Locale.ROOT));
    }
}
