package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.TestDatabase;
import dev.posthaste.testkit.internal.Attempts;
import dev.posthaste.testkit.internal.Attempts.Result;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
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
import org.junit.jupiter.params.provider.ValueSource;

/** What inboxes do while another process blocks them or their database is unavailable; found by the audits. */
class InboxOutageTest extends WithInbox {
    private final Deliveries deliveries = new Deliveries();

    // --- Another process ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void A17_notesThatAStoppedProcessHoldsPostponeTheirKeysOnly(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            Inbox.Builder inbox = inbox(database.dataSource(), (text, context) -> effect(context, text));
            try (Connection stopped = database.dataSource().getConnection();
                    Inbox consumer = consumer(inbox, 1)) {
                stopped.setAutoCommit(false);
                for (int i = 0; i < 4; i++) {
                    run(
                            stopped,
                            "insert into posthaste_inbox (consumer, event_id, handled_at) values ('test', 'held-" + i
                                    + "', " + database.now() + ")");
                    consumer.accept(deliveries.of(message("held-" + i)));
                }
                consumer.accept(deliveries.of(message("healthy")));
                if (kind == Database.SQLITE) { // a writer blocks all others
                    await().pollDelay(Duration.ofSeconds(3)).until(deliveries.answers::isEmpty);
                } else {
                    await().atMost(Duration.ofSeconds(5)).until(() -> deliveries.answers.contains("done healthy"));
                    assertThat(deliveries.answers).containsExactly("done healthy");
                }
                stopped.rollback();
                await().atMost(LONG).until(() -> deliveries.answers.size() == 5);
            }
            assertThat(deliveries.answers).allMatch(each -> each.startsWith("done"));
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
            Attempts silent = Attempts.of(inbox(database.dataSource(), (text, context) -> {
                        effect(context, "silent");
                        taken.countDown();
                        released.await();
                    })
                    .silenceLimit(Duration.ofSeconds(2)));
            CompletableFuture<Result> first = CompletableFuture.supplyAsync(() -> silent.handle(message("1")));
            taken.await();
            try (Inbox other = consumer(inbox(database.dataSource(), (text, context) -> effect(context, "other")), 1)) {
                other.accept(deliveries.of(message("1")));
                await().atMost(LONG).until(() -> deliveries.answers.equals(List.of("done 1")));
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

    // --- The database unavailable ------------------------------------------------------------------------------------

    /** As after a fail-over: while {@code readOnly}, every connection leads to a server that accepts no changes. */
    private static DataSource failedOver(Database kind, DataSource pool, AtomicBoolean readOnly) {
        return Intercepted.of(DataSource.class, pool, (method, call) -> {
            Object result = call.proceed();
            if (readOnly.get() && result instanceof Connection connection) {
                try {
                    run(
                            connection,
                            switch (kind) {
                                case POSTGRESQL -> "set session characteristics as transaction read only";
                                case SQLITE -> "pragma query_only = 1";
                                default -> "set session transaction read only";
                            });
                } catch (SQLException e) {
                    connection.close(); // a pool may hand out a connection that was just closed; this returns it
                    throw e;
                }
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
            Inbox.Builder inbox = inbox(failedOver(kind, pool, readOnly), (text, context) -> {
                runs.incrementAndGet();
                effect(context, text);
            });
            InboxListener listener = new InboxListener() {
                @Override
                public void unavailable(String inbox, Throwable cause) {
                    heard.add("unavailable");
                }

                @Override
                public void available(String inbox, Duration after) {
                    heard.add("available");
                }
            };
            try (Inbox consumer = consumer(inbox.listener(listener), 1)) {
                IntStream.range(0, 200).forEach(i -> consumer.accept(deliveries.of(message("event-" + i))));
                await().pollDelay(Duration.ofSeconds(2)).until(() -> heard.contains("unavailable"));
                assertThat(deliveries.answers).isEmpty();
                readOnly.set(false);
                await().atMost(LONG.multipliedBy(2)).until(() -> deliveries.answers.size() == 200);
            }
            assertThat(deliveries.answers).allMatch(each -> each.startsWith("done"));
            assertThat(runs).as("handlers that ran").hasValue(200);
            assertThat(effects(database)).hasSize(200);
            assertThat(heard).containsExactly("unavailable", "available");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"killed", "read-only", "killed and swallowed"})
    void A20_aHandlerThatBreaksItsConnectionEachTimeIsADeadLetter(String how) throws Exception {
        for (Database kind : List.of(Database.POSTGRESQL, Database.MARIADB, Database.MYSQL)) {
            deliveries.answers.clear();
            try (TestDatabase database = open(kind)) {
                Inbox.Builder inbox = inbox(database.dataSource(), (text, context) -> {
                    effect(context, text);
                    if (text.equals("bad")) {
                        breakConnection(kind, how, context.connection());
                    }
                });
                try (Inbox consumer = consumer(inbox, 3)) {
                    consumer.accept(deliveries.of(message("1", "key", "bad")));
                    consumer.accept(deliveries.of(message("2", "key", "good")));
                    await().atMost(LONG).until(() -> deliveries.answers.size() == 2);
                }
                assertThat(deliveries.answers.get(0)).as(kind + " " + how).startsWith("dead 1");
                assertThat(deliveries.answers.get(1)).isEqualTo("done 2");
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
}
