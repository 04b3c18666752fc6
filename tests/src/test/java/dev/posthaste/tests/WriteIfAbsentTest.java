package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.JdbcOutbox;
import dev.posthaste.NoTransactionException;
import dev.posthaste.Outbox;
import dev.posthaste.OutboxEvent;
import dev.posthaste.Schema;
import dev.posthaste.Transactions;
import dev.posthaste.admin.Admin;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransactionRollbackException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Events that are written unless they exist, and an outbox that finds the current transaction. */
class WriteIfAbsentTest {
    private static final Catalog CATALOG =
            Catalog.empty().outbox("orders", o -> o.table("orders").types("order.placed"));

    private final JdbcOutbox outbox = JdbcOutbox.of(CATALOG);

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), CATALOG);
        return database;
    }

    private static Connection begin(TestDatabase database) throws SQLException {
        Connection connection = database.dataSource().getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static Event event(String id) {
        return Event.of("order.placed", "k", "{}").id(id);
    }

    private static long rows(TestDatabase database) {
        return Admin.of(database.dataSource(), CATALOG).outbox("orders").counts().values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    @ParameterizedTest
    @EnumSource
    void theSecondWriteWritesNothingAndTheTransactionStaysUsable(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection connection = begin(database)) {
            assertThat(outbox.writeIfAbsent(connection, event("one"))).isTrue();
            assertThat(outbox.writeIfAbsent(connection, event("one"))).isFalse();
            connection.commit();
            assertThat(outbox.writeIfAbsent(connection, event("one"))).isFalse();
            assertThat(outbox.writeIfAbsent(connection, event("two"))).isTrue();
            outbox.write(connection, "order.placed", "k", "{}");
            connection.commit();
            assertThat(rows(database)).isEqualTo(3);
        }
    }

    /** The lookup comes too early, and then the INSERT collides with the other's row. */
    @ParameterizedTest
    @EnumSource
    void ofManyAtOnceOneWrites(Database kind) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (TestDatabase database = open(kind)) {
            for (int round = 0; round < 10; round++) {
                String id = "event-" + round;
                List<Callable<Boolean>> writers = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    writers.add(() -> {
                        while (true) {
                            try (Connection connection = begin(database)) {
                                boolean written = outbox.writeIfAbsent(connection, event(id));
                                outbox.write(connection, "order.placed", "k", "the transaction is still good");
                                connection.commit();
                                return written;
                            } catch (SQLTransactionRollbackException e) {
                                // an InnoDB deadlock, whose victim retries
                            }
                        }
                    });
                }
                int written = 0;
                for (Future<Boolean> each : threads.invokeAll(writers)) {
                    written += each.get() ? 1 : 0;
                }
                assertThat(written).isEqualTo(1);
            }
            assertThat(rows(database)).isEqualTo(10 * 5);
        } finally {
            threads.shutdownNow();
        }
    }

    /** On MySQL an INSERT that finds a duplicate locks the neighbouring gaps in the index. */
    @ParameterizedTest
    @EnumSource(
            value = Database.class,
            names = {"SQLITE"}, // one writer at a time
            mode = EnumSource.Mode.EXCLUDE)
    void whatIsThereAlreadyHoldsNobodyUp(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection first = begin(database);
                Connection second = begin(database)) {
            outbox.write(first, event("m"));
            first.commit();
            assertThat(outbox.writeIfAbsent(first, event("m"))).isFalse();
            try (Statement statement = second.createStatement()) {
                statement.setQueryTimeout(10);
                outbox.write(second, event("l"));
                outbox.write(second, event("n"));
            }
            second.commit();
            first.commit();
            assertThat(rows(database)).isEqualTo(3);
        }
    }

    /** A framework's transactions, as far as an outbox uses them. */
    private static final class OneAtATime implements Transactions {
        private @Nullable Connection open;
        private final List<Runnable> afterCommit = new ArrayList<>();

        @Override
        public Connection current() {
            if (open == null) {
                throw new NoTransactionException("There is no transaction");
            }
            return open;
        }

        @Override
        public <T extends @Nullable Object> T required(Work<T> work) throws Exception {
            return work.run(current());
        }

        @Override
        public void afterCommit(Runnable action) {
            afterCommit.add(action);
        }
    }

    @OutboxEvent("order.placed")
    private record OrderPlaced(String id) {}

    @ParameterizedTest
    @EnumSource(
            value = Database.class,
            names = {"H2", "POSTGRESQL"})
    void anOutboxThatJoinsTransactionsWritesInTheCurrentOne(Database kind) throws Exception {
        OneAtATime transactions = new OneAtATime();
        List<String> woken = new ArrayList<>();
        Outbox joining = outbox.joining(transactions, woken::add);
        try (TestDatabase database = open(kind);
                Connection connection = begin(database)) {
            assertThatThrownBy(() -> joining.write("order.placed", "k", "{}"))
                    .isInstanceOf(NoTransactionException.class);
            transactions.open = connection;
            joining.write("order.placed", "k", "{}");
            joining.write(Event.of(new OrderPlaced("7")));
            assertThat(joining.writeIfAbsent(event("one"))).isTrue();
            assertThat(joining.writeIfAbsent(event("one"))).isFalse();
            connection.rollback();
            assertThat(rows(database)).isZero();
            assertThat(woken).as("before any commit").isEmpty();

            joining.write(event("two"));
            connection.commit();
            transactions.afterCommit.get(transactions.afterCommit.size() - 1).run();
            assertThat(rows(database)).isEqualTo(1);
            assertThat(woken).containsExactly("orders");
        }
    }
}
