package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.LONG;
import static dev.posthaste.tests.TestOutbox.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.Relay;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.RecordingBroker;
import dev.posthaste.tests.TestOutbox.Rows;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Audit findings of November 2026 about the order within a key, and about what blocks a key. */
class OrderAuditTest {

    // --- 3 -----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"}) // no late commits with one writer at a time
    void A03_gapsAreNeverForgottenWhenIdsStepByTwo(Database kind) throws Exception {
        int step = kind == Database.POSTGRESQL ? 2 : 1; // on the others, the step is a session setting
        lateCommitsKeepTheirPlace(kind, step, (outbox, others) -> {
            try (Connection connection = outbox.begin();
                    Statement statement = connection.createStatement()) {
                if (kind != Database.POSTGRESQL) {
                    statement.execute("set session auto_increment_increment = 2");
                }
                outbox.fill(connection, others);
                connection.commit();
                if (kind != Database.POSTGRESQL) {
                    statement.execute("set session auto_increment_increment = 1");
                }
            }
        });
    }

    /** A row that is deleted before its commit leaves the same as a rolled-back transaction: an unused id. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"}) // no late commits with one writer at a time
    void A03_gapsAreNeverForgottenWhenEverySecondIdWasRolledBack(Database kind) throws Exception {
        lateCommitsKeepTheirPlace(kind, 1, (outbox, others) -> {
            try (Connection connection = outbox.begin();
                    Statement statement = connection.createStatement()) {
                outbox.fill(connection, others.withCount(2 * others.count()));
                // By the primary key, from the first one on, because the late transaction's row is locked.
                String delete = kind == Database.POSTGRESQL
                        ? "delete from orders o"
                        : "delete o from orders o force index (primary)";
                statement.execute(delete + " where o.id >= " + lowest(statement, others) + " and mod(o.id, 2) = 0");
                connection.commit();
            }
        });
    }

    private static long lowest(Statement statement, Rows rows) throws SQLException {
        try (ResultSet row = statement.executeQuery("select id from orders where event_id = '" + rows.name() + "-1'")) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Writes many events of other keys, with an unused id after each. */
    private interface Others {
        void write(TestOutbox outbox, Rows others) throws SQLException;
    }

    private static void lateCommitsKeepTheirPlace(Database kind, int step, Others others) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind);
                Relay relay = outbox.relay("me").build().start()) {
            if (step > 1) {
                outbox.database.execute("alter sequence orders_id_seq increment by " + step);
            }
            for (int round = 1; round <= 3; round++) {
                String key = "K" + round;
                try (Connection late = outbox.begin()) {
                    outbox.write(late, event(key, key + "-v1"));
                    others.write(outbox, Rows.of("others" + round, 12_000));
                    outbox.awaitNothingPending(LONG);
                    late.commit();
                    outbox.write(late, event(key, key + "-v2"));
                    late.commit();
                }
                outbox.awaitPublished(key + "-v1", LONG);
                outbox.awaitPublished(key + "-v2", LONG);
                assertThat(arrivals(outbox, key)).containsExactly(key + "-v1", key + "-v2");
            }
            assertThat(relay.owned()).containsExactly("orders");
        }
    }

    /** Does not use {@link RecordingBroker#firstArrivalsByKey}, which is meant for fewer events. */
    private static List<String> arrivals(TestOutbox outbox, String key) {
        return outbox.broker.arrived().stream()
                .filter(message -> key.equals(message.key()))
                .map(RecordingBroker::body)
                .toList();
    }

    /**
     * Thousands of rows stay in the table behind a key that waits for its retry. They are above the lowest gap and
     * below the late event, so a gap check that reads a bounded number of rows does not reach it.
     */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"}) // no late commits with one writer at a time
    void A03b_looksBehindReadToTheEnd(Database kind) throws Exception {
        UnaryOperator<OutboxDefinition> patient =
                o -> o.retry(RetryPolicy.fixed(Duration.ofMinutes(10)).forever());
        try (TestOutbox outbox = TestOutbox.on(kind);
                Relay relay = outbox.relay("me", patient).build().start()) {
            outbox.broker.answering(
                    message -> "waiting".equals(message.key()) ? Outcome.rejected("not now") : Outcome.acknowledged());
            outbox.write("first", "first");
            rollBack(outbox, 1);
            outbox.fill(Rows.of("waiting", 5_000).withKey("waiting"));
            await().atMost(LONG).until(() -> outbox.count("attempts = 1") == 1);
            for (int round = 1; round <= 10; round++) {
                String key = "K" + round;
                try (Connection late = outbox.begin()) {
                    outbox.write(late, event(key, key + "-v1"));
                    rollBack(outbox, 600);
                    outbox.write("other", "other-" + round);
                    outbox.awaitPublished("other-" + round, LONG);
                    late.commit();
                    outbox.write(late, event(key, key + "-v2"));
                    late.commit();
                }
                outbox.awaitPublished(key + "-v1", LONG);
                outbox.awaitPublished(key + "-v2", LONG);
                assertThat(arrivals(outbox, key)).containsExactly(key + "-v1", key + "-v2");
            }
            assertThat(relay.owned()).containsExactly("orders");
            assertThat(outbox.count("status = 'pending' and event_key = 'waiting'"))
                    .isEqualTo(5_000);
        }
    }

    private static void rollBack(TestOutbox outbox, int events) throws SQLException {
        try (Connection connection = outbox.begin()) {
            outbox.fill(connection, Rows.of("never", events));
            connection.rollback();
        }
    }

    // --- 12 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void A12_keysThatDifferInATrailingSpaceAreBlockedEach(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            bothKeysStayBlocked(outbox, "K", "K ");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MARIADB", "MYSQL"})
    void A12_keysThatDifferInCaseAreBlockedEachWhereTheDatabaseHoldsThemEqual(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind)) {
            outbox.database.execute(
                    "alter table orders modify event_key varchar(128) character set utf8mb4 collate utf8mb4_general_ci");
            bothKeysStayBlocked(outbox, "K", "k");
        }
    }

    private static void bothKeysStayBlocked(TestOutbox outbox, String one, String other) throws Exception {
        outbox.broker.answering(message -> RecordingBroker.body(message).endsWith("v1")
                ? Outcome.rejected("too large").permanent(true)
                : Outcome.acknowledged());
        outbox.write(event(one, "one-v1"), event(other, "other-v1"));
        try (Relay first = outbox.relay("first", TestOutbox.BLOCK).build().start()) {
            outbox.awaitStatus("one-v1", "dead", LONG);
            outbox.awaitStatus("other-v1", "dead", LONG);
            assertThat(first.owned()).containsExactly("orders");
        }
        outbox.write(event(one, "one-v2"), event(other, "other-v2"), event("healthy", "healthy"));
        // It learns only from the table which keys are blocked.
        try (Relay second = outbox.relay("second", TestOutbox.BLOCK).build().start()) {
            outbox.awaitPublished("healthy", LONG);
            outbox.write("healthy", "healthy-2");
            outbox.awaitPublished("healthy-2", LONG);
            assertThat(outbox.status("one-v2")).as("behind its dead event").isEqualTo("pending");
            assertThat(outbox.status("other-v2")).as("behind its dead event").isEqualTo("pending");
            outbox.requeue("other-v1");
            outbox.broker.answering(message -> Outcome.acknowledged());
            outbox.awaitPublished("other-v2", LONG);
            assertThat(arrivals(outbox, other)).containsExactly("other-v1", "other-v2");
            assertThat(outbox.status("one-v2")).as("behind its dead event").isEqualTo("pending");
            assertThat(second.owned()).containsExactly("orders");
        }
    }

    // --- 18 ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void A18_idsBelowOneArePublishedInTheirOrder(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind);
                Connection connection = outbox.begin();
                Statement statement = connection.createStatement()) {
            if (kind == Database.MYSQL || kind == Database.MARIADB) {
                statement.execute("set session sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')");
            }
            for (long id : new long[] {-7, 0, 5}) {
                statement.execute("""
                        insert into %s (id, event_id, event_type, event_key, payload, status, created_at, updated_at)
                        values (%d, '%2$d', '%s', 'K', '%2$d', 'pending', %4$s, %4$s)
                        """.formatted(
                        kind == Database.H2 ? "\"orders\"" : "orders", id, TestOutbox.TYPE, outbox.database.now()));
            }
            connection.commit();
            try (Relay relay = outbox.relay("me").build().start()) {
                await().atMost(Duration.ofSeconds(10))
                        .until(() -> outbox.broker.arrived().size() == 3);
                assertThat(outbox.broker.bodies()).containsExactly("-7", "0", "5");
                assertThat(relay.owned()).containsExactly("orders");
            }
        }
    }
}
