package dev.posthaste.examples.support;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The connection pools of an example. */
public final class Pools {
    private final DatabaseSettings database;
    private final Resources resources;
    private @Nullable DataSource onlyWriter;

    /** @param resources closes the pools */
    public Pools(DatabaseSettings database, Resources resources) {
        this.database = database;
        this.resources = resources;
    }

    /**
     * Connections for one part of the example. On SQLite, all parts share one connection: there is one writer at a time
     * anyway, and threads that wait for a connection are served in order, while SQLite lets those that wait for its
     * lock starve.
     */
    public DataSource of(String part, int size) throws CannotStartException {
        if (!database.onSqlite()) {
            return newPool(part, size);
        }
        if (onlyWriter == null) {
            onlyWriter = newPool("writing", 1);
        }
        return onlyWriter;
    }

    /**
     * Connections for queries outside transactions: {@code pool}, or on SQLite separate ones, which do not wait for the
     * writer.
     */
    public DataSource reading(DataSource pool) throws CannotStartException {
        return database.onSqlite() ? newPool("reading", 4) : pool;
    }

    private DataSource newPool(String name, int size) throws CannotStartException {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(database.url());
        config.setUsername(database.user());
        config.setPassword(database.password());
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(10_000);
        config.setExceptionOverride(new SqliteEviction());
        try {
            return resources.opened(new HikariDataSource(config));
        } catch (RuntimeException e) {
            throw CannotStartException.because("Cannot open the database " + database.name(), e);
        }
    }
}
