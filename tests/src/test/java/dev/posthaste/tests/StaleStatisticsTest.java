package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.tests.TestOutbox.Rows;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A backlog is drained without reading it again for each batch, even if the statistics say that almost nothing is
 * pending. The measure is the rows that the server read, which does not depend on the machine's load.
 */
class StaleStatisticsTest {
    private static final Logger log = LoggerFactory.getLogger(StaleStatisticsTest.class);
    private static final int PUBLISHED = 500_000;
    private static final int BACKLOG = 50_000;
    /**
     * Rows read per event: to fetch it, to lock and to update it, and a few times while the others are searched for.
     */
    private static final double MAX_READS = 12;

    @Test
    void A08_withStaleStatisticsABacklogIsReadOnceOnPostgres() throws Exception {
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL)) {
            outbox.database.execute("alter table orders set (autovacuum_enabled = false)");
            outbox.fill(Rows.of("old", PUBLISHED).withStatus("published"));
            outbox.database.execute("analyze orders");
            outbox.fill(Rows.of("new", BACKLOG));
            drain(outbox, """
                    select (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'orders')
                      + (select sum(seq_tup_read) from pg_stat_user_tables where relname = 'orders')
                    """);
        }
    }

    /** As after a burst, or after the restart of a server that does not keep its statistics. */
    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void A08_withStaleStatisticsABacklogIsReadOnceOnInnoDb(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.database.execute("alter table orders stats_persistent = 1, stats_auto_recalc = 0");
            outbox.database.query("analyze table orders"); // while it is empty
            outbox.fill(Rows.of("old", PUBLISHED / 5).withStatus("published"));
            outbox.fill(Rows.of("new", BACKLOG));
            drain(
                    outbox,
                    "select cast(sum(variable_value) as unsigned) from "
                            + (kind == Database.MYSQL ? "performance_schema" : "information_schema")
                            + ".global_status where variable_name like 'Handler_read%'");
        }
    }

    private static void drain(TestOutbox outbox, String rowsRead) throws Exception {
        TestDatabase database = outbox.database;
        long before = database.count(rowsRead);
        try (HikariDataSource pool = database.pool(4)) {
            try (Relay relay =
                    Relay.builder(pool, outbox.catalog, outbox.broker).build().start()) {
                long start = System.nanoTime();
                await("the backlog is drained")
                        .atMost(Duration.ofMinutes(2))
                        .until(() -> outbox.broker.arrived().size() >= BACKLOG);
                log.info("{}: {} events in {} ms", database.kind(), BACKLOG, (System.nanoTime() - start) / 1_000_000);
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
        // Sessions report what they have read when they end.
        await("the relay's sessions have ended")
                .pollDelay(Duration.ofMillis(500))
                .until(() -> sessions(database) == 0);
        long read = database.count(rowsRead) - before;
        log.info("{}: {} rows read per event", database.kind(), (double) read / BACKLOG);
        assertThat(outbox.count("status = 'pending'")).isZero();
        assertThat((double) read / BACKLOG).as("rows read per event").isLessThan(MAX_READS);
    }

    private static long sessions(TestDatabase database) {
        return database.kind() == Database.POSTGRESQL
                ? database.count("select count(*) from pg_stat_activity where datname = current_database()"
                        + " and pid <> pg_backend_pid() and query like '%posthaste_lease%'")
                : 0;
    }
}
