package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.ORDERS;
import static dev.posthaste.tests.TestOutbox.TYPE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Schema;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.InboxListener;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.servers.Database;
import dev.posthaste.servers.DatabaseServer;
import dev.posthaste.servers.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Events for which an inbox has no handler. */
class UnknownTypesTest {
    private static final String UNKNOWN = "order.forgotten";

    private final Deliveries deliveries = new Deliveries();
    private final List<String> heard = new CopyOnWriteArrayList<>();

    private Inbox.Builder inbox(TestDatabase database) {
        return Inbox.builder("test", database.dataSource())
                .on(TYPE, String.class, (text, context) -> {})
                .listener(new InboxListener() {
                    @Override
                    public void ignored(String inbox, Message message) {
                        heard.add("ignored " + message.eventId());
                    }

                    @Override
                    public void postponed(String inbox, Message message, Throwable cause) {
                        heard.add("postponed " + message.eventId());
                    }
                });
    }

    private static TestDatabase open(Database kind) throws SQLException {
        TestDatabase database = DatabaseServer.of(kind).createDatabase();
        Schema.create(database.dataSource(), Catalog.empty());
        return database;
    }

    private static List<String> notes(TestDatabase database) {
        return database.query("select event_id from posthaste_inbox order by event_id");
    }

    @ParameterizedTest
    @EnumSource
    void areIgnoredAndCountedUnlessSomethingElseIsSaid(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox = inbox(database).build()) {
            inbox.accept(deliveries.of(UNKNOWN, "k", "1"));
            inbox.accept(deliveries.of(TYPE, "k", "2"));
            deliveries.await(2);
            assertThat(deliveries.answers).containsExactly("done 1", "done 2");
            assertThat(heard).containsExactly("ignored 1");
            assertThat(notes(database))
                    .as("a handler added later handles a replay")
                    .containsExactly("2");
            assertThat(inbox.handles(UNKNOWN)).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void areConsumedInATrackedOutboxWhenTheyAreIgnored(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind, ORDERS.tracked(true))) {
            outbox.write("k", "1");
            Message message = Deliveries.message(UNKNOWN, "1", "k", "x")
                    .headers(Map.of(MessageHeaders.OUTBOX, "orders", MessageHeaders.POSITION, "1"));
            Receipts receipts = Receipts.inDatabase(outbox.catalog);
            try (Inbox inbox = inbox(outbox.database).receipts(receipts).build()) {
                inbox.accept(deliveries.of(message));
                deliveries.await(1);
            }
            assertThat(deliveries.answers).containsExactly("done 1");
            assertThat(Admin.of(outbox.database.dataSource(), outbox.catalog)
                            .outbox("orders")
                            .counts())
                    .containsEntry(Status.CONSUMED, 1L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void waitWithTheirKeyForAProcessThatKnowsThem(Database kind) throws Exception {
        try (TestDatabase database = open(kind)) {
            try (Inbox old = inbox(database).unknownTypes(UnknownTypes.HOLD).build()) {
                old.accept(deliveries.of(UNKNOWN, "k", "1"));
                old.accept(deliveries.of(TYPE, "k", "2"));
                old.accept(deliveries.of(TYPE, "other", "3"));
                deliveries.await(1);
                await().until(() -> heard.contains("postponed 1"));
                assertThat(deliveries.answers).containsExactly("done 3");
            }
            assertThat(deliveries.answers).containsExactly("done 3", "abandoned 1", "abandoned 2");
            try (Inbox deployed = inbox(database)
                    .on(UNKNOWN, String.class, (text, context) -> {})
                    .build()) {
                deployed.accept(deliveries.of(UNKNOWN, "k", "1"));
                deployed.accept(deliveries.of(TYPE, "k", "2"));
                deliveries.await(5);
            }
            assertThat(notes(database)).containsExactly("1", "2", "3");
        }
    }

    @ParameterizedTest
    @EnumSource
    void areDeadLettersAtOnceWhereThatIsSaid(Database kind) throws Exception {
        try (TestDatabase database = open(kind);
                Inbox inbox =
                        inbox(database).unknownTypes(UnknownTypes.DEAD_LETTER).build()) {
            inbox.accept(deliveries.of(UNKNOWN, "k", "1"));
            inbox.accept(deliveries.of(TYPE, "k", "2"));
            deliveries.await(2);
            assertThat(deliveries.answers.get(0)).startsWith("dead 1").contains("no handler", UNKNOWN, TYPE);
            assertThat(deliveries.answers.get(1)).isEqualTo("done 2");
            assertThat(heard).isEmpty();
        }
    }

    @Test
    void areRejectedByTheLocalBrokerWhateverItsInboxesSay() throws Exception {
        for (UnknownTypes policy : UnknownTypes.values()) {
            try (TestDatabase database = open(Database.H2);
                    Inbox inbox = inbox(database).unknownTypes(policy).build();
                    LocalBroker broker = LocalBroker.to(inbox)) {
                CompletableFuture<Outcome> outcome = new CompletableFuture<>();
                broker.publish(Deliveries.message(UNKNOWN, "1", "k", "x"), outcome::complete);
                assertThat(outcome.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Rejected.class);
            }
        }
        assertThat(heard).isEmpty();
    }
}
