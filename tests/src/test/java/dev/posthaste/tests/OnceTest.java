package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.posthaste.Catalog;
import dev.posthaste.NoTransactionException;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.StoreException;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxBusyException;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** An inbox in other code's transactions. */
class OnceTest {
    private static final String TYPE = "order.placed";

    private TestDatabase database;
    private ThreadTransactions transactions;
    private Inbox inbox;

    private void open(Database kind) throws SQLException {
        database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name varchar(100))");
        transactions = new ThreadTransactions(database.dataSource());
        inbox = Inbox.builder("test", transactions).build();
    }

    @AfterEach
    void close() {
        inbox.close();
        database.close();
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void effect(Connection connection, String name) throws SQLException {
        run(connection, "insert into effects (name) values ('" + name + "')");
    }

    private Connection begun() throws SQLException {
        Connection connection = database.dataSource().getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private List<String> effects() {
        return database.query("select name from effects order by name");
    }

    private List<String> notes() {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    // --- On a connection ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void workIsDoneOnceInTheConnectionsTransaction(Database kind) throws Exception {
        open(kind);
        for (String end : List.of("rollback", "commit", "commit")) {
            try (Connection connection = begun()) {
                boolean first = inbox.once(connection, "1", () -> effect(connection, "1"));
                assertThat(first).isEqualTo(effects().isEmpty());
                if (end.equals("commit")) {
                    connection.commit();
                } else {
                    connection.rollback();
                    assertThat(notes()).isEmpty();
                }
            }
        }
        assertThat(effects()).containsExactly("1");
        assertThat(notes()).containsExactly("1");
    }

    @ParameterizedTest
    @EnumSource
    void whatFailedLeavesNothingInATransactionThatIsCommittedAllTheSame(Database kind) throws Exception {
        open(kind);
        try (Connection connection = begun()) {
            effect(connection, "before");
            assertThatThrownBy(() -> inbox.once(connection, "1", () -> {
                        effect(connection, "1");
                        throw new IOException("the mail server is away");
                    }))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(
                            () -> inbox.once(connection, "2", () -> run(connection, "insert into nowhere values (1)")))
                    .isInstanceOf(SQLException.class);
            assertThat(inbox.once(connection, "3", () -> effect(connection, "3")))
                    .isTrue();
            assertThat(inbox.once(connection, "3", () -> effect(connection, "3")))
                    .isFalse();
            connection.commit();
        }
        assertThat(effects()).containsExactly("3", "before");
        assertThat(notes()).containsExactly("3");
    }

    @ParameterizedTest
    @EnumSource
    void onceWithinOnce(Database kind) throws Exception {
        open(kind);
        try (Connection connection = begun()) {
            boolean outer = inbox.once(connection, "outer", () -> {
                assertThat(inbox.once(connection, "inner", () -> effect(connection, "inner")))
                        .isTrue();
                assertThatThrownBy(() -> inbox.once(connection, "failing", () -> {
                            effect(connection, "failing");
                            throw new IllegalStateException("no");
                        }))
                        .hasMessage("no");
                effect(connection, "outer");
            });
            assertThat(outer).isTrue();
            connection.commit();
        }
        assertThat(effects()).containsExactly("inner", "outer");
        assertThat(notes()).containsExactly("inner", "outer");
    }

    @ParameterizedTest
    @EnumSource
    void whatSomebodyElseHandlesIsBusyAndTheTransactionCanBeUsed(Database kind) throws Exception {
        open(kind);
        try (Connection other = begun();
                Connection connection = begun()) {
            inbox.once(other, "1", () -> effect(other, "other"));
            assertThatThrownBy(() -> inbox.once(connection, "1", () -> effect(connection, "mine")))
                    .isInstanceOf(InboxBusyException.class)
                    .hasMessageContaining("event 1")
                    .hasMessageContaining("test");
            other.rollback();
            if (kind == Database.SQLITE) {
                connection.rollback(); // a reader that tried to become a writer too late
            }
            assertThat(inbox.once(connection, "1", () -> effect(connection, "mine")))
                    .isTrue();
            connection.commit();
        }
        assertThat(effects()).containsExactly("mine");
    }

    /**
     * A caller that is told that the inbox is busy continues and commits; so what it did before must still be there.
     */
    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SQLITE") // it has one writer at a time
    void ofTwoThatWaitForEachOtherEachIsToldWhatBecameOfItsTransaction(Database kind) throws Exception {
        open(kind);
        try (Connection one = begun();
                Connection two = begun()) {
            effect(one, "one");
            effect(two, "two");
            inbox.once(one, "1", () -> {});
            inbox.once(two, "2", () -> {});
            CompletableFuture<Throwable> crossing =
                    CompletableFuture.supplyAsync(() -> catchThrowable(() -> inbox.once(two, "1", () -> {})));
            Throwable ofOne = catchThrowable(() -> inbox.once(one, "2", () -> {}));
            Throwable ofTwo = crossing.get(30, TimeUnit.SECONDS);
            one.commit();
            two.commit();
            assertThat(Stream.of(ofOne, ofTwo).filter(Objects::nonNull))
                    .isNotEmpty()
                    .allMatch(each -> each instanceof InboxBusyException || each instanceof SQLException);
            assertThat(effects().contains("one")).isEqualTo(!(ofOne instanceof SQLException));
            assertThat(effects().contains("two")).isEqualTo(!(ofTwo instanceof SQLException));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theTransactionWaitsForLocksAndForItsClientAsBefore(Database kind) throws Exception {
        open(kind);
        try (Connection connection = begun()) {
            List<String> before = InboxAuditTest.limits(kind, connection);
            inbox.once(
                    connection,
                    "1",
                    () -> assertThat(InboxAuditTest.limits(kind, connection)).isEqualTo(before));
            assertThat(inbox.once(connection, "1", () -> {})).isFalse();
            assertThat(InboxAuditTest.limits(kind, connection)).isEqualTo(before);
            connection.commit();
        }
    }

    @ParameterizedTest
    @EnumSource
    void workThatEndsTheTransactionIsReported(Database kind) throws Exception {
        open(kind);
        try (Connection connection = begun()) {
            assertThatThrownBy(() -> inbox.once(connection, "1", () -> {
                        connection.rollback();
                        effect(connection, "1");
                    }))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("ended while its work ran");
            connection.rollback();
        }
        assertThat(effects()).isEmpty();
        assertThat(notes()).isEmpty();
    }

    @Test
    void whatCannotWorkIsRefused() throws Exception {
        open(Database.H2);
        try (Connection connection = database.dataSource().getConnection();
                Inbox plain = Inbox.builder("test", database.dataSource()).build()) {
            assertThatThrownBy(() -> plain.once("1", () -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("once(connection, eventId, work)")
                    .hasMessageContaining("Inbox.builder(name, transactions)");
            assertThatThrownBy(() -> plain.once(connection, "1", () -> {}))
                    .isInstanceOf(NoTransactionException.class)
                    .hasMessageContaining("auto-commit");
            connection.setAutoCommit(false);
            for (String id : List.of("", " 1", "1\n", "a\u0000b")) {
                assertThatThrownBy(() -> plain.once(connection, id, () -> {}))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            plain.close();
            assertThatThrownBy(() -> plain.once(connection, "1", () -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            connection.setAutoCommit(true);
        }
        assertThat(notes()).isEmpty();
    }

    // --- In the application's transactions ---------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void theCurrentTransactionIsJoinedAndOtherwiseOneIsMade(Database kind) throws Exception {
        open(kind);
        assertThat(inbox.once("1", () -> effect(transactions.current(), "1"))).isTrue();
        assertThat(inbox.once("1", () -> effect(transactions.current(), "1"))).isFalse();
        assertThatThrownBy(() -> transactions.required(connection -> {
                    assertThat(inbox.once("2", () -> effect(connection, "2"))).isTrue();
                    throw new IOException("afterwards");
                }))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> inbox.once("3", () -> {
                    effect(transactions.current(), "3");
                    throw new IOException("inside");
                }))
                .isInstanceOf(IOException.class)
                .hasMessage("inside");
        assertThat(effects()).containsExactly("1");
        assertThat(notes()).containsExactly("1");
        database.execute("drop table posthaste_inbox");
        assertThatThrownBy(() -> inbox.once("4", () -> {})).isInstanceOf(StoreException.class);
        Schema.create(database.dataSource(), Catalog.empty());
    }

    private List<String> delivered(Handler<String> handler, String... texts) throws Exception {
        Deliveries deliveries = new Deliveries();
        try (Inbox handling = Inbox.builder("test", transactions)
                .on(TYPE, String.class, handler)
                .unknownTypes(UnknownTypes.DEAD_LETTER)
                .retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(3))
                .build()) {
            for (String text : texts) {
                handling.accept(deliveries.of(TYPE, "k", text));
            }
            deliveries.await(texts.length);
        }
        return deliveries.answers;
    }

    @ParameterizedTest
    @EnumSource
    void handlersRunInTheApplicationsTransactionsWithTheNote(Database kind) throws Exception {
        open(kind);
        AtomicInteger failures = new AtomicInteger(2);
        Handler<String> handler = (text, context) -> {
            effect(transactions.current(), text);
            effect(context.connection(), text + "-again");
            if (text.equals("rejected")) {
                throw new RejectedEventException("never");
            }
            if (text.equals("fails") || (text.equals("troubled") && failures.getAndDecrement() > 0)) {
                throw new IOException("no");
            }
        };
        assertThat(delivered(handler, "good", "good", "troubled", "fails", "rejected", "last"))
                .containsExactly(
                        "done good",
                        "done good",
                        "done troubled",
                        "dead fails: java.io.IOException: no",
                        "dead rejected: never",
                        "done last");
        assertThat(effects()).containsExactly("good", "good-again", "last", "last-again", "troubled", "troubled-again");
        assertThat(notes()).containsExactly("good", "last", "troubled");
    }

    @ParameterizedTest
    @EnumSource
    void aHandlerThatCommitsTheApplicationsTransactionIsRefused(Database kind) throws Exception {
        open(kind);
        List<String> answers = delivered(
                (text, context) -> {
                    assertThatThrownBy(context.connection()::commit).hasMessageContaining("inbox");
                    transactions.current().commit();
                },
                "1");
        assertThat(answers).hasSize(1);
        assertThat(answers.get(0)).startsWith("dead 1").contains("committed", "incomplete");
        assertThat(notes()).containsExactly("1");
    }
}
