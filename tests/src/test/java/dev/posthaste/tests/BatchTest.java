package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Schema;
import dev.posthaste.inbox.BatchContext;
import dev.posthaste.inbox.BatchHandler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many events in one transaction. */
class BatchTest {
    private static final String TYPE = "price.changed";
    private static final String GATE = "gate";

    private final Deliveries deliveries = new Deliveries();
    private final List<List<String>> batches = new CopyOnWriteArrayList<>();
    private final CountDownLatch open = new CountDownLatch(1);

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        database.execute("create table effects (name varchar(100))");
        return database;
    }

    /** One thread, which is busy until the gate opens: everything that arrives meanwhile is then there together. */
    private Inbox.Builder inbox(TestDatabase database, int max, BatchHandler<String> handler) {
        return Inbox.builder("test", database.dataSource())
                .on(GATE, String.class, (text, context) -> open.await())
                .onBatch(TYPE, String.class, max, (texts, context) -> {
                    batches.add(List.copyOf(texts));
                    handler.handle(texts, context);
                })
                .retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(3))
                .threads(1);
    }

    private static void effects(List<String> texts, BatchContext context) throws SQLException {
        assertThat(context.events()).hasSameSizeAs(texts);
        try (PreparedStatement insert =
                context.connection().prepareStatement("insert into effects (name) values (?)")) {
            for (int i = 0; i < texts.size(); i++) {
                assertThat(context.events().get(i).eventId()).isEqualTo(texts.get(i));
                insert.setString(1, texts.get(i));
                insert.executeUpdate();
            }
        }
    }

    private void deliver(Inbox inbox, String... keysAndTexts) {
        inbox.accept(deliveries.of(GATE, "gate", "gate"));
        for (int i = 0; i < keysAndTexts.length; i += 2) {
            inbox.accept(deliveries.of(TYPE, keysAndTexts[i], keysAndTexts[i + 1]));
        }
        open.countDown();
        deliveries.await(1 + keysAndTexts.length / 2);
    }

    private static List<String> effects(TestDatabase database) {
        return database.query("select name from effects");
    }

    private static List<String> notes(TestDatabase database) {
        return database.query("select event_id from posthaste_inbox where event_id <> 'gate' order by event_id");
    }

    @ParameterizedTest
    @EnumSource
    void whatWaitsIsHandledAtOnceInTheOrderOfItsKeys(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(database, 4, BatchTest::effects).build()) {
            deliver(inbox, "a", "a1", "b", "b1", "a", "a2", "c", "c1", "a", "a3", "b", "b2");
            assertThat(batches.get(0)).containsExactly("a1", "a2", "a3", "b1");
            assertThat(batches.stream().flatMap(List::stream))
                    .as("each once")
                    .containsExactlyInAnyOrder("a1", "a2", "a3", "b1", "b2", "c1");
            assertThat(deliveries.answers)
                    .containsExactlyInAnyOrder(
                            "done gate", "done a1", "done a2", "done a3", "done b1", "done b2", "done c1")
                    .containsSubsequence("done a1", "done a2", "done a3")
                    .containsSubsequence("done b1", "done b2");
            assertThat(effects(database)).hasSize(6);
            assertThat(notes(database)).containsExactly("a1", "a2", "a3", "b1", "b2", "c1");
        }
    }

    @ParameterizedTest
    @EnumSource
    void whenABatchFailsEachOfItIsTriedAloneAndItsKeysKeepTheirOrder(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(database, 100, (texts, context) -> {
                            effects(texts, context);
                            if (texts.contains("bad")) {
                                throw new IllegalStateException("bad");
                            }
                            if (texts.contains("never")) {
                                throw new RejectedEventException("not of this world");
                            }
                        })
                        .build()) {
            deliver(inbox, "a", "a1", "a", "bad", "a", "a3", "b", "never", "b", "b2", "c", "c1");
            assertThat(batches.get(0)).hasSize(6);
            assertThat(batches.subList(1, batches.size())).allMatch(batch -> batch.size() == 1);
            assertThat(batches.stream().filter(List.of("bad")::equals))
                    .as("attempts")
                    .hasSize(3);
            assertThat(deliveries.answers)
                    .containsSubsequence("done a1", "dead bad: java.lang.IllegalStateException: bad", "done a3")
                    .containsSubsequence("dead never: not of this world", "done b2")
                    .contains("done c1");
            assertThat(effects(database)).containsExactlyInAnyOrder("a1", "a3", "b2", "c1");
            assertThat(notes(database)).containsExactly("a1", "a3", "b2", "c1");
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatWasHandledBeforeIsNotHandledAgainInABatch(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(database, 100, BatchTest::effects).build()) {
            database.execute("insert into posthaste_inbox (consumer, event_id, handled_at) values ('test', 'before', "
                    + database.now() + ")");
            deliver(inbox, "a", "a1", "a", "before", "b", "b1", "b", "b1");
            assertThat(deliveries.answers)
                    .filteredOn(each -> each.startsWith("done"))
                    .hasSize(5);
            assertThat(effects(database)).containsExactlyInAnyOrder("a1", "b1");
            assertThat(notes(database)).containsExactly("a1", "b1", "before");
        }
    }

    @ParameterizedTest
    @EnumSource
    void anEventThatSomebodyElseHandlesDelaysItsKeyOnly(Database kind) throws Exception {
        if (kind == Database.SQLITE) {
            return; // a writer blocks all others
        }
        try (TestDatabase database = open(kind);
                var other = database.dataSource().getConnection();
                Inbox inbox =
                        inbox(database, 100, BatchTest::effects).threads(2).build()) {
            other.setAutoCommit(false);
            try (var statement = other.createStatement()) {
                statement.execute(
                        "insert into posthaste_inbox (consumer, event_id, handled_at) values ('test', 'held', "
                                + database.now() + ")");
            }
            open.countDown();
            for (String text : List.of("held", "later")) {
                inbox.accept(deliveries.of(TYPE, "a", text));
            }
            inbox.accept(deliveries.of(TYPE, "b", "free"));
            deliveries.await(1);
            assertThat(deliveries.answers).containsExactly("done free");
            other.rollback();
            deliveries.await(3);
            assertThat(deliveries.answers).containsSubsequence("done held", "done later");
            assertThat(effects(database)).containsExactlyInAnyOrder("free", "held", "later");
        }
    }

    @Test
    void aBatchHasOneToAThousandEvents() throws Exception {
        try (TestDatabase database = open(Database.H2)) {
            for (int max : List.of(0, 1001)) {
                assertThatThrownBy(() -> inbox(database, max, BatchTest::effects))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("1 to 1000");
            }
        }
    }
}
