package dev.posthaste.examples.eventbus;

import dev.posthaste.examples.support.DatabaseSettings;
import org.jspecify.annotations.Nullable;

/**
 * Where the event bus runs.
 *
 * @param broker Kafka's bootstrap servers, or null for the local broker
 * @param failRate how often a handler fails on purpose, 0 to 1
 */
record Settings(DatabaseSettings database, @Nullable String broker, double failRate) {
    static final String SQLITE_FILE = "event-bus.db";

    String brokerName() {
        return broker == null ? "the local broker" : "Kafka at " + broker;
    }
}
