package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.ExistingTables;
import dev.posthaste.servers.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Operators search and change existing tables, whatever their columns, codes and time zones. */
class ExistingTablesAdminTest {
    @ParameterizedTest
    @CsvSource({
        "MARIADB, OUTBOX_EVENTS",
        "MARIADB, AGENT_OUTBOX_MESSAGES",
        "MYSQL, OUTBOX_EVENTS",
        "MYSQL, AGENT_OUTBOX_MESSAGES"
    })
    void operatorsLookAndMend(Database kind, ExistingTables table) throws Exception {
        OutboxDefinition outbox = ExistingTablesTest.orders(table, Route.to("orders-topic"), "order.placed");
        Catalog catalog = Catalog.of(outbox);
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            table.create(database);
            Schema.create(database.dataSource(), catalog);
            try (Connection connection = database.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                for (int i = 0; i < 5; i++) {
                    JdbcOutbox.of(catalog)
                            .write(
                                    connection,
                                    Event.of(
                                                    "order.placed",
                                                    EventTable.of(outbox).has(Column.KEY) ? "k" + i : null,
                                                    "{\"order\":" + i + "}")
                                            .id("event-" + i));
                }
                connection.commit();
            }
            StoreOutboxAdmin admin =
                    Stores.in(database.dataSource()).admin(catalog).outbox("orders");
            List<Long> ids = admin.search(EventFilter.all(), null, 10).events().stream()
                    .map(each -> each.position())
                    .sorted()
                    .toList();
            mark(database, outbox, ids.get(1), Status.PUBLISHED);
            mark(database, outbox, ids.get(2), Status.DEAD);
            mark(database, outbox, ids.get(3), Status.DEAD);

            FoundEvent one = admin.find(ids.get(2)).orElseThrow();
            assertThat(one.eventId()).isEqualTo("event-2");
            assertThat(one.status()).isEqualTo(Status.DEAD);
            assertThat(new String(one.payload(), StandardCharsets.UTF_8).replace(" ", ""))
                    .isEqualTo("{\"order\":2}");
            assertThat(one.createdAt())
                    .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(5));
            assertThat(found(admin, EventFilter.all().eventId("event-4"))).containsExactly(ids.get(4));
            assertThat(found(admin, EventFilter.all().eventId("event"))).isEmpty();
            assertThat(found(admin, EventFilter.status(Status.PENDING))).containsExactly(ids.get(4), ids.get(0));
            assertThat(found(admin, EventFilter.status(Status.PUBLISHED))).containsExactly(ids.get(1));
            assertThat(found(admin, EventFilter.all().from(Instant.now().minusSeconds(60))))
                    .hasSize(5);
            assertThat(found(admin, EventFilter.all().from(Instant.now().plusSeconds(5))))
                    .isEmpty();
            assertThat(found(admin, EventFilter.all().error("TOO large"))).hasSize(2);
            assertThat(admin.errors())
                    .singleElement()
                    .satisfies(group -> assertThat(group.events()).isEqualTo(2));
            assertThat(admin.backlog().dead()).isEqualTo(2);

            assertThat(admin.requeue(EventFilter.positions(ids.get(2)), Change.by("ada", "try again"))
                            .events())
                    .isEqualTo(1);
            assertThat(admin.discard(
                                    EventFilter.positions(ids.stream()
                                            .mapToLong(Long::longValue)
                                            .toArray()),
                                    Change.by("ada", "a test"))
                            .events())
                    .isEqualTo(1);
            assertThat(admin.audit(ids.get(3), null, 1).get(0).detail()).contains("order", "too large");
            assertThat(found(admin, EventFilter.all())).hasSize(4).doesNotContain(ids.get(3));
            admin.pause(Change.by("ada", "an upgrade"));
            assertThat(admin.lease().paused()).isTrue();
            assertThat(admin.dryRun(EventFilter.status(Status.PUBLISHED)).events())
                    .isEqualTo(1);
            Thread.sleep(1_100); // some of these tables store whole seconds
            assertThat(admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), Change.by("ada", "space"), done -> true)
                            .events())
                    .isEqualTo(1);
        }
    }

    private static List<Long> found(StoreOutboxAdmin admin, EventFilter search) {
        return admin.search(search, null, 50).events().stream()
                .map(each -> each.position())
                .toList();
    }

    private static void mark(TestDatabase database, OutboxDefinition outbox, long id, Status status) {
        String code = EventTable.of(outbox).code(status);
        database.execute(
                "update " + outbox.table() + " set " + EventTable.of(outbox).column(Column.STATUS) + " = '"
                        + code + "', " + EventTable.of(outbox).column(Column.LAST_ERROR) + " = "
                        + (status == Status.DEAD ? "'order " + id + " is too large'" : "null") + " where "
                        + EventTable.of(outbox).column(Column.ID) + " = " + id);
    }
}
