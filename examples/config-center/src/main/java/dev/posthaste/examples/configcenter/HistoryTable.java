package dev.posthaste.examples.configcenter;

import static dev.posthaste.examples.configcenter.Database.instant;
import static dev.posthaste.examples.configcenter.Database.utc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Every statement on {@code config_history}, and the switch that makes the table unavailable. */
final class HistoryTable {
    private static final String HERE = "config_history";
    private static final String AWAY = "config_history_stopped";

    private final Database database;
    private volatile String table = HERE;

    /** One line of the history. {@code recordedAt} is when the consumer wrote it. */
    record Entry(
            long id,
            String eventId,
            long configId,
            long version,
            String moduleName,
            String lang,
            String configKey,
            String configValue,
            String editUser,
            @Nullable String releaseUser,
            Instant createdAt,
            Instant recordedAt) {}

    HistoryTable(Database database) {
        this.database = database;
    }

    /**
     * Restores a table that was still taken away when the demo last ended. Must run before anything creates a new one.
     */
    void restore() throws SQLException {
        if (database.hasTable(AWAY)) {
            database.renameTable(AWAY, HERE);
        }
    }

    boolean available() {
        return table.equals(HERE);
    }

    /** Takes the table away, like a failing disk or a lock, or restores it with all its contents. */
    synchronized void setAvailable(boolean available) throws SQLException {
        if (available != available()) {
            String to = available ? HERE : AWAY;
            database.renameTable(table, to);
            table = to;
        }
    }

    void insert(Connection connection, ConfigHistoryEvent event, Instant now) throws SQLException {
        database.update(
                connection,
                """
                insert into config_history (event_id, config_id, version, module_name, lang, config_key, "desc",
                    config_type, config_value, config_schema, edit_user, release_user, related_users, trace_id,
                    created_at, recorded_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                event.eventId(),
                event.configId(),
                event.version(),
                event.moduleName(),
                event.lang(),
                event.configKey(),
                event.desc(),
                event.configType(),
                event.configValue(),
                event.configSchema(),
                event.editUser(),
                event.releaseUser(),
                event.relatedUsers(),
                event.traceId(),
                utc(event.createdAt()),
                utc(now));
    }

    /** The event that wrote a version's record, or null if there is no record. */
    @Nullable
    String eventOf(Connection connection, long configId, long version) throws SQLException {
        List<String> found = database.query(
                connection,
                "select event_id from config_history where config_id = ? and version = ?",
                row -> row.getString(1),
                configId,
                version);
        return found.isEmpty() ? null : found.get(0);
    }

    long count() throws SQLException {
        return database.count("select count(*) from " + table);
    }

    /** The latest records, newest first. */
    List<Entry> latest(int limit) throws SQLException {
        return entries("order by id desc limit " + limit);
    }

    /** One configuration's records, the latest version first. */
    List<Entry> of(long configId) throws SQLException {
        return entries("where config_id = ? order by version desc limit 1000", configId);
    }

    /** A module's records, in the order in which they were written. */
    List<Entry> ofModule(String moduleName) throws SQLException {
        return entries("where module_name = ? order by id", moduleName);
    }

    private List<Entry> entries(String which, @Nullable Object... parameters) throws SQLException {
        return database.query("""
                select id, event_id, config_id, version, module_name, lang, config_key, config_value, edit_user,
                       release_user, created_at, recorded_at from
                """ + table + " " + which, HistoryTable::read, parameters);
    }

    private static Entry read(ResultSet row) throws SQLException {
        return new Entry(
                row.getLong("id"),
                row.getString("event_id"),
                row.getLong("config_id"),
                row.getLong("version"),
                row.getString("module_name"),
                row.getString("lang"),
                row.getString("config_key"),
                row.getString("config_value"),
                row.getString("edit_user"),
                row.getString("release_user"),
                instant(row, "created_at"),
                instant(row, "recorded_at"));
    }
}
