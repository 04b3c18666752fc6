package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.LONG;
import static dev.posthaste.tests.TestOutbox.ORDERS;
import static dev.posthaste.tests.TestOutbox.QUICK_LEASE;
import static dev.posthaste.tests.TestOutbox.QUICK_PUBLISH;
import static dev.posthaste.tests.TestOutbox.TYPE;
import static dev.posthaste.tests.TestOutbox.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.RecordingBroker;
import dev.posthaste.tests.TestOutbox.Rows;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** Audit findings of November 2026: failures around a relay that stopped an outbox. */
class RelayAuditTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    // --- 6 -----------------------------------------------------------------------------------------------------------

    private static Stream<Supplier<Throwable>> throwables() {
        return Stream.of(
                named("RuntimeException", () -> new IllegalStateException("thrown by the test")),
                named("Error", () -> new StackOverflowError("thrown by the test")));
    }

    private static Supplier<Throwable> named(String name, Supplier<Throwable> throwable) {
        return new Supplier<>() {
            @Override
            public Throwable get() {
                return throwable.get();
            }

            @Override
            public String toString() {
                return name;
            }
        };
    }

    @ParameterizedTest
    @MethodSource("throwables")
    void A06_aListenerThatThrowsOnceFromEachMethodStopsNothing(Supplier<Throwable> throwable) throws Exception {
        Set<String> called = ConcurrentHashMap.newKeySet();
        RelayListener listener = Intercepted.of(EngineListener.class, EngineListener.NONE, (method, call) -> {
            if (called.add(method)) {
                throw throwable.get();
            }
            return call.proceed();
        });
        everythingElseIsPublished(relay -> relay.listener(listener));
        assertThat(called).contains("leaseTaken", "fetched", "answered", "settled", "published");
    }

    @ParameterizedTest
    @MethodSource("throwables")
    void A06_aListenerThatAlwaysThrowsStopsNothing(Supplier<Throwable> throwable) throws Exception {
        RelayListener listener = Intercepted.of(EngineListener.class, EngineListener.NONE, (method, call) -> {
            throw throwable.get();
        });
        everythingElseIsPublished(relay -> relay.listener(listener));
    }

    @ParameterizedTest
    @MethodSource("throwables")
    void A06_aFormatThatThrowsForOneEventStopsNoOther(Supplier<Throwable> throwable) throws Exception {
        MessageFormat format = Intercepted.of(MessageFormat.class, MessageFormat.RAW, (method, call) -> {
            Object result = call.proceed();
            if (result instanceof Message message && "poison".equals(message.eventId())) {
                throw throwable.get();
            }
            return result;
        });
        everythingElseIsPublished(o -> TestOutbox.PATIENT.apply(o).format(format), relay -> relay);
    }

    @ParameterizedTest
    @MethodSource("throwables")
    void A06_aBrokerThatThrowsOnceStopsNothing(Supplier<Throwable> throwable) throws Exception {
        AtomicBoolean thrown = new AtomicBoolean();
        RecordingBroker arrivals = new RecordingBroker();
        Broker broker = Intercepted.of(Broker.class, arrivals, (method, call) -> {
            if (method.equals("publish") && thrown.compareAndSet(false, true)) {
                throw throwable.get();
            }
            return call.proceed();
        });
        everythingElseIsPublished(relay -> relay.broker("orders", broker));
        assertThat(thrown).isTrue();
    }

    /** Two relays, each with the failure. The event {@code poison} may be dead at the end; no thread may be. */
    private static void everythingElseIsPublished(Function<Relay.Builder, Relay.Builder> failing) throws Exception {
        everythingElseIsPublished(TestOutbox.PATIENT, failing);
    }

    private static void everythingElseIsPublished(
            UnaryOperator<OutboxDefinition> policy, Function<Relay.Builder, Relay.Builder> failing) throws Exception {
        Set<Thread> before = relayThreads();
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL)) {
            outbox.write(event("p", "poison"), event("p", "behind-poison"));
            outbox.fill(Rows.of("early", 50));
            Relay.Builder one = RelayTesting.measureEvery(
                    outbox.relay("one", policy).lease(QUICK_LEASE).publishTimeout(QUICK_PUBLISH),
                    Duration.ofMillis(100));
            Relay.Builder two = RelayTesting.measureEvery(
                    outbox.relay("two", policy).lease(QUICK_LEASE).publishTimeout(QUICK_PUBLISH),
                    Duration.ofMillis(100));
            try (Relay first = failing.apply(one).build().start();
                    Relay second = failing.apply(two).build().start()) {
                await("everything is settled")
                        .dontCatchUncaughtExceptions()
                        .atMost(SOON)
                        .until(() -> outbox.count("status = 'pending'") == 0);
                outbox.fill(Rows.of("late", 50));
                await("everything is settled")
                        .dontCatchUncaughtExceptions()
                        .atMost(SOON)
                        .until(() -> outbox.count("status = 'pending'") == 0);
                assertThat(outbox.database.query(
                                "select event_id from orders where status <> 'published' and event_id <> 'poison'"))
                        .isEmpty();
                assertThat(outbox.status("poison")).isIn("published", "dead");
                assertThat(first.owned().size() + second.owned().size()).isEqualTo(1);
                Set<Thread> now = relayThreads();
                now.removeAll(before);
                assertThat(now.stream().collect(Collectors.groupingBy(Thread::getName, Collectors.counting())))
                        .as("threads of two relays")
                        .containsAllEntriesOf(Map.of(
                                "posthaste-relay-orders", 2L,
                                "posthaste-relay-leases", 2L,
                                "posthaste-relay-housekeeping", 2L));
            }
        }
    }

    private static Set<Thread> relayThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive() && thread.getName().startsWith("posthaste-relay-"))
                .collect(Collectors.toCollection(HashSet::new));
    }

    // --- 11 ----------------------------------------------------------------------------------------------------------

    /** All databases in parallel, because most of the time is waiting. */
    @Test
    void A11_rowsThatAnotherSessionHoldsLockedAreSentAFewTimesAndSettledAfterwards() throws Exception {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = Stream.of(Database.POSTGRESQL, Database.MARIADB, Database.MYSQL)
                .map(kind -> new Thread(() -> {
                    try {
                        settlesLockedRowsAfterTheLock(kind);
                    } catch (Exception | AssertionError e) {
                        failures.add(new AssertionError("on " + kind, e));
                    }
                }))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    private static void settlesLockedRowsAfterTheLock(Database kind) throws Exception {
        Duration lock = Duration.ofSeconds(15);
        try (TestOutbox outbox = TestOutbox.on(kind);
                Connection other = outbox.begin();
                Statement statement = other.createStatement()) {
            outbox.fill(Rows.of("locked", 300));
            outbox.fill(Rows.of("free", 300));
            other.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            for (String id : outbox.database.query("select id from orders where event_id like 'locked-%'")) {
                statement.execute("select id from orders where id = " + id + " for update");
            }
            try (Relay relay = outbox.relay("me").build().start()) {
                long unlockAt = System.nanoTime() + lock.toNanos();
                await(kind + ": the other events are settled")
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> outbox.count("status = 'published'") == 300);
                await().atMost(lock.multipliedBy(2)).until(() -> System.nanoTime() - unlockAt > 0);
                assertThat(outbox.count("status = 'published'")).isEqualTo(300);
                other.rollback();
                outbox.awaitNothingPending(LONG);
                assertThat(relay.owned()).containsExactly("orders");
            }
            Map<String, Long> sent = outbox.broker.attempts().stream()
                    .collect(Collectors.groupingBy(RecordingBroker::body, Collectors.counting()));
            assertThat(sent).hasSize(600);
            assertThat(sent.values()).as("how often each event was sent").allMatch(times -> times <= 3);
        }
    }

    // --- 13 of the second audit --------------------------------------------------------------------------------------

    @Test
    void B13_aDestinationOfANewerCatalogIsRetriedByPolicyUntilARelayKnowsIt() throws Exception {
        OutboxDefinition newer = ORDERS.allowedDestinations("orders-v2");
        UnaryOperator<OutboxDefinition> patient =
                o -> o.retry(RetryPolicy.fixed(Duration.ofMillis(200)).attempts(1_000));
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL)) {
            try (Connection connection = outbox.begin()) {
                JdbcOutbox.of(Catalog.of(newer))
                        .write(
                                connection,
                                List.of(
                                        Event.of(TYPE, "K", "v1").id("v1").destination("orders-v2"),
                                        event("K", "v2"),
                                        event("other", "other")));
                connection.commit();
            }
            try (Relay old = outbox.relay("old", patient).build().start()) {
                outbox.awaitPublished("other", SOON);
                await("attempts are counted")
                        .atMost(SOON)
                        .until(() -> outbox.count("event_id = 'v1' and attempts >= 2") == 1);
                assertThat(outbox.status("v1")).isEqualTo("pending");
                assertThat(outbox.status("v2")).as("behind v1").isEqualTo("pending");
                assertThat(outbox.database.query("select last_error from orders where event_id = 'v1'"))
                        .singleElement()
                        .asString()
                        .contains("orders-v2");
                assertThat(old.owned()).containsExactly("orders");
            }
            try (Relay upgraded = Relay.builder(
                            outbox.database.pool(4), Catalog.of(newer).all(patient), outbox.broker)
                    .name("upgraded")
                    .build()
                    .start()) {
                outbox.awaitPublished("v2", SOON);
                assertThat(upgraded.owned()).containsExactly("orders");
            }
            assertThat(outbox.broker.bodies()).containsExactly("other", "v1", "v2");
        }
    }

    @Test
    void B13_aDestinationThatNoRelayKnowsIsDeadAfterThePolicysLastAttempt() throws Exception {
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL)) {
            outbox.write("K", "v1");
            outbox.database.execute("update orders set destination = 'orders-v2'");
            try (Relay relay = outbox.relay("me").build().start()) {
                outbox.awaitStatus("v1", "dead", SOON);
                assertThat(outbox.count("attempts = 3")).isEqualTo(1);
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
    }

    // --- 20 of the second audit --------------------------------------------------------------------------------------

    /** Two outboxes, so that the second relay takes one of them over from the first. */
    @Test
    void B20_aRelayThatDoesNotKnowOfReceiptsDeletesNothingThatStillWaitsForThem() throws Exception {
        OutboxDefinition invoices = OutboxDefinition.named("invoices")
                .table("invoices")
                .route(Route.to("invoices-topic"))
                .types("invoice.sent");
        UnaryOperator<OutboxDefinition> brief = o -> o.keep(Duration.ofMillis(500));
        AtomicInteger measured = new AtomicInteger();
        RelayListener listener = Intercepted.of(EngineListener.class, EngineListener.NONE, (method, call) -> {
            measured.addAndGet(method.equals("measured") ? 1 : 0);
            return call.proceed();
        });
        String published = "select count(*) from %s where status = 'published'"
                + " and published_at < clock_timestamp() - interval '1 second'";
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger("dev.posthaste");
        log.start();
        logger.addAppender(log);
        try (TestOutbox outbox = TestOutbox.on(Database.POSTGRESQL, ORDERS.tracked(true), invoices.tracked(true));
                Relay tracking = outbox.relay("tracking", brief)
                        .lease(QUICK_LEASE)
                        .publishTimeout(QUICK_PUBLISH)
                        .build()
                        .start()) {
            for (int i = 0; i < 10; i++) {
                outbox.write(event("K", "order-" + i), Event.of("invoice.sent", "K", "invoice-" + i));
            }
            await("both were published a second ago")
                    .atMost(SOON)
                    .until(() -> Stream.of("orders", "invoices")
                            .allMatch(table -> outbox.database.count(published.formatted(table)) == 10));
            try (Relay untracking = RelayTesting.measureEvery(
                            Relay.builder(
                                            outbox.database.pool(4),
                                            Catalog.of(ORDERS, invoices).all(brief),
                                            outbox.broker)
                                    .name("untracking")
                                    .lease(QUICK_LEASE)
                                    .publishTimeout(QUICK_PUBLISH),
                            Duration.ofMillis(100))
                    .listener(listener)
                    .build()
                    .start()) {
                await().atMost(SOON).until(() -> untracking.owned().size() == 1);
                int before = measured.get();
                await("its housekeeping ran a few times").atMost(SOON).until(() -> measured.get() >= before + 3);
                assertThat(tracking.owned()).hasSize(1);
                for (String table : List.of("orders", "invoices")) {
                    assertThat(outbox.database.count(published.formatted(table)))
                            .as(table)
                            .isEqualTo(10);
                }
                String taken = untracking.owned().iterator().next();
                assertThat(log.list.stream()
                                .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
                                .map(event -> event.getFormattedMessage().toLowerCase(Locale.ROOT)))
                        .as("a warning that names the outbox")
                        .anyMatch(text -> text.contains(taken) && text.matches(".*(receipt|track|consum).*"));
            }
        } finally {
            logger.detachAppender(log);
        }
    }

    // --- 8 of the second audit ---------------------------------------------------------------------------------------

    /** After a planned fail-over the old connections lead to a server that is read-only, new ones to the new primary. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void B08_connectionsThatBecameReadOnlyAreReplaced(Database kind) throws Exception {
        AtomicInteger failOvers = new AtomicInteger();
        try (TestOutbox outbox = TestOutbox.on(kind);
                HikariDataSource pool = poolThatFailsOver(outbox.database.url(), kind, failOvers);
                Relay relay = Relay.builder(pool, outbox.catalog, outbox.broker)
                        .name("me")
                        .lease(QUICK_LEASE)
                        .publishTimeout(QUICK_PUBLISH)
                        .build()
                        .start()) {
            outbox.write("K", "before");
            outbox.awaitPublished("before", LONG);
            await("every connection is open")
                    .atMost(LONG)
                    .until(() -> pool.getHikariPoolMXBean().getTotalConnections() == 4);
            for (int i = 1; i <= 2; i++) {
                failOvers.set(i);
                outbox.write("K", "after-" + i);
                outbox.awaitPublished("after-" + i, SOON);
            }
            assertThat(relay.owned()).containsExactly("orders");
        }
    }

    /**
     * A connection belongs to the server at the time of its opening, and turns read-only at its first use after a
     * fail-over.
     */
    private static HikariDataSource poolThatFailsOver(String url, Database kind, AtomicInteger failOvers) {
        String readOnly = kind == Database.POSTGRESQL
                ? "set session characteristics as transaction read only"
                : "set session transaction read only";
        HikariConfig config = new HikariConfig();
        config.setDataSource(Intercepted.of(DataSource.class, new HikariDataSource(), (method, call) -> {
            if (!method.equals("getConnection")) {
                return call.proceed();
            }
            int opened = failOvers.get();
            return Intercepted.running(DriverManager.getConnection(url), readOnly, () -> failOvers.get() > opened);
        }));
        config.setMaximumPoolSize(4);
        config.setMinimumIdle(4);
        config.setConnectionTimeout(5_000);
        return new HikariDataSource(config);
    }

    // --- Suspicion 7 of the first audit ------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = {"POSTGRESQL", "MYSQL"})
    void S07_aDeadRelaysLeaseIsTakenThoughTheDatabasesClockWentBackAnHour(Database kind) throws Exception {
        String inAnHour = kind == Database.POSTGRESQL
                ? "clock_timestamp() + interval '1 hour'"
                : "utc_timestamp(6) + interval 1 hour";
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.write("K", "v1");
            outbox.database.execute("insert into posthaste_lease (outbox, owner, epoch, expires_at)"
                    + " values ('orders', 'dead', 7, " + inAnHour + ")");
            outbox.database.execute("insert into posthaste_relay (relay, outbox, expires_at)"
                    + " values ('dead', 'orders', " + inAnHour + ")");
            try (Relay relay = outbox.relay("alive")
                    .lease(QUICK_LEASE)
                    .publishTimeout(QUICK_PUBLISH)
                    .build()
                    .start()) {
                // Four leases, doubled for a slow machine.
                outbox.awaitPublished("v1", QUICK_LEASE.multipliedBy(8));
                assertThat(relay.owned()).containsExactly("orders");
                assertThat(outbox.database.count("select epoch from posthaste_lease"))
                        .isEqualTo(8);
            }
        }
    }
}
