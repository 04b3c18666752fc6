package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.ExistingTables;
import dev.posthaste.servers.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a relay's statements read in tables that have no index for them except one that begins with the status: counted
 * by the server, because here the server chooses the plan.
 */
class ExistingTablesPlansTest {
    private static final int ROWS = 100_000;
    private static final int SEED = 1_000;

    static Stream<Arguments> tables() {
        return Stream.of(Database.MARIADB, Database.MYSQL)
                .flatMap(kind -> Stream.of(ExistingTables.values()).map(table -> Arguments.of(kind, table)));
    }

    private static void fill(TestDatabase database, ExistingTables table, String pending) {
        database.execute("create table seeds (n int)");
        StringBuilder values = new StringBuilder("insert into seeds values (0)");
        for (int i = 1; i < SEED; i++) {
            values.append(", (").append(i).append(')');
        }
        database.execute(values.toString());
        String text = "{\"text\":\"" + "x".repeat(300) + "\"}";
        String seeds = " from seeds a join seeds b on b.n < " + ROWS / SEED;
        if (table == ExistingTables.OUTBOX_EVENTS) {
            database.execute("insert into outbox_events (event_id, event_type, exchange, routing_key, payload, status)"
                    + " select concat(a.n, '-', b.n), 't', 'x', 'r', '" + text + "', if(" + pending + ", 0, 1)"
                    + seeds);
        } else {
            database.execute("insert into agent_outbox_messages (biz_type, topic, message_key, payload, status,"
                    + " next_retry_at, created_at, updated_at, published_at) select 't', 'x', concat('k-', a.n),"
                    + " '{\"payload\":" + text + "}', if(" + pending + ", 'pending', 'published'),"
                    + " if(" + pending + ", now(3), null), now(3), now(3), now(3)" + seeds);
        }
    }

    /** The rows that the work read, as counted by the server. */
    private static long read(TestDatabase database, Runnable work) {
        long before = handlerReads(database);
        work.run();
        return handlerReads(database) - before;
    }

    private static long handlerReads(TestDatabase database) {
        return database
                .query("show global status where variable_name in"
                        + " ('Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd', 'Handler_read_rnd_next')")
                .stream()
                .mapToLong(row -> Long.parseLong(row.substring(row.indexOf('|') + 1)))
                .sum();
    }

    private static void check(Database kind, TestDatabase database, ExistingTables table) {
        OutboxDefinition outbox = ExistingTablesTest.orders(table, Route.to("x"), "t");
        RowStore store =
                new RowStore(database.dataSource(), kind == Database.MYSQL ? Dialect.MYSQL : Dialect.MARIADB, outbox);
        long highest = database.count("select max(id) from " + table.table());
        long few = 12_000;
        assertThat(read(database, () -> store.fetch(0, 1000, Long.MAX_VALUE)))
                .as("first fetch")
                .isLessThan(few);
        assertThat(read(database, () -> store.fetch(highest, 64, Long.MAX_VALUE)))
                .as("fetch when idle")
                .isLessThan(few);
        assertThat(read(database, () -> store.scan(0, highest, 1000)))
                .as("sweep")
                .isLessThan(few);
        assertThat(read(database, () -> store.scan(highest / 2, highest, 1000)))
                .as("catching up")
                .isLessThan(few);
        assertThat(read(database, () -> store.load(List.of(highest - 5, highest), Long.MAX_VALUE)))
                .as("load")
                .isLessThan(few);
        assertThat(read(database, () -> store.forget(new RetentionRule(Duration.ofDays(1), false), 0, 1000)))
                .as("retention")
                .isLessThan(few);
    }

    private static void analyze(TestDatabase database, ExistingTables table) {
        database.query("analyze table " + table.table());
    }

    @ParameterizedTest
    @MethodSource("tables")
    void H26_aFewPendingAmongManyPublished(Database kind, ExistingTables table) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            table.create(database);
            fill(database, table, "a.n = 7");
            analyze(database, table);
            check(kind, database, table);
        }
    }

    @ParameterizedTest
    @MethodSource("tables")
    void H26b_manyPendingBeforeAndAfterSomebodyAnalyses(Database kind, ExistingTables table) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            table.create(database);
            fill(database, table, "1 = 1");
            check(kind, database, table);
            analyze(database, table);
            check(kind, database, table);
        }
    }
}
