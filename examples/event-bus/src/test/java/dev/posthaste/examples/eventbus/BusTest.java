package dev.posthaste.examples.eventbus;

import dev.posthaste.examples.support.DatabaseSettings;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.KafkaServer;
import dev.posthaste.servers.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** An event bus with its own database, for one test. */
abstract class BusTest {
    static final Duration LONG = Duration.ofMinutes(1);
    static final String RUN = "run-";

    private @Nullable TestDatabase database;
    private @Nullable EventBus bus;
    private @Nullable KafkaServer kafka;

    static Settings settings(TestDatabase database, @Nullable String broker, double failRate) {
        return new Settings(DatabaseSettings.at(database.url(), null, null), broker, failRate);
    }

    final EventBus start(Database kind, @Nullable String broker, double failRate) throws Exception {
        return start(kind, broker, failRate, Set.of(EventBus.Part.values()));
    }

    final EventBus start(Database kind, @Nullable String broker, double failRate, Set<EventBus.Part> parts)
            throws Exception {
        database = DatabaseServer.of(kind).createDatabase();
        bus = EventBus.start(settings(database, broker, failRate), parts);
        return bus;
    }

    /** A separate server for the test, because all buses have the same topics. */
    final KafkaServer kafka() {
        kafka = KafkaServer.start(1, Map.of());
        return kafka;
    }

    final TestDatabase database() {
        return Objects.requireNonNull(database);
    }

    static List<String> names(int count) {
        return IntStream.range(0, count).mapToObj(i -> RUN + i).toList();
    }

    @AfterEach
    final void close() {
        if (bus != null) {
            bus.close();
        }
        if (database != null) {
            database.close();
        }
        if (kafka != null) {
            kafka.close();
        }
    }
}
