package dev.posthaste.examples.configcenter;

import static dev.posthaste.examples.configcenter.Database.instant;
import static dev.posthaste.examples.configcenter.Database.utc;

import dev.posthaste.examples.configcenter.ConfigException.Reason;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

/** Every statement on {@code config}. */
final class ConfigTable {
    private static final String COLUMNS = """
            select id, module_name, lang, config_key, "desc", config_type, config_value, config_schema, draft_value,
                   version, edit_user, release_user, related_users, created_at, updated_at
            from config
            """;
    private static final String BY_NAME = "where module_name = ? and lang = ? and config_key = ?";

    private final Database database;

    ConfigTable(Database database) {
        this.database = database;
    }

    void insert(Connection connection, Config.Draft draft, Instant now) throws SQLException {
        database.update(
                connection,
                """
                insert into config (module_name, lang, config_key, "desc", config_type, config_value, config_schema,
                    draft_value, version, edit_user, related_users, created_at, updated_at)
                values (?, ?, ?, ?, ?, '', ?, ?, 0, ?, ?, ?, ?)
                """,
                draft.moduleName(),
                draft.lang(),
                draft.configKey(),
                draft.desc(),
                draft.configType(),
                draft.configSchema(),
                draft.configValue(),
                draft.user(),
                draft.relatedUsers(),
                utc(now),
                utc(now));
    }

    /**
     * Locks the row until the transaction ends. Must be the transaction's first statement: on SQLite, a transaction
     * that reads before it writes can no longer write once another one has.
     */
    Config lock(Connection connection, long id) throws SQLException {
        String lock = " for update";
        if (database.locksByWriting()) {
            database.update(connection, "update config set version = version where id = ?", id);
            lock = "";
        }
        List<Config> found = database.query(connection, COLUMNS + "where id = ?" + lock, ConfigTable::read, id);
        if (found.isEmpty()) {
            throw new ConfigException(Reason.NOT_FOUND, "There is no configuration " + id);
        }
        return found.get(0);
    }

    void update(Connection connection, Config changed) throws SQLException {
        database.update(
                connection,
                """
                update config set config_value = ?, draft_value = ?, version = ?, edit_user = ?, release_user = ?,
                    updated_at = ? where id = ?
                """,
                changed.configValue(),
                changed.draftValue(),
                changed.version(),
                changed.editUser(),
                changed.releaseUser(),
                utc(changed.updatedAt()),
                changed.id());
    }

    Config byName(Connection connection, Config.Draft draft) throws SQLException {
        return database.query(
                        connection,
                        COLUMNS + BY_NAME,
                        ConfigTable::read,
                        draft.moduleName(),
                        draft.lang(),
                        draft.configKey())
                .get(0);
    }

    boolean exists(Config.Draft draft) throws SQLException {
        return database.count(
                        "select count(*) from config " + BY_NAME, draft.moduleName(), draft.lang(), draft.configKey())
                > 0;
    }

    List<Config> all(int limit) throws SQLException {
        return database.query(COLUMNS + "order by module_name, lang, config_key limit " + limit, ConfigTable::read);
    }

    List<Config> ofModule(String moduleName) throws SQLException {
        return database.query(COLUMNS + "where module_name = ? order by id", ConfigTable::read, moduleName);
    }

    private static Config read(ResultSet row) throws SQLException {
        return new Config(
                row.getLong("id"),
                row.getString("module_name"),
                row.getString("lang"),
                row.getString("config_key"),
                row.getString("desc"),
                row.getInt("config_type"),
                row.getString("config_value"),
                row.getString("config_schema"),
                row.getString("draft_value"),
                row.getLong("version"),
                row.getString("edit_user"),
                row.getString("release_user"),
                row.getString("related_users"),
                instant(row, "created_at"),
                instant(row, "updated_at"));
    }
}
