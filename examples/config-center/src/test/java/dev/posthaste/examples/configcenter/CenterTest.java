package dev.posthaste.examples.configcenter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** A configuration centre with its own database, for one test. */
abstract class CenterTest {
    static final Duration LONG = Duration.ofSeconds(60);

    private @Nullable TestDatabase database;
    private @Nullable Application application;

    static Settings settings(TestDatabase database, @Nullable String broker) {
        return new Settings(DatabaseSettings.at(database.url(), null, null), broker);
    }

    final Application start(dev.posthaste.servers.Database kind) throws Exception {
        return start(kind, null, Set.of(Application.Part.values()));
    }

    final Application start(dev.posthaste.servers.Database kind, @Nullable String broker, Set<Application.Part> parts)
            throws Exception {
        database = DatabaseServer.of(kind).createDatabase();
        application = Application.start(settings(database, broker), parts);
        return application;
    }

    final TestDatabase database() {
        return java.util.Objects.requireNonNull(database);
    }

    /** A configuration at version 1. */
    static Config released(Application application, String key) throws SQLException {
        Config created = application
                .configs()
                .create(new Config.Draft("module", "en", key, "", 1, Reconciliation.value(1, false), "{}", "ada", ""));
        return application.configs().release(new Config.Change(created.id(), 0, "ada", null));
    }

    static Config update(Application application, Config seen, String value) throws SQLException {
        return application.configs().update(new Config.Change(seen.id(), seen.version(), "ada", value));
    }

    static void awaitHistory(Application application, int records) {
        await().atMost(LONG)
                .untilAsserted(() -> assertThat(application.history().count()).isEqualTo(records));
    }

    @AfterEach
    final void close() {
        if (application != null) {
            application.close();
        }
        if (database != null) {
            database.close();
        }
    }
}
