package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.ReplaySelection;
import dev.posthaste.admin.Search;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.EventTable.Column;
import dev.posthaste.jdbc.RowOperatorStore;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Operators look and mend in tables that exist already, whatever their columns, codes and clocks. */
class ExistingTablesAdminTest {
    @ParameterizedTest
    @CsvSource({
        "MARIADB, OUTBOX_EVENTS",
        "MARIADB, AGENT_OUTBOX_MESSAGES",
        "MYSQL, OUTBOX_EVENTS",
        "MYSQL, AGENT_OUTBOX_MESSAGES"
    })
    void operatorsLookAndMend(Database kind, ExistingTables table) throws Exception {
        OutboxDefinition outbox = table.outbox("orders", Route.to("orders-topic"), "order.placed");
        Catalog catalog = Catalog.of(outbox);
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            table.create(database);
            Schema.create(database.dataSource(), catalog);
            Dialect dialect;
            try (Connection connection = database.dataSource().getConnection()) {
                dialect = Dialect.of(connection);
                connection.setAutoCommit(false);
                for (int i = 0; i < 5; i++) {
                    JdbcOutbox.of(catalog)
                            .write(
                                    connection,
                                    Event.of(
                                                    "order.placed",
                                                    outbox.eventTable().has(Column.KEY) ? "k" + i : null,
                                                    "{\"order\":" + i + "}")
                                            .id("event-" + i));
                }
                connection.commit();
            }
            Admin admin = new Admin(RowOperatorStore.all(database.dataSource(), dialect, catalog, null));
            List<Long> ids = admin.search("orders", Search.ALL, null, 10).events().stream()
                    .map(each -> each.id())
                    .sorted()
                    .toList();
            mark(database, outbox, ids.get(1), Status.PUBLISHED);
            mark(database, outbox, ids.get(2), Status.DEAD);
            mark(database, outbox, ids.get(3), Status.DEAD);

            EventDetails one = admin.find("orders", ids.get(2)).orElseThrow();
            assertThat(one.event().eventId()).isEqualTo("event-2");
            assertThat(one.event().status()).isEqualTo(Status.DEAD);
            assertThat(new String(one.stored().payload(), StandardCharsets.UTF_8).replace(" ", ""))
                    .isEqualTo("{\"order\":2}");
            assertThat(one.event().createdAt())
                    .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(5));
            assertThat(found(admin, Search.ALL.withEventId("event-4"))).containsExactly(ids.get(4));
            assertThat(found(admin, Search.ALL.withEventId("event"))).isEmpty();
            assertThat(found(admin, Search.ALL.withStatus(Status.PENDING))).containsExactly(ids.get(4), ids.get(0));
            assertThat(found(admin, Search.ALL.withStatus(Status.PUBLISHED))).containsExactly(ids.get(1));
            assertThat(found(admin, Search.ALL.written(Instant.now().minusSeconds(60), null)))
                    .hasSize(5);
            assertThat(found(admin, Search.ALL.written(Instant.now().plusSeconds(5), null)))
                    .isEmpty();
            assertThat(found(admin, Search.ALL.withError("TOO large"))).hasSize(2);
            assertThat(admin.errors("orders"))
                    .singleElement()
                    .satisfies(group -> assertThat(group.events()).isEqualTo(2));
            assertThat(admin.backlog("orders").dead()).isEqualTo(2);

            assertThat(admin.requeue("orders", List.of(ids.get(2)), Change.by("ada", "try again"))
                            .events())
                    .isEqualTo(1);
            assertThat(admin.discard("orders", ids, Change.by("ada", "a test")).events())
                    .isEqualTo(1);
            assertThat(admin.audit("orders", ids.get(3), null, 1).get(0).detail())
                    .contains("order", "too large");
            assertThat(found(admin, Search.ALL)).hasSize(4).doesNotContain(ids.get(3));
            admin.pause("orders", Change.by("ada", "an upgrade"));
            assertThat(admin.lease("orders").paused()).isTrue();
            assertThat(admin.dryRun("orders", ReplaySelection.of(Search.ALL.withStatus(Status.PUBLISHED)), done -> true)
                            .events())
                    .isEqualTo(1);
            Thread.sleep(1_100); // some of these tables count in seconds
            assertThat(admin.purge(
                                    "orders",
                                    Duration.ZERO,
                                    Set.of(Status.PUBLISHED),
                                    Change.by("ada", "space"),
                                    done -> true)
                            .events())
                    .isEqualTo(1);
        }
    }

    private static List<Long> found(Admin admin, Search search) {
        return admin.search("orders", search, null, 50).events().stream()
                .map(each -> each.id())
                .toList();
    }

    private static void mark(TestDatabase database, OutboxDefinition outbox, long id, Status status) {
        String code = outbox.eventTable().code(status);
        database.execute(
                "update " + outbox.table() + " set " + outbox.eventTable().column(Column.STATUS) + " = '"
                        + code + "', " + outbox.eventTable().column(Column.LAST_ERROR) + " = "
                        + (status == Status.DEAD ? "'order " + id + " is too large'" : "null") + " where "
                        + outbox.eventTable().column(Column.ID) + " = " + id);
    }
}
