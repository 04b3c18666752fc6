package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/**
 * What each statement reads in a large table whose statistics do not know of the pending events: as much as it is asked
 * for, and not the backlog.
 */
class PlansAuditTest {
    private static final int PUBLISHED = 400_000;
    private static final int BATCH = 1_000;
    private static final int PENDING = 100_000;
    /** For a statement with 1,000 ids: its rows, their old versions, and some for checks. */
    private static final long MAX_ROWS_READ = 10L * BATCH;

    private final RetryPolicy retry = RetryPolicy.exponential();

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void A08_aStatementReadsTheRowsItIsAskedForAndNotTheBacklog(Database kind) throws Exception {
        try (TestDatabase database = PlansTest.outbox(kind);
                HikariDataSource pool = database.pool(1)) {
            forgetStatistics(database);
            Dialect dialect;
            try (Connection connection = pool.getConnection()) {
                dialect = Dialect.of(connection);
            }
            OutboxDefinition orders = PlansTest.ORDERS;
            RowStore store = new RowStore(pool, dialect, orders);
            RowStore tracked = new RowStore(pool, dialect, orders.tracked(true));
            Claim claim = Objects.requireNonNull(
                    new LeaseTable(pool, dialect).take("orders", "me", null, Duration.ofMinutes(10)));
            lookingIntoManyRangesReadsWhatIsPendingInThem(pool, store);
            Ids ids = new Ids();
            // A dozen times each: a prepared statement gets its generic plan late.
            for (int i = 0; i < 12; i++) {
                readsLittle(
                        pool,
                        "settle",
                        () -> store.settle(claim, published(ids.next())).written());
                readsLittle(
                        pool,
                        "settle what may be locked",
                        () -> tracked.settle(claim, published(ids.next())).written());
                readsLittle(
                        pool,
                        "load",
                        () -> store.load(ids.next(), Long.MAX_VALUE).size());
                List<Long> handled = ids.next();
                readsLittle(
                        pool,
                        "receive",
                        () -> tracked.receive(consumed(handled), RefusalPolicy.of(retry, new Random(1)))
                                .changed());
                readsLittle(
                        pool,
                        "delete",
                        () -> tracked.forget(new RetentionRule(Duration.ZERO, false), handled.get(0) - 1, BATCH)
                                .events());
            }
            List<Long> few = ids.next().subList(0, 100);
            readsLittle(
                    pool,
                    "settle refused ones",
                    100,
                    () -> store.settle(claim, dead(few)).written());
            readsLittle(pool, "requeue", 100, () -> store.requeue(few));
        }
    }

    /** Must run first: settling leaves old versions of rows behind. */
    private static void lookingIntoManyRangesReadsWhatIsPendingInThem(DataSource pool, RowStore store)
            throws SQLException {
        List<IdRange> ranges = new ArrayList<>();
        for (int i = 0; i < 300; i++) { // among published events
            ranges.add(new IdRange(i * 1_000L + 1, i * 1_000L + 500));
        }
        for (int i = 0; i < 200; i++) { // among pending events
            ranges.add(new IdRange(PUBLISHED + 101L + i * 400, PUBLISHED + 103L + i * 400));
        }
        List<Long> expected = LongStream.range(0, 200)
                .flatMap(i -> LongStream.rangeClosed(PUBLISHED + 101 + i * 400, PUBLISHED + 103 + i * 400))
                .boxed()
                .toList();
        for (int i = 0; i < 12; i++) {
            readsLittle(pool, "scan ranges", expected.size(), () -> {
                List<PendingRef> marks = store.scan(ranges, 10_000);
                assertThat(marks).extracting(PendingRef::id).isEqualTo(expected);
                return marks.size();
            });
        }
        assertThat(store.scan(ranges, 7)).extracting(PendingRef::id).isEqualTo(expected.subList(0, 7));
    }

    /**
     * PostgreSQL knows everything except the backlog that is written afterwards. The others are made to believe that
     * the table is tiny, as MariaDB may after a restart, so that reading all of it looks cheap.
     */
    private static void forgetStatistics(TestDatabase database) throws SQLException {
        if (database.kind() == Database.POSTGRESQL) {
            database.execute("alter table orders set (autovacuum_enabled = false)");
        } else {
            database.execute("alter table orders stats_auto_recalc = 0");
        }
        PlansTest.fill(database, 0, PUBLISHED, "1 = 0");
        PlansTest.analyze(database);
        PlansTest.fill(database, PUBLISHED, PUBLISHED + PENDING, "1 = 1");
        if (database.kind() != Database.POSTGRESQL) {
            String ours = " where database_name = '" + database.name() + "' and table_name = 'orders'";
            database.execute("update mysql.innodb_table_stats set n_rows = 10, clustered_index_size = 1" + ours);
            database.execute("update mysql.innodb_index_stats set stat_value = 1" + ours);
            database.execute("flush tables orders");
        }
    }

    /** The ids of pending events, a thousand at a time. */
    private static final class Ids {
        private long next = PUBLISHED + 1;

        List<Long> next() {
            long from = next;
            next += BATCH;
            return LongStream.range(from, next).boxed().toList();
        }
    }

    private static List<Verdict> published(List<Long> ids) {
        return ids.stream().<Verdict>map(id -> new Verdict.Published(id, 0)).toList();
    }

    private static List<Verdict> dead(List<Long> ids) {
        return ids.stream().<Verdict>map(id -> new Verdict.Dead(id, 0, "no")).toList();
    }

    private static List<Receipt> consumed(List<Long> ids) {
        return ids.stream()
                .<Receipt>map(id -> new Receipt.Consumed("orders", id, "e-" + (id - 1)))
                .toList();
    }

    private static void readsLittle(DataSource pool, String what, Supplier<Integer> work) throws SQLException {
        readsLittle(pool, what, BATCH, work);
    }

    private static void readsLittle(DataSource pool, String what, int rows, Supplier<Integer> work)
            throws SQLException {
        long before = rowsRead(pool);
        assertThat(work.get()).as(what).isEqualTo(rows);
        assertThat(rowsRead(pool) - before).as("rows read to " + what).isLessThan(MAX_ROWS_READ);
    }

    /** The rows read by the pool's only connection, or in the table. */
    private static long rowsRead(DataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            boolean postgres = Dialect.of(connection) == Dialect.POSTGRESQL;
            if (postgres) {
                statement.execute("select pg_stat_force_next_flush()");
            }
            try (ResultSet rows = statement.executeQuery(postgres ? """
                            select sum(idx_tup_read) + (select seq_tup_read from pg_stat_user_tables
                                where relname = 'orders')
                            from pg_stat_user_indexes where relname = 'orders'
                            """ : "show session status like 'Handler_read%'")) {
                long read = 0;
                while (rows.next()) {
                    read += rows.getLong(postgres ? 1 : 2);
                }
                return read;
            }
        }
    }
}
