package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.inbox.Inbox;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.Attempts;
import dev.posthaste.testkit.internal.Attempts.Result;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Audit findings about inboxes' transactions, on every database. */
class InboxAuditTest extends WithInbox {
    // --- The note and the effects ------------------------------------------------------------------------------------

    /** InnoDB rolls back a deadlock's victim as a whole, and the connection continues as if nothing had happened. */
    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void A05_aDeadlockThatAHandlerSwallowsTakesEffectsAndNoteTogether(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            database.execute("create table accounts (id int primary key, amount int not null) engine = InnoDB");
            database.execute("insert into accounts values "
                    + IntStream.range(1, 60)
                            .mapToObj(i -> "(" + i + ", 0)")
                            .reduce((a, b) -> a + ", " + b)
                            .orElseThrow());
            CountDownLatch locked = new CountDownLatch(1);
            AtomicBoolean again = new AtomicBoolean();
            Attempts inbox = attempts(database.dataSource(), (text, context) -> {
                String add = "update accounts set amount = amount + 1 where id = ";
                run(context.connection(), add + 3, add + 1);
                locked.countDown();
                try {
                    run(context.connection(), add + 2);
                } catch (SQLException e) {
                    again.set(true);
                    run(context.connection(), add + 2); // like retry templates
                }
            });
            try (Connection other = database.dataSource().getConnection()) {
                other.setAutoCommit(false);
                run(other, "update accounts set amount = amount + 100 where id = 2 or id > 3"); // heavier
                CompletableFuture<Void> blocked = CompletableFuture.runAsync(() -> {
                    try {
                        locked.await();
                        run(other, "update accounts set amount = amount + 100 where id = 1");
                        other.commit();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
                assertThat(inbox.handle(message("1")))
                        .isInstanceOfSatisfying(
                                Result.Failed.class,
                                failed -> assertThat(failed.cause()).hasMessageContaining("deadlock"));
                blocked.get(30, TimeUnit.SECONDS);
            }
            assertThat(again).isTrue();
            String accounts = "select amount from accounts where id <= 3 order by id";
            assertThat(database.query(accounts)).containsExactly("100", "100", "0");
            assertThat(notes(database)).isEmpty();
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(database.query(accounts)).containsExactly("101", "101", "1");
            assertThat(notes(database)).containsExactly("1");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SQLITE") // see SqliteInboxTest
    void A05_aHandlerThatCommitsBySqlIsRefusedForItsEffectsMayBeHalfDone(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Attempts inbox = attempts(database.dataSource(), (text, context) -> {
                effect(context, text + "-1");
                run(context.connection(), "commit");
                effect(context, text + "-2");
                if (text.equals("throws")) {
                    throw new IllegalStateException("half way");
                }
            });
            for (String event : List.of("returns", "throws")) {
                assertThat(inbox.handle(message(event)))
                        .as(event)
                        .isInstanceOfSatisfying(
                                Result.Refused.class,
                                refused -> assertThat(refused.reason()).contains("incomplete", "committed"));
            }
            assertThat(effects(database)).containsExactly("returns-1", "throws-1");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SQLITE") // see SqliteInboxTest
    void A05_aHandlerThatRollsBackBySqlLeavesNothing(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            AtomicInteger runs = new AtomicInteger();
            Attempts inbox = attempts(database.dataSource(), (text, context) -> {
                effect(context, "before");
                if (runs.incrementAndGet() == 1) {
                    run(context.connection(), "rollback");
                }
                effect(context, "after");
            });
            assertThat(inbox.handle(message("1")))
                    .isInstanceOfSatisfying(
                            Result.Failed.class,
                            failed -> assertThat(failed.cause()).hasMessageContaining("ROLLBACK"));
            assertThat(effects(database)).isEmpty();
            assertThat(notes(database)).isEmpty();
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(effects(database)).containsExactly("after", "before");
        }
    }

    @ParameterizedTest
    @EnumSource
    void A05_theHandlersConnectionDoesNotEndTheTransaction(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Attempts inbox = attempts(database.dataSource(), (text, context) -> {
                Connection connection = context.connection();
                assertThatThrownBy(connection::commit)
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("inbox");
                assertThatThrownBy(connection::rollback).isInstanceOf(SQLException.class);
                assertThatThrownBy(() -> connection.setAutoCommit(true)).isInstanceOf(SQLException.class);
                connection.setAutoCommit(false);
                connection.close();
                assertThat(connection.isClosed()).isFalse();
                assertThat(connection.unwrap(Connection.class)).isSameAs(connection);
                effect(context, "kept");
                Savepoint savepoint = connection.setSavepoint();
                effect(context, "undone");
                connection.rollback(savepoint);
            });
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Duplicate.class);
            assertThat(effects(database)).containsExactly("kept");
        }
    }

    /** PostgreSQL refuses everything after an error, so a handler that swallows one has not done its work. */
    @ParameterizedTest
    @EnumSource(names = "POSTGRESQL")
    void A05_anErrorThatAHandlerSwallowsIsAFailureWhereItEndsTheTransaction(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Attempts inbox = attempts(database.dataSource(), (text, context) -> {
                effect(context, "1");
                assertThatThrownBy(() -> run(context.connection(), "insert into nowhere values (1)"))
                        .isInstanceOf(SQLException.class);
            });
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Failed.class);
            assertThat(effects(database)).isEmpty();
            assertThat(notes(database)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(names = "POSTGRESQL")
    void A20_aConstraintThatFailsAtTheCommitIsTheHandlersFailure(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            database.execute("alter table effects add constraint once unique (name) deferrable initially deferred");
            Attempts inbox = attempts(database.dataSource(), (text, context) -> effect(context, "same"));
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(inbox.handle(message("2"))).isInstanceOf(Result.Failed.class);
            assertThat(notes(database)).containsExactly("1");
        }
    }

    // --- The session -------------------------------------------------------------------------------------------------

    /** How long the session waits for locks, and for its client, in the database's own units. */
    static List<String> limits(Database kind, Connection connection) throws SQLException {
        return switch (kind) {
            case POSTGRESQL ->
                List.of(
                        value(connection, "show lock_timeout"),
                        value(connection, "show idle_in_transaction_session_timeout"));
            case MARIADB ->
                List.of(
                        value(connection, "select @@session.innodb_lock_wait_timeout"),
                        value(connection, "select @@session.idle_transaction_timeout"));
            case MYSQL ->
                List.of(
                        value(connection, "select @@session.innodb_lock_wait_timeout"),
                        value(connection, "select @@session.wait_timeout"));
            case SQLITE -> List.of(value(connection, "pragma busy_timeout"), "");
            case H2 -> List.of("", "");
        };
    }

    /** Always the same connection, like a pool that resets nothing. */
    private static DataSource always(TestDatabase database, Connection connection) {
        Connection kept = Intercepted.of(
                Connection.class, connection, (method, call) -> method.equals("close") ? null : call.proceed());
        return Intercepted.of(
                DataSource.class,
                database.dataSource(),
                (method, call) -> method.equals("getConnection") ? kept : call.proceed());
    }

    @ParameterizedTest
    @EnumSource
    void S08_theConnectionGoesBackAsItCame(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            for (boolean autoCommit : List.of(true, false)) {
                try (Connection connection = database.dataSource().getConnection()) {
                    switch (kind) {
                        case POSTGRESQL -> run(connection, "set lock_timeout = '7s'");
                        case MARIADB, MYSQL -> run(connection, "set session innodb_lock_wait_timeout = 7");
                        case SQLITE -> run(connection, "pragma busy_timeout = 7000");
                        case H2 -> {}
                    }
                    connection.setAutoCommit(autoCommit);
                    List<String> before = limits(kind, connection);
                    List<List<String>> inside = new CopyOnWriteArrayList<>();
                    Attempts inbox = attempts(always(database, connection), (text, context) -> {
                        inside.add(limits(kind, context.connection()));
                        if (text.startsWith("fail")) {
                            throw new IllegalStateException("fails");
                        }
                    });
                    assertThat(inbox.handle(message("ok-" + autoCommit))).isInstanceOf(Result.Handled.class);
                    assertThat(inbox.handle(message("ok-" + autoCommit))).isInstanceOf(Result.Duplicate.class);
                    assertThat(inbox.handle(message("fail"))).isInstanceOf(Result.Failed.class);
                    assertThat(inside)
                            .as("the handler waits for locks as before")
                            .allSatisfy(each -> assertThat(each.get(0)).isEqualTo(before.get(0)));
                    if (kind != Database.H2
                            && kind != Database.SQLITE) { // they have no server that could end a session
                        assertThat(inside.get(0).get(1)).isIn("1min", "60", "60.000000");
                    }
                    assertThat(limits(kind, connection)).isEqualTo(before);
                    assertThat(connection.getAutoCommit()).isEqualTo(autoCommit);
                    connection.setAutoCommit(true);
                }
            }
        }
    }

    /** Two inboxes in one transaction: neither mistakes the other's note, limits or savepoint for its own. */
    @ParameterizedTest
    @EnumSource
    void aHandlerMayUseAnotherInboxInItsTransaction(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Connection connection = database.dataSource().getConnection();
                Inbox second = Inbox.builder("second", database.dataSource()).build()) {
            List<String> before = limits(kind, connection);
            Attempts inbox = attempts(always(database, connection), (text, context) -> {
                List<String> inside = limits(kind, context.connection());
                boolean done = second.once(context.connection(), "other", () -> effect(context, "other"));
                assertThat(done).isEqualTo(text.equals("1"));
                assertThat(limits(kind, context.connection())).isEqualTo(inside);
                effect(context, text);
            });
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(inbox.handle(message("2"))).isInstanceOf(Result.Handled.class);
            assertThat(inbox.handle(message("2"))).isInstanceOf(Result.Duplicate.class);
            assertThat(effects(database)).containsExactly("1", "2", "other");
            assertThat(notes(database)).containsExactly("1", "2", "other");
            assertThat(limits(kind, connection)).isEqualTo(before);
        }
    }

    // --- Ids ---------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void A12_foreignIdsAreToldApartOrRefused(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            List<String> ids = new CopyOnWriteArrayList<>();
            Attempts inbox = attempts(database.dataSource(), (text, context) -> ids.add(context.eventId()));
            String longId = "urn:" + "x".repeat(200);
            for (String id : List.of(longId + "1", longId + "2", "id-1", "ID-1", "é\uD83D\uDE00", "y".repeat(64))) {
                assertThat(inbox.handle(message(id))).as(id).isInstanceOf(Result.Handled.class);
                assertThat(inbox.handle(message(id))).as(id).isInstanceOf(Result.Duplicate.class);
                assertThat(ids.get(ids.size() - 1)).isEqualTo(id);
            }
            assertThat(notes(database)).hasSize(6).allMatch(each -> each.length() <= 64);
            for (String id : List.of("id-1 ", " id-1", "id-1\t", "a\u0000b", "a\nb", "a\uD800", "\uDC00", " ", "")) {
                assertThat(inbox.handle(message(id)))
                        .isInstanceOfSatisfying(
                                Result.Refused.class,
                                refused -> assertThat(refused.reason()).contains("event id"));
            }
        }
    }
}
