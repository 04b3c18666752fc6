package dev.posthaste.examples.support;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The database that an example uses.
 *
 * @param name a name to display, without secrets
 */
public record DatabaseSettings(
        String url, @Nullable String user, @Nullable String password, String name) {

    /** A database with a JDBC URL, which may contain user and password. */
    public static DatabaseSettings at(String url, @Nullable String user, @Nullable String password) {
        return new DatabaseSettings(url, user, password, Urls.withoutSecrets(url));
    }

    /**
     * A SQLite file. Every commit is durable ({@code FULL}), even after a power failure. Writers wait 10 s for each
     * other.
     */
    public static DatabaseSettings sqlite(Path directory, String file) {
        String url = "jdbc:sqlite:" + directory.toAbsolutePath().resolve(file)
                + "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";
        return new DatabaseSettings(url, null, null, "SQLite in " + directory);
    }

    boolean onSqlite() {
        return url.startsWith("jdbc:sqlite:");
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return name;
    }
}
