package dev.posthaste.servers;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** A database for one test, dropped when it is closed. */
public final class TestDatabase implements AutoCloseable {
    private final Database kind;
    private final String url;
    private final List<HikariDataSource> pools = new ArrayList<>();
    private final HikariDataSource main;

    TestDatabase(Database kind, String url) {
        this.kind = kind;
        this.url = url;
        this.main = pool(20);
    }

    public Database kind() {
        return kind;
    }

    /** Includes user and password. */
    public String url() {
        return url;
    }

    /** The server's port; only for databases with a server. */
    public int port() {
        return java.net.URI.create(url.substring("jdbc:".length())).getPort();
    }

    public String name() {
        String path = url.substring(url.lastIndexOf('/') + 1);
        int end = path.indexOf('?');
        return end < 0 ? path : path.substring(0, end);
    }

    /** An SQL expression for the database's current time, in the form that time columns store. */
    public String now() {
        return kind == Database.SQLITE ? "cast(unixepoch('subsec') * 1000 as integer)" : "current_timestamp(6)";
    }

    /** The database's file; only for SQLite. */
    public Path file() {
        return Path.of(url.substring("jdbc:sqlite:".length(), url.indexOf('?')));
    }

    /** A connection pool for the test's own use. */
    public DataSource dataSource() {
        return main;
    }

    /** Another pool, with at most {@code size} connections, closed with the database. */
    public HikariDataSource pool(int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(20_000);
        HikariDataSource pool = new HikariDataSource(config);
        pools.add(pool);
        return pool;
    }

    public void execute(String sql) {
        try (Connection connection = main.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(kind + ": " + sql, e);
        }
    }

    /** Every row: its columns as text, joined by {@code |}. */
    public List<String> query(String sql) {
        try (Connection connection = main.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    row.add(String.valueOf(rows.getString(i)));
                }
                found.add(String.join("|", row));
            }
            return found;
        } catch (SQLException e) {
            throw new IllegalStateException(kind + ": " + sql, e);
        }
    }

    public long count(String sql) {
        return Long.parseLong(query(sql).get(0));
    }

    @Override
    public void close() {
        pools.forEach(HikariDataSource::close);
        DatabaseServer.of(kind).dropDatabase(this);
    }
}
