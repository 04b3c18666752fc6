package dev.posthaste.examples.eventbus;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the event bus runs.
 *
 * @param database a JDBC URL, or null for a SQLite file in {@code data}
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

    /** Durable at every commit ({@code FULL}), also after a power failure. Writers wait 10 s for each other. */
    String url() {
        return database != null
                ? database
                : "jdbc:sqlite:" + data.toAbsolutePath().resolve("event-bus.db")
                        + "?journal_mode=WAL&synchronous=FULL&busy_timeout=10000";
    }

    /** Without user and password, which may stand in a URL. */
    boolean onSqlite() {
        return url().startsWith("jdbc:sqlite:");
    }

    String databaseName() {
        return database == null
                ? "SQLite in " + data
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
