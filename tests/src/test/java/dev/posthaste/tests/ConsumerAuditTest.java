package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.Context;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Inbox.Result;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
import org.junit.jupiter.params.provider.ValueSource;

/** What the audits found in consumers and their databases. */
class ConsumerAuditTest {
    private static final String TYPE = "order.placed";
    private static final Duration LONG = Duration.ofSeconds(30);

    private final List<String> answers = new CopyOnWriteArrayList<>();

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), List.of());
        database.execute("create table effects (name varchar(100))");
        return database;
    }

    private static Message message(String id, String key, String body) {
        return new Message(
                "topic",
                null,
                key,
                Map.of(MessageHeaders.EVENT_ID, id, MessageHeaders.EVENT_TYPE, TYPE),
                body.getBytes(StandardCharsets.UTF_8));
    }

    private static Message message(String id) {
        return message(id, id, id);
    }

    private static Inbox inbox(DataSource dataSource, Handler<String> handler) {
        return Inbox.builder(dataSource)
                .consumer("test")
                .on(TYPE, String.class, handler)
                .build();
    }

    private static void effect(Context context, String name) throws SQLException {
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    private static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    private static List<String> notes(TestDatabase database) {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    private static List<String> effects(TestDatabase database) {
        return database.query("select name from effects order by name");
    }

    /** Writes down how it was answered. */
    private final class Answered implements Delivery {
        private final Message message;

        Answered(Message message) {
            this.message = message;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public void done() {
            answers.add("done " + message.eventId());
        }

        @Override
        public void deadLetter(Failure failure) {
            answers.add("dead " + message.eventId() + ": " + failure.reason());
        }

        @Override
        public void abandoned() {
            answers.add("abandoned " + message.eventId());
        }
    }

    /** A consumer for which each counted attempt is the last, so that a wrong count shows as a dead letter. */
    private static Consumer consumer(Inbox inbox, int attempts) {
        return new Consumer(
                inbox,
                ConsumerSettings.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(1), attempts)),
                ConsumerListener.NONE);
    }

    // --- The note and the effects ------------------------------------------------------------------------------------

    /** InnoDB rolls a deadlock's victim back as a whole, and continues on the connection as if nothing had happened. */
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
            Inbox inbox = inbox(database.dataSource(), (text, context) -> {
                String add = "update accounts set amount = amount + 1 where id = ";
                run(context.connection(), add + 3, add + 1);
                locked.countDown();
                try {
                    run(context.connection(), add + 2);
                } catch (SQLException e) {
                    again.set(true);
                    run(context.connection(), add + 2); // as retry templates do
                }
            });
            try (Connection other = database.dataSource().getConnection()) {
                other.setAutoCommit(false);
                run(other, "update accounts set amount = amount + 100 where id = 2 or id > 3"); // the heavier one
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
            Inbox inbox = inbox(database.dataSource(), (text, context) -> {
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
                                refused -> assertThat(refused.reason()).contains("half done", "committed"));
            }
            assertThat(effects(database)).containsExactly("returns-1", "throws-1");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SQLITE") // see SqliteInboxTest
    void A05_aHandlerThatRollsBackBySqlLeavesNothing(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            AtomicInteger runs = new AtomicInteger();
            Inbox inbox = inbox(database.dataSource(), (text, context) -> {
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
            Inbox inbox = inbox(database.dataSource(), (text, context) -> {
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

    /** PostgreSQL refuses everything after an error; who swallows it has not done what it was to do. */
    @ParameterizedTest
    @EnumSource(names = "POSTGRESQL")
    void A05_anErrorThatAHandlerSwallowsIsAFailureWhereItEndsTheTransaction(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Inbox inbox = inbox(database.dataSource(), (text, context) -> {
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
            Inbox inbox = inbox(database.dataSource(), (text, context) -> effect(context, "same"));
            assertThat(inbox.handle(message("1"))).isInstanceOf(Result.Handled.class);
            assertThat(inbox.handle(message("2"))).isInstanceOf(Result.Failed.class);
            assertThat(notes(database)).containsExactly("1");
        }
    }

    // --- The session -------------------------------------------------------------------------------------------------

    /** What the session waits for locks, and for its client, in the database's own words. */
    private static List<String> limits(Database kind, Connection connection) throws SQLException {
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

    /** Always the same connection, as a pool that resets nothing. */
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
                    Inbox inbox = inbox(always(database, connection), (text, context) -> {
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
                            && kind != Database.SQLITE) { // which have no server that could end a session
                        assertThat(inside.get(0).get(1)).isIn("1min", "60", "60.000000");
                    }
                    assertThat(limits(kind, connection)).isEqualTo(before);
                    assertThat(connection.getAutoCommit()).isEqualTo(autoCommit);
                    connection.setAutoCommit(true);
                }
            }
        }
    }

    // --- Another process ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void A17_notesThatAStoppedProcessHoldsPostponeTheirKeysOnly(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Inbox inbox = inbox(database.dataSource(), (text, context) -> effect(context, text));
            try (Connection stopped = database.dataSource().getConnection();
                    Consumer consumer = consumer(inbox, 1)) {
                stopped.setAutoCommit(false);
                for (int i = 0; i < 4; i++) {
                    run(
                            stopped,
                            "insert into posthaste_inbox (consumer, event_id, handled_at) values ('test', 'held-" + i
                                    + "', " + database.now() + ")");
                    consumer.accept(new Answered(message("held-" + i)));
                }
                consumer.accept(new Answered(message("healthy")));
                if (kind == Database.SQLITE) { // who writes holds up all others
                    await().pollDelay(Duration.ofSeconds(3)).until(answers::isEmpty);
                } else {
                    await().atMost(Duration.ofSeconds(5)).until(() -> answers.contains("done healthy"));
                    assertThat(answers).containsExactly("done healthy");
                }
                stopped.rollback();
                await().atMost(LONG).until(() -> answers.size() == 5);
            }
            assertThat(answers).allMatch(each -> each.startsWith("done"));
            assertThat(effects(database)).containsExactlyInAnyOrder("healthy", "held-0", "held-1", "held-2", "held-3");
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"})
    void A17_theServerEndsTheSessionOfAHandlerThatIsSilentForTooLong(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            CountDownLatch taken = new CountDownLatch(1);
            CountDownLatch released = new CountDownLatch(1);
            Inbox silent = Inbox.builder(database.dataSource())
                    .consumer("test")
                    .on(TYPE, String.class, (text, context) -> {
                        effect(context, "silent");
                        taken.countDown();
                        released.await();
                    })
                    .silenceLimit(Duration.ofSeconds(2))
                    .build();
            CompletableFuture<Result> first = CompletableFuture.supplyAsync(() -> silent.handle(message("1")));
            taken.await();
            try (Consumer other =
                    consumer(inbox(database.dataSource(), (text, context) -> effect(context, "other")), 1)) {
                other.accept(new Answered(message("1")));
                await().atMost(LONG).until(() -> answers.equals(List.of("done 1")));
            }
            released.countDown();
            assertThat(first.get(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(
                            Result.Failed.class,
                            failed -> assertThat(failed.cause())
                                    .hasMessageContaining("2 s")
                                    .hasMessageContaining("silenceLimit"));
            assertThat(effects(database)).containsExactly("other");
            assertThat(silent.handle(message("1"))).isInstanceOf(Result.Duplicate.class);
        }
    }

    // --- The database away -------------------------------------------------------------------------------------------

    /** As after a fail-over: while {@code readOnly}, every connection leads to a server that takes no changes. */
    private static DataSource failedOver(Database kind, DataSource pool, AtomicBoolean readOnly) {
        return Intercepted.of(DataSource.class, pool, (method, call) -> {
            Object result = call.proceed();
            if (readOnly.get() && result instanceof Connection connection) {
                run(
                        connection,
                        switch (kind) {
                            case POSTGRESQL -> "set session characteristics as transaction read only";
                            case SQLITE -> "pragma query_only = 1";
                            default -> "set session transaction read only";
                        });
            }
            return result;
        });
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void A20_aDatabaseThatIsReadOnlyForAWhileCountsNoAttempt(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                HikariDataSource pool = database.pool(5)) {
            AtomicBoolean readOnly = new AtomicBoolean(true);
            AtomicInteger runs = new AtomicInteger();
            List<String> heard = new CopyOnWriteArrayList<>();
            Inbox inbox = inbox(failedOver(kind, pool, readOnly), (text, context) -> {
                runs.incrementAndGet();
                effect(context, text);
            });
            ConsumerListener listener = new ConsumerListener() {
                @Override
                public void unavailable(String consumer, Throwable cause) {
                    heard.add("unavailable");
                }

                @Override
                public void available(String consumer, Duration after) {
                    heard.add("available");
                }
            };
            ConsumerSettings settings =
                    ConsumerSettings.defaults().withRetry(RetryPolicy.fixed(Duration.ofMillis(1), 1));
            try (Consumer consumer = new Consumer(inbox, settings, listener)) {
                IntStream.range(0, 200).forEach(i -> consumer.accept(new Answered(message("event-" + i))));
                await().pollDelay(Duration.ofSeconds(2)).until(() -> heard.contains("unavailable"));
                assertThat(answers).isEmpty();
                readOnly.set(false);
                await().atMost(LONG.multipliedBy(2)).until(() -> answers.size() == 200);
            }
            assertThat(answers).allMatch(each -> each.startsWith("done"));
            assertThat(runs).as("handlers that ran").hasValue(200);
            assertThat(effects(database)).hasSize(200);
            assertThat(heard).containsExactly("unavailable", "available");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"killed", "read-only", "killed and swallowed"})
    void A20_aHandlerThatBreaksItsConnectionEachTimeIsADeadLetter(String how) throws Exception {
        for (Database kind : List.of(Database.POSTGRESQL, Database.MARIADB, Database.MYSQL)) {
            answers.clear();
            try (TestDatabase database = open(kind)) {
                Inbox inbox = inbox(database.dataSource(), (text, context) -> {
                    effect(context, text);
                    if (text.equals("bad")) {
                        breakConnection(kind, how, context.connection());
                    }
                });
                try (Consumer consumer = consumer(inbox, 3)) {
                    consumer.accept(new Answered(message("1", "key", "bad")));
                    consumer.accept(new Answered(message("2", "key", "good")));
                    await().atMost(LONG).until(() -> answers.size() == 2);
                }
                assertThat(answers.get(0)).as(kind + " " + how).startsWith("dead 1");
                assertThat(answers.get(1)).isEqualTo("done 2");
                assertThat(effects(database)).containsExactly("good");
            }
        }
    }

    private static void breakConnection(Database kind, String how, Connection connection) throws SQLException {
        if (how.equals("read-only")) {
            throw new SQLException("cannot execute INSERT in a read-only transaction", "25006", 1792);
        }
        try {
            run(
                    connection,
                    kind == Database.POSTGRESQL
                            ? "select pg_terminate_backend(pg_backend_pid())"
                            : "kill " + value(connection, "select connection_id()"));
            run(connection, "select 1");
        } catch (SQLException e) {
            if (how.equals("killed")) {
                throw e;
            }
        }
    }

    // --- Ids ---------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void A12_foreignIdsAreToldApartOrRefused(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            List<String> ids = new CopyOnWriteArrayList<>();
            Inbox inbox = inbox(database.dataSource(), (text, context) -> ids.add(context.eventId()));
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
