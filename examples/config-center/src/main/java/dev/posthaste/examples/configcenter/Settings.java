package dev.posthaste.examples.configcenter;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.examples.support.Urls;
import org.jspecify.annotations.Nullable;

/**
 * Where the configuration centre runs.
 *
 * @param broker an AMQP URI, or null for the local broker
 */
record Settings(DatabaseSettings database, @Nullable String broker) {
    static final String SQLITE_FILE = "config-center.db";

    String brokerName() {
        return broker == null ? "the local broker" : Urls.withoutSecrets(broker);
    }

    /** Does not show the secrets. */
    @Override
    public String toString() {
        return "Settings[" + database + ", " + brokerName() + "]";
    }
}
