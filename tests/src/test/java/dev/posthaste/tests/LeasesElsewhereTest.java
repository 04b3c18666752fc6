package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

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
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Leases in a different schema from the outboxes; {@code ForeignWritersTest} covers databases where a schema is a
 * database.
 */
class LeasesElsewhereTest {
    private static final Catalog CATALOG = Catalog.of(OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("orders-topic"))
            .types("order.placed"));

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "H2"})
    void aRelayKeepsItsLeasesWhereItIsTold(Database kind) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Schema.create(database.dataSource(), CATALOG);
            database.execute("drop table posthaste_lease");
            database.execute("drop table posthaste_relay");
            database.execute("create schema \"elsewhere\"");
            RecordingBroker broker = new RecordingBroker();
            Relay.Builder builder = Relay.builder(database.dataSource(), CATALOG, broker);
            try (Relay lost = builder.build()) {
                assertThatThrownBy(lost::start).hasMessageContaining("table posthaste_lease is missing");
            }
            builder.leasesIn("elsewhere");
            try (Relay early = builder.build()) {
                assertThatThrownBy(early::start).hasMessageContaining("table elsewhere.posthaste_lease is missing");
            }
            Schema.createLeases(database.dataSource(), "elsewhere");
            try (Relay relay = builder.build().start();
                    Connection connection = database.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                JdbcOutbox.of(CATALOG).write(connection, Event.of("order.placed", "k", "x"));
                connection.commit();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> database.count("select count(*) from \"orders\" where status = 'published'") == 1);
                assertThat(relay.owned()).containsExactly("orders");
                assertThat(database.query("select outbox from \"elsewhere\".posthaste_lease"))
                        .containsExactly("orders");
            }
        }
    }
}
