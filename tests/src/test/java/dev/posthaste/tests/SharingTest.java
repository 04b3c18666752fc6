package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several outboxes in one relay, and several relays that share them. */
class SharingTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int OUTBOXES = 4;

    private final RecordingBroker broker = new RecordingBroker();
    private final Catalog catalog = Catalog.of(IntStream.range(0, OUTBOXES)
            .mapToObj(i -> OutboxDefinition.named("outbox_" + i)
                    .table("outbox_" + i)
                    .route(Route.to("topic-" + i))
                    .types("type-" + i))
            .toArray(OutboxDefinition[]::new));

    private Relay relay(TestDatabase database, String name) {
        return relay(database.dataSource(), name);
    }

    private Relay relay(DataSource dataSource, String name) {
        return Relay.builder(dataSource, catalog, broker)
                .name(name)
                .lease(Duration.ofSeconds(2))
                .publishTimeout(Duration.ofMillis(900))
                .build()
                .start();
    }

    /**
     * As with poolers that give each transaction a different session, and pools whose connections live a few seconds.
     */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
    void H10_aLeaseBelongsToNoSessionAndOutlivesItsConnections(Database kind) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase();
                HikariDataSource pool = database.pool(12)) {
            Schema.create(database.dataSource(), catalog);
            try (Relay first = relay(pool, "first");
                    Relay second = relay(pool, "second")) {
                await().atMost(LONG)
                        .until(() -> first.owned().size() + second.owned().size() == OUTBOXES);
                for (int i = 0; i < 50; i++) {
                    writeToAll(database, i);
                    pool.getHikariPoolMXBean().softEvictConnections();
                    int all = OUTBOXES * (i + 1);
                    await().atMost(LONG).until(() -> broker.arrived().size() >= all);
                }
            }
            assertThat(broker.arrived()).hasSize(OUTBOXES * 50);
            for (int i = 0; i < OUTBOXES; i++) {
                int outbox = i;
                assertThat(broker.arrived().stream()
                                .map(message -> new String(message.body(), StandardCharsets.UTF_8))
                                .filter(body -> body.startsWith(outbox + ":")))
                        .containsExactlyElementsOf(IntStream.range(0, 50)
                                .mapToObj(number -> outbox + ":" + number)
                                .toList());
            }
        }
    }

    private void writeToAll(TestDatabase database, int number) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            List<Event> events = IntStream.range(0, OUTBOXES)
                    .mapToObj(i -> Event.of("type-" + i, "k", i + ":" + number))
                    .toList();
            JdbcOutbox.of(catalog).write(connection, events);
            connection.commit();
        }
    }

    @ParameterizedTest
    @EnumSource
    void relaysShareOutboxesFairlyAndTakeOverWhatIsLeft(Database kind) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Schema.create(database.dataSource(), catalog);
            try (Relay first = relay(database, "first")) {
                await().atMost(LONG).until(() -> first.owned().size() == OUTBOXES);
                writeToAll(database, 0);
                try (Relay second = relay(database, "second")) {
                    await().atMost(LONG)
                            .until(() ->
                                    first.owned().size() == 2 && second.owned().size() == 2);
                    for (int i = 1; i < 50; i++) {
                        writeToAll(database, i);
                    }
                    await().atMost(LONG).until(() -> broker.arrived().size() == 50 * OUTBOXES);
                }
                await().atMost(LONG).until(() -> first.owned().size() == OUTBOXES);
                writeToAll(database, 50);
                await().atMost(LONG).until(() -> broker.arrived().size() == 51 * OUTBOXES);
            }
        }
        for (int outbox = 0; outbox < OUTBOXES; outbox++) {
            String topic = "topic-" + outbox;
            String prefix = outbox + ":";
            assertThat(broker.arrived().stream()
                            .filter(message -> message.destination().equals(topic))
                            .map(message -> new String(message.body(), StandardCharsets.UTF_8)))
                    .containsExactlyElementsOf(IntStream.rangeClosed(0, 50)
                            .mapToObj(number -> prefix + number)
                            .toList());
        }
    }
}
