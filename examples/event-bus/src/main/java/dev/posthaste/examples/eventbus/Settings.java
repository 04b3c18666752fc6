package dev.posthaste.examples.eventbus;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the event bus runs.
 *
 * @param database a JDBC URL, or null for a file of H2's in {@code data}
 * @param broker Kafka's bootstrap servers, or null for the local broker
 * @param failRate how often a handler fails on purpose, 0 to 1
 */
record Settings(
        @Nullable String database,
        @Nullable String user,
        @Nullable String password,
        @Nullable String broker,
        Path data,
        double failRate) {

    String url() {
        // Written at every commit: a process that is killed has lost nothing that it committed.
        return database != null
                ? database
                : "jdbc:h2:file:" + data.toAbsolutePath().resolve("event-bus")
                        + ";WRITE_DELAY=0;LOCK_TIMEOUT=10000;DB_CLOSE_ON_EXIT=FALSE";
    }

    /** Without user and password, which may stand in a URL. */
    String databaseName() {
        return database == null
                ? "H2 in " + data
                : database.replaceFirst("[?;].*", "").replaceFirst("//[^/]*@", "//");
    }

    String brokerName() {
        return broker == null ? "the local broker" : "Kafka at " + broker;
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return "Settings[" + databaseName() + ", " + brokerName() + "]";
    }
}
