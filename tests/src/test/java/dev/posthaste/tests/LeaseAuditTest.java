package dev.posthaste.tests;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.Change;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.jdbc.LeaseTable.Renewal;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.SettableClock;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What campaigns found about leases. */
class LeaseAuditTest {
    private static final OutboxDefinition ORDERS = OutboxDefinition.named("orders")
            .table("orders")
            .route(Route.to("t"))
            .types("order.placed");
    private static final Duration LEASE = Duration.ofMillis(600);

    /** As after some time without a writable database: the owner and the others are back in the same moment. */
    @ParameterizedTest
    @EnumSource(Database.class)
    void D02_aLeaseThatWasStaleAndIsRenewedInTheLastMomentStaysItsOwners(Database kind) throws Exception {
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Schema.create(database.dataSource(), Catalog.of(ORDERS));
            SettableClock clock = new SettableClock();
            ManualRelay owner = relay("owner", database.dataSource(), clock);
            owner.keepLeases();
            assertThat(owner.owns("orders")).isTrue();
            LeaseTable leases = new LeaseTable(database.dataSource(), dialect(database));
            AtomicInteger renewals = new AtomicInteger();
            ManualRelay other = relay(
                    "other",
                    beforeTaking(database.dataSource(), () -> {
                        assertThat(leases.renew(new Claim("orders", "owner", 1), Duration.ofMinutes(1)))
                                .isEqualTo(Renewal.RENEWED);
                        renewals.incrementAndGet();
                    }),
                    clock);
            other.keepLeases(); // sees the lease for the first time
            await("the lease expires").until(() -> leases.leases().stream().noneMatch(LeaseTable.Row::live));
            clock.advance(LEASE.multipliedBy(10));

            other.keepLeases();

            assertThat(renewals).hasValue(1);
            assertThat(other.owns("orders")).isFalse();
            assertThat(leases.leases())
                    .singleElement()
                    .satisfies(
                            row -> assertThat(row.owner() + " " + row.epoch()).isEqualTo("owner 1"));
        }
    }

    /** The look for free leases that is under way when a relay stops sees the one that its worker has just released. */
    @ParameterizedTest
    @EnumSource(Database.class)
    void C26_aLeaseThatIsTakenWhileTheRelayStopsIsGivenBack(Database kind) throws Exception {
        OutboxDefinition outbox = OutboxDefinition.named("stopping")
                .table("stopping")
                .route(Route.to("t"))
                .types("order.placed");
        try (TestDatabase database = DatabaseServer.of(kind).createDatabase()) {
            Schema.create(database.dataSource(), Catalog.of(outbox));
            LeaseTable leases = new LeaseTable(database.dataSource(), dialect(database));
            leases.release(requireNonNull(leases.take("stopping", "before", null, LEASE)));
            CountDownLatch aboutToTake = new CountDownLatch(1);
            DataSource watched = beforeTaking(database.dataSource(), () -> {
                aboutToTake.countDown();
                await("its worker ends")
                        .until(() -> Thread.getAllStackTraces().keySet().stream()
                                .noneMatch(thread -> thread.getName().equals("posthaste-relay-stopping")));
            });
            Relay relay = Relay.builder(watched, Catalog.of(outbox), LocalBroker.to())
                    .name("stopped")
                    .build()
                    .start();
            assertThat(aboutToTake.await(10, TimeUnit.SECONDS)).isTrue();

            relay.close();

            assertThat(leases.leases()).singleElement().satisfies(row -> {
                assertThat(row.epoch()).as("taken after all").isEqualTo(2);
                assertThat(row.owner()).isEmpty();
            });
        }
    }

    /** It was suspended, renewed its lease, and was suspended again before it could look whether the outbox is paused. */
    @ParameterizedTest
    @EnumSource(Database.class)
    void C29_aRelayThatRenewsBeforeItLooksSeesThatTheOutboxIsPaused(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            Duration lease = Duration.ofSeconds(30);
            SettableClock clock = new SettableClock();
            AtomicBoolean suspended = new AtomicBoolean();
            DataSource watched = before(outbox.database.dataSource(), "select outbox, owner, epoch", () -> {
                if (suspended.get()) {
                    throw new SQLException("it does not come to look");
                }
            });
            ManualRelay relay =
                    RelayTesting.manual(RelayTesting.clock(Relay.builder(watched, outbox.catalog, outbox.broker), clock)
                            .lease(lease));
            relay.keepLeases();
            assertThat(relay.owns("orders")).isTrue();
            Admin.of(outbox.database.dataSource(), outbox.catalog)
                    .outbox("orders")
                    .pause(Change.by("ada", "maintenance"));
            suspended.set(true);
            clock.advance(lease.dividedBy(3));
            relay.keepLeases();

            outbox.write("a", "a-1");
            relay.passWithoutLeases();

            assertThat(outbox.broker.attempts()).isEmpty();
            assertThat(relay.owns("orders")).as("it has given it back").isFalse();
        }
    }

    private static ManualRelay relay(String name, DataSource dataSource, SettableClock clock) {
        return RelayTesting.manual(RelayTesting.clock(
                        Relay.builder(dataSource, Catalog.of(ORDERS), LocalBroker.to())
                                .name(name),
                        clock)
                .lease(LEASE)
                .publishTimeout(Duration.ofMillis(200)));
    }

    private static Dialect dialect(TestDatabase database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return Dialect.of(connection);
        }
    }

    /** {@code dataSource}, with something that happens between the look at a lease and the attempt to take it. */
    private static DataSource beforeTaking(DataSource dataSource, Runnable what) {
        return before(dataSource, "set owner = ?, epoch = ?", what::run);
    }

    /** {@code dataSource}, with something that happens before a statement that contains {@code sql} is prepared. */
    private static DataSource before(DataSource dataSource, String sql, Step what) {
        return Intercepted.of(DataSource.class, dataSource, (getConnection, call) -> {
            Object result = call.proceed();
            return result instanceof Connection connection ? before(connection, sql, what) : result;
        });
    }

    private static Connection before(Connection connection, String sql, Step what) {
        return (Connection) Proxy.newProxyInstance(
                Connection.class.getClassLoader(), new Class<?>[] {Connection.class}, (self, method, arguments) -> {
                    if (method.getName().equals("prepareStatement")
                            && arguments[0].toString().contains(sql)) {
                        what.run();
                    }
                    try {
                        return method.invoke(connection, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private interface Step {
        void run() throws SQLException;
    }
}
