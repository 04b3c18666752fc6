package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Operators' searches in an outbox of a million rows, a few of them pending: every page arrives soon, wherever it is.
 * The same applies to the relay's own fetches, by the only plan that they may have.
 */
class PagingTest {
    private static final Logger log = LoggerFactory.getLogger(PagingTest.class);
    private static final int ROWS = 1_000_000;
    private static final int PENDING = 10_000;
    /** A call stops searching after 700 ms, but finishes what it has begun. */
    private static final Duration BOUND = Duration.ofMillis(2_500);

    @Test
    void H26_onPostgres() throws Exception {
        everyPageComesSoon(Database.POSTGRESQL, """
                insert into orders (event_id, event_type, event_key, payload, status, created_at, updated_at, last_error)
                select 'event-' || i, 'type-' || i %% 10, 'key-' || i %% 50000, repeat('x', 100),
                    case when i %% 10000 = 0 then 'dead' when i > %d then 'pending' else 'published' end,
                    now() - (%d - i) * interval '1 second', now(),
                    case when i %% 10000 = 0 then 'order ' || i || ' is too large' end
                from generate_series(1, %2$d) i
                """.formatted(ROWS - PENDING, ROWS));
    }

    @Test
    void H26_onMariaDb() throws Exception {
        everyPageComesSoon(Database.MARIADB, """
                insert into orders (event_id, event_type, event_key, payload, status, created_at, updated_at, last_error)
                select concat('event-', seq), concat('type-', seq %% 10), concat('key-', seq %% 50000), repeat('x', 100),
                    case when seq %% 10000 = 0 then 'dead' when seq > %d then 'pending' else 'published' end,
                    utc_timestamp(6) - interval (%d - seq) second, utc_timestamp(6),
                    case when seq %% 10000 = 0 then concat('order ', seq, ' is too large') end
                from seq_1_to_%2$d
                """.formatted(ROWS - PENDING, ROWS));
    }

    private static void everyPageComesSoon(Database kind, String fill) throws Exception {
        OutboxDefinition orders = OutboxDefinition.named("orders")
                .table("orders")
                .route(Route.to("orders"))
                .types("type-1");
        Catalog catalog = Catalog.of(orders);
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Schema.create(database.dataSource(), catalog);
            database.execute(fill);
            StoreOutboxAdmin admin =
                    Stores.in(database.dataSource()).admin(catalog).outbox("orders");
            Instant end = admin.find(ROWS).orElseThrow().createdAt();
            page(admin, "newest", EventFilter.all(), 50);
            page(admin, "in the middle", EventFilter.all(), 50, ROWS / 2L);
            page(admin, "pending", EventFilter.status(Status.PENDING), 50);
            page(admin, "dead", EventFilter.status(Status.DEAD), 50);
            if (kind == Database.POSTGRESQL) {
                String used = "select idx_scan from pg_stat_user_indexes where indexrelname = 'orders_dead_in_order'";
                await().until(() -> database.count(used) > 0);
            }
            page(admin, "by event id", EventFilter.all().eventId("event-4711"), 1);
            page(
                    admin,
                    "by time",
                    EventFilter.all().from(end.minusSeconds(ROWS / 2)).to(end.minusSeconds(ROWS / 2 - 1000)),
                    50);
            page(admin, "dead by error", EventFilter.status(Status.DEAD).error("order 10000 "), 1);
            assertThat(all(admin, "by key", EventFilter.all().key("key-77"))).hasSize(ROWS / 50_000);
            assertThat(all(admin, "by error", EventFilter.all().error("order 70000 ")))
                    .hasSize(1);
            assertThat(all(admin, "by type, none", EventFilter.all().type("none")))
                    .isEmpty();
            assertThat(timed(3, kind + " errors", () -> admin.errors()))
                    .hasSize(1) // a single type in this data: 10000 is divisible by 10
                    .allSatisfy(group -> assertThat(group.events()).isEqualTo(ROWS / 10_000));
            PlansTest.analyze(database);
            PlansTest.assertServedByThePendingIndex(database);
        }
    }

    private static void page(StoreOutboxAdmin admin, String what, EventFilter search, int found, Long... before) {
        Long start = before.length == 0 ? null : before[0];
        FoundPage page = timed(3, what, () -> admin.search(search, start, 50));
        assertThat(page.events()).as(what).hasSize(found);
    }

    /** Reads as many pages as it takes, each of them within the bound. */
    private static List<Long> all(StoreOutboxAdmin admin, String what, EventFilter search) {
        List<Long> ids = new ArrayList<>();
        Long before = null;
        int calls = 0;
        long start = System.nanoTime();
        do {
            Long from = before;
            FoundPage page = timed(1, what, () -> admin.search(search, from, 50));
            page.events().forEach(event -> ids.add(event.position()));
            before = page.next();
            calls++;
        } while (before != null);
        log.info("{}: {} calls, {} ms for all million rows", what, calls, (System.nanoTime() - start) / 1_000_000);
        return ids;
    }

    /** The median is bounded: a single run may hit a busy moment of the machine. */
    private static <T> T timed(int times, String what, Supplier<T> work) {
        long[] nanos = new long[times];
        T result = null;
        for (int i = 0; i < nanos.length; i++) {
            long start = System.nanoTime();
            result = work.get();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        log.info(String.format(Locale.ROOT, "%-20s %6.1f ms", what, nanos[times / 2] / 1e6));
        assertThat(Duration.ofNanos(nanos[times / 2])).as(what).isLessThan(BOUND);
        return java.util.Objects.requireNonNull(result);
    }
}
