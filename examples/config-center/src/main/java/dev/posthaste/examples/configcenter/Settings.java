package dev.posthaste.examples.configcenter;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the configuration centre runs.
 *
 * @param database a JDBC URL, or null for a file of H2's in {@code data}
 * @param broker an AMQP URI, or null for the local broker
 */
record Settings(
        @Nullable String database,
        @Nullable String user,
        @Nullable String password,
        @Nullable String broker,
        Path data) {

    String url() {
        // Written at every commit: a process that is killed has lost nothing that it committed.
        return database != null
                ? database
                : "jdbc:h2:file:" + data.toAbsolutePath().resolve("config-center")
                        + ";WRITE_DELAY=0;LOCK_TIMEOUT=10000;DB_CLOSE_ON_EXIT=FALSE";
    }

    String databaseName() {
        return database == null ? "H2 in " + data : redacted(database);
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
