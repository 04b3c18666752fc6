package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.NoTransactionException;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.Transactions;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.io.IOException;
import java.lang.reflect.UndeclaredThrowableException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An inbox in the transactions of an opinionated framework: it wraps checked exceptions, and an exception that leaves
 * code that joined a transaction marks it for rollback.
 */
class FrameworkTransactionsTest {
    private static final String TYPE = "order.placed";

    private TestDatabase database;
    private Framework transactions;
    private final Deliveries deliveries = new Deliveries();

    /** What Spring does, simplified. */
    private static final class Framework implements Transactions {
        private final DataSource dataSource;
        private final ThreadLocal<Connection> current = new ThreadLocal<>();
        private final ThreadLocal<Boolean> condemned = ThreadLocal.withInitial(() -> false);

        Framework(DataSource dataSource) {
            this.dataSource = dataSource;
        }

        @Override
        public Connection current() {
            Connection connection = current.get();
            if (connection == null) {
                throw new NoTransactionException("there is no transaction");
            }
            return connection;
        }

        @Override
        public <T> T required(Work<T> work) throws SQLException {
            if (current.get() == null) {
                return begun(work);
            }
            try {
                return run(work, current());
            } catch (Throwable e) {
                condemned.set(true);
                throw e;
            }
        }

        private <T> T begun(Work<T> work) throws SQLException {
            try (Connection connection = dataSource.getConnection()) {
                connection.setAutoCommit(false);
                current.set(connection);
                boolean committed = false;
                try {
                    T result = run(work, connection);
                    if (condemned.get()) {
                        throw new IllegalStateException("rolled back, because it was marked for rollback");
                    }
                    connection.commit();
                    committed = true;
                    return result;
                } finally {
                    current.remove();
                    condemned.remove();
                    if (!committed) {
                        connection.rollback();
                    }
                    connection.setAutoCommit(true);
                }
            }
        }

        private static <T> T run(Work<T> work, Connection connection) {
            try {
                return work.run(connection);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new UndeclaredThrowableException(e);
            }
        }

        @Override
        public void afterCommit(Runnable action) {
            throw new UnsupportedOperationException();
        }
    }

    private void open(Database kind) throws SQLException {
        database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name varchar(100))");
        transactions = new Framework(database.dataSource());
    }

    @AfterEach
    void close() {
        database.close();
    }

    private static void effect(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("insert into effects (name) values ('" + name + "')");
        }
    }

    private Inbox inbox(Handler<String> handler) {
        return Inbox.builder("test", transactions)
                .on(TYPE, String.class, handler)
                .retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(3))
                .build();
    }

    private List<String> effects() {
        return database.query("select name from effects order by name");
    }

    private List<String> notes() {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    @ParameterizedTest
    @EnumSource
    void aTransactionInWhichOnceFailedCanBeCommitted(Database kind) throws Exception {
        open(kind);
        try (Inbox inbox = Inbox.builder("test", transactions).build()) {
            transactions.required(connection -> {
                effect(connection, "before");
                assertThatThrownBy(() -> inbox.once("1", () -> {
                            effect(connection, "1");
                            throw new IOException("the mail server is away");
                        }))
                        .isInstanceOf(IOException.class);
                assertThat(inbox.once("2", () -> effect(connection, "2"))).isTrue();
                return null;
            });
            assertThatThrownBy(() -> inbox.once("3", () -> {
                        effect(transactions.current(), "3");
                        throw new IOException("and without a transaction");
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessage("and without a transaction");
        }
        assertThat(effects()).containsExactly("2", "before");
        assertThat(notes()).containsExactly("2");
    }

    /** The framework refuses the commit each time: that counts as an attempt, and does not continue forever. */
    @ParameterizedTest
    @EnumSource
    void aTransactionThatAHandlerSpoiledIsAnAttempt(Database kind) throws Exception {
        open(kind);
        Handler<String> swallowing = (text, context) -> {
            effect(context.connection(), text);
            try {
                transactions.required(connection -> {
                    throw new IOException("swallowed");
                });
            } catch (RuntimeException e) {
                assertThat(e).hasRootCauseMessage("swallowed");
            }
        };
        try (Inbox inbox = inbox(swallowing)) {
            inbox.accept(deliveries.of(TYPE, "k", "1"));
            deliveries.await(1);
        }
        assertThat(deliveries.answers)
                .singleElement()
                .asString()
                .startsWith("dead 1")
                .contains("rolled back, because it was marked for rollback");
        assertThat(effects()).isEmpty();
        assertThat(notes()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void anInboxWhoseTableIsAwayWaitsForIt(Database kind) throws Exception {
        open(kind);
        try (Inbox inbox = inbox((text, context) -> effect(context.connection(), text))) {
            inbox.accept(deliveries.of(TYPE, "k", "1"));
            deliveries.await(1);
            database.execute("drop table posthaste_inbox");
            inbox.accept(deliveries.of(TYPE, "k", "2"));
            Thread.sleep(300); // longer than three attempts
            assertThat(deliveries.answers).containsExactly("done 1");
            Schema.create(database.dataSource(), Catalog.empty());
            deliveries.await(2);
        }
        assertThat(deliveries.answers).containsExactly("done 1", "done 2");
        assertThat(effects()).containsExactly("1", "2");
    }

    @ParameterizedTest
    @EnumSource(names = {"H2", "POSTGRESQL", "MARIADB"}) // the others do not accept a new check, or ignore it
    void anEventWhoseIdTheTableRefusesIsDead(Database kind) throws Exception {
        open(kind);
        database.execute("alter table posthaste_inbox add constraint no_bad_ids check (event_id <> 'bad')");
        try (Inbox inbox = inbox((text, context) -> effect(context.connection(), text))) {
            inbox.accept(deliveries.of(TYPE, "k", "bad"));
            inbox.accept(deliveries.of(TYPE, "k", "good"));
            deliveries.await(2);
        }
        assertThat(deliveries.answers.get(0)).startsWith("dead bad").contains("does not take its event id");
        assertThat(deliveries.answers.get(1)).isEqualTo("done good");
        assertThat(effects()).containsExactly("good");
    }
}
