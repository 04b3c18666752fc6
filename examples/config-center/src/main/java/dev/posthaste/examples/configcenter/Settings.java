package dev.posthaste.examples.configcenter;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the configuration centre runs.
 *
 * @param database a JDBC URL, or null for a SQLite file in {@code data}
 * @param broker an AMQP URI, or null for the local broker
 */
record Settings(
        @Nullable String database,
        @Nullable String user,
        @Nullable String password,
        @Nullable String broker,
        Path data) {

    /** Durable at every commit ({@code FULL}), also after a power failure. Writers wait 10 s for each other. */
    String url() {
        return database != null
                ? database
                : "jdbc:sqlite:" + data.toAbsolutePath().resolve("config-center.db")
                        + "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";
    }

    boolean onSqlite() {
        return url().startsWith("jdbc:sqlite:");
    }

    String databaseName() {
        return database == null ? "SQLite in " + data : redacted(database);
    }

    /** The URL without what may be a secret. */
    static String redacted(String url) {
        int options = url.indexOf('?') < 0 ? url.indexOf(';') : url.indexOf('?');
        String bare = options < 0 ? url : url.substring(0, options);
        return bare.replaceFirst("//[^/]*@", "//");
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return "Settings[" + databaseName() + ", " + (broker == null ? "local broker" : redacted(broker)) + "]";
    }
}
