package dev.posthaste.tests;

import static dev.posthaste.tests.TestOutbox.BLOCK;
import static dev.posthaste.tests.TestOutbox.LONG;
import static dev.posthaste.tests.TestOutbox.ORDERS;
import static dev.posthaste.tests.TestOutbox.TYPE;
import static dev.posthaste.tests.TestOutbox.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Receiver;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.RejectedEventException;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.RowStore;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ReceiptProcessors;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Audit findings of November 2026: cases in which nothing reported that a consumer had refused an event. */
class ReceiptAuditTest extends WithReceipts {
    // --- Several consumers on the local broker -----------------------------------------------------------------------

    private static Relay relay(TestOutbox outbox, LocalBroker broker, MessageFormat format) throws SQLException {
        return outbox.relay("relay", o -> TestOutbox.PATIENT.apply(o).format(format))
                .broker("orders", broker)
                .build()
                .start();
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B01_oneConsumersReceiptHidesNobodysRefusal(Database kind) throws Exception {
        for (MessageFormat format : List.of(MessageFormat.RAW, MessageFormat.ENVELOPE)) {
            AtomicInteger handled = new AtomicInteger();
            AtomicBoolean mended = new AtomicBoolean();
            try (TestOutbox outbox = TestOutbox.on(kind, TRACKED);
                    Inbox a = consumer(
                            inbox(outbox, "a", (text, context) -> handled.incrementAndGet())
                                    .format(format)
                                    .receipts(receipts(outbox)),
                            AfterLastAttempt.DEAD_LETTER);
                    Inbox b = consumer(
                            inbox(outbox, "b", (text, context) -> {
                                        if (!mended.get()) {
                                            throw new RejectedEventException("b cannot");
                                        }
                                    })
                                    .format(format),
                            AfterLastAttempt.DEAD_LETTER);
                    LocalBroker broker = LocalBroker.to(a, b);
                    Relay relay = relay(outbox, broker, format)) {
                outbox.write(Event.of(TYPE, "k", "{}").id("v1"));
                outbox.awaitStatus("v1", "dead", SOON);
                assertThat(outbox.database.query("select last_error from orders"))
                        .singleElement()
                        .asString()
                        .contains("b cannot");
                mended.set(true);
                outbox.requeue("v1");
                outbox.awaitStatus("v1", "consumed", SOON);
                assertThat(handled).hasValue(1);
                assertThat(relay.name()).isEqualTo("relay");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"H2", "SQLITE"}) // a handler that waits for another one holds the only write lock
    void B01_anEventEndsWhenTheLastOfItsConsumersHasHandledItAlsoAfterARestart(Database kind) throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        AtomicInteger handled = new AtomicInteger();
        AtomicInteger slow = new AtomicInteger();
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED)) {
            outbox.write("k", "v1");
            for (int life = 1; life <= 2; life++) {
                try (Inbox a = consumer(
                                inbox(outbox, "a", (text, context) -> handled.incrementAndGet())
                                        .receipts(receipts(outbox)),
                                AfterLastAttempt.REDELIVER);
                        Inbox b = consumer(
                                inbox(outbox, "b", (text, context) -> {
                                    slow.incrementAndGet();
                                    gate.await();
                                }),
                                AfterLastAttempt.DEAD_LETTER);
                        LocalBroker broker = LocalBroker.to(a, b);
                        Relay relay = relay(outbox, broker, MessageFormat.RAW)) {
                    int beginnings = life;
                    await().atMost(SOON).until(() -> handled.get() == 1 && slow.get() >= beginnings);
                    assertThat(outbox.status("v1")).isEqualTo("pending");
                    if (life == 2) {
                        gate.countDown();
                        outbox.awaitStatus("v1", "consumed", SOON);
                    } else {
                        broker.close();
                    }
                    assertThat(relay.name()).isEqualTo("relay");
                }
            }
            assertThat(handled).hasValue(1);
            assertThat(outbox.count("published_at is not null and consumed_at is not null and attempts = 0"))
                    .isEqualTo(1);
        }
    }

    // --- Refused, and the receipt changes nothing --------------------------------------------------------------------

    /** A message as sent by a relay. */
    private static Message message(long row, String eventId, Integer attempts, Integer generation) {
        Map<String, String> headers = new HashMap<>(Map.of(
                MessageHeaders.EVENT_ID,
                eventId,
                MessageHeaders.EVENT_TYPE,
                TYPE,
                MessageHeaders.OUTBOX,
                "orders",
                MessageHeaders.POSITION,
                Long.toString(row),
                MessageHeaders.ATTEMPTS,
                Integer.toString(attempts)));
        if (generation != null) {
            headers.put(MessageHeaders.GENERATION, Integer.toString(generation));
        }
        return Message.of("orders-topic", "\"x\"".getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .key("k")
                .headers(headers);
    }

    private static String answer(Receiver receiver, Message message) {
        List<String> answers = new CopyOnWriteArrayList<>();
        receiver.accept(new Answered(message, answers));
        await().atMost(SOON).until(() -> !answers.isEmpty());
        return answers.get(0);
    }

    /** The outcomes of an event that can never be handled, and of one that may succeed later. */
    private static List<String> refusals(TestOutbox outbox, Receipts receipts, Message message) {
        List<String> answers = new ArrayList<>();
        try (Inbox never = consumer(
                        inbox(outbox, "never", (text, context) -> {
                                    throw new RejectedEventException("never");
                                })
                                .receipts(receipts),
                        AfterLastAttempt.DEAD_LETTER);
                Inbox notNow = consumer(
                        inbox(outbox, "not-now", (text, context) -> {
                                    throw new IllegalStateException("not now");
                                })
                                .receipts(receipts),
                        AfterLastAttempt.REDELIVER)) {
            answers.add(answer(never, message));
            answers.add(answer(notNow, message));
        }
        return answers;
    }

    /** Writes an event and applies an SQL update to its row. */
    private static long row(TestOutbox outbox, String eventId, String set) throws SQLException {
        outbox.write("k", eventId);
        outbox.database.execute("update orders set " + set + " where event_id = '" + eventId + "'");
        return outbox.database.count("select id from orders where event_id = '" + eventId + "'");
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B02_aRefusedEventWhoseRowDoesNotSayItIsADeadLetter(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED)) {
            Receipts receipts = receipts(outbox);
            long published = row(outbox, "published", "status = 'published'");
            assertThat(refusals(outbox, receipts, message(published, "published", 0, 0)))
                    .as("the row records it, and still does after the same refusal arrives again")
                    .containsOnly("left to the outbox");
            assertThat(outbox.status("published")).isEqualTo("dead");

            Map<String, Message> nowhere = new HashMap<>();
            nowhere.put("gone", message(4711, "gone", 0, 0));
            nowhere.put("consumed", message(row(outbox, "consumed", "status = 'consumed'"), "consumed", 0, 0));
            nowhere.put("dead", message(row(outbox, "dead", "status = 'dead'"), "dead", 0, 0));
            nowhere.put("restored", message(row(outbox, "restored", "status = 'published'"), "restored", 2, 0));
            nowhere.put(
                    "another event",
                    message(row(outbox, "ours", "status = 'published'"), "of-a-service-of-the-same-name", 0, 0));
            nowhere.put(
                    "a replay",
                    message(row(outbox, "replayed", "status = 'published'"), "replayed", 0, 0)
                            .headers(Map.of(MessageHeaders.REPLAY, "r1")));
            nowhere.forEach((what, message) -> assertThat(refusals(outbox, receipts, message))
                    .as(what)
                    .hasSize(2)
                    .allMatch(answer -> answer.startsWith("dead letter: ")));
            assertThat(outbox.status("ours")).isEqualTo("published");
            assertThat(outbox.status("replayed")).isEqualTo("published");
            assertThat(outbox.status("consumed")).isEqualTo("consumed");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B02_aRefusalThatTravelsIsADeadLetterAtTheConsumerOrAtTheIntake(Database kind) throws Exception {
        OutboxDefinition untracked = OutboxDefinition.named("invoices")
                .table("invoices")
                .route(Route.to("t"))
                .types("invoice.sent");
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED, untracked)) {
            RowStore store = store(outbox);
            long published = row(outbox, "v1", "status = 'published'");
            long consumed = row(outbox, "v2", "status = 'consumed'");
            RecordingBroker wire = new RecordingBroker();
            Receipts receipts = Receipts.through(wire, Route.to("receipts"));
            List<String> answers = refusals(outbox, receipts, message(published, "v1", 0, 0));
            assertThat(answers.get(0)).as("its row cannot be checked from here").startsWith("dead letter: ");
            assertThat(answers.get(1)).as("its receipt is durable").isEqualTo("left to the outbox");
            refusals(outbox, receipts, message(consumed, "v2", 0, 0));
            assertThat(refusals(
                            outbox,
                            receipts,
                            message(published, "v1", 0, 0).headers(Map.of(MessageHeaders.REPLAY, "r"))))
                    .as("a replay's")
                    .allMatch(answer -> answer.startsWith("dead letter: "));
            List<Message> sent = wire.arrived();
            assertThat(sent).hasSize(4);
            try (ReceiptProcessor processor = ReceiptProcessors.on(outbox.catalog, each -> store)) {
                assertThat(answer(processor, sent.get(0))).isEqualTo("done");
                assertThat(outbox.status("v1")).isEqualTo("dead");
                assertThat(answer(processor, sent.get(1)))
                        .as("an earlier refusal")
                        .isEqualTo("done");
                for (Message each : sent.subList(2, 4)) {
                    assertThat(answer(processor, each))
                            .startsWith("dead letter: ")
                            .contains("v2", "is consumed");
                }
                assertThat(answer(processor, receipt(new Receipt.Rejected("invoices", 1, "i1", 0, null, "never"))))
                        .startsWith("dead letter: ")
                        .contains("invoices", "not tracked", "never");
                assertThat(answer(
                                processor, receipt(new Receipt.Failed("orders", 4711, "gone", null, null, "not now"))))
                        .startsWith("dead letter: ")
                        .contains("gone", "4711");
                assertThat(answer(processor, receipt(new Receipt.Consumed("invoices", 1, "i1"))))
                        .isEqualTo("done");
            }
        }
    }

    private static Message receipt(Receipt receipt) {
        return Message.of("receipts", ReceiptMessages.write(receipt));
    }

    // --- Late receipts -----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B12_S06_aLateCopyOfAnOldWordChangesNothing(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED);
                Relay relay = outbox.relay("relay").build().start()) {
            RowStore store = store(outbox);
            for (boolean rejected : new boolean[] {true, false}) {
                String id = rejected ? "rejected" : "failed";
                outbox.broker.forget();
                outbox.write("k", id);
                outbox.awaitPublished(id, LONG);
                Message first = outbox.broker.arrived().get(0);
                assertThat(first.headers()).containsEntry(MessageHeaders.GENERATION, "0");
                Receipt old = refusal(first, rejected);
                RetryPolicy once = RetryPolicy.fixed(Duration.ZERO).attempts(1);
                assertThat(store.receive(List.of(old), RefusalPolicy.of(once, new Random(1)))
                                .changed())
                        .isEqualTo(1);
                outbox.awaitStatus(id, "dead", LONG);
                outbox.requeue(id);
                outbox.awaitPublished(id, LONG);
                Message second = outbox.broker.arrived().get(1);
                assertThat(second.headers())
                        .containsEntry(MessageHeaders.GENERATION, "1")
                        .containsEntry(MessageHeaders.ATTEMPTS, "0");
                ReceiptStore.Received again = store.receive(List.of(old, old), RefusalPolicy.of(once, new Random(1)));
                assertThat(again.changed()).isZero();
                assertThat(again.unmatched())
                        .as("a later copy gets its own answer")
                        .isEmpty();
                assertThat(outbox.status(id)).isEqualTo("published");
                assertThat(store.receive(List.of(refusal(second, rejected)), RefusalPolicy.of(once, new Random(1)))
                                .changed())
                        .isEqualTo(1);
                assertThat(outbox.status(id)).isEqualTo("dead");
                Receipt consumed = OriginHeaders.consumed(second);
                assertThat(store.receive(List.of(consumed), RefusalPolicy.of(once, new Random(1)))
                                .changed())
                        .as("a committed effect counts")
                        .isEqualTo(1);
                assertThat(store.receive(List.of(refusal(second, rejected)), RefusalPolicy.of(once, new Random(1)))
                                .unmatched())
                        .as("the attempt was counted")
                        .isEmpty();
                assertThat(outbox.status(id)).isEqualTo("consumed");
            }
            assertThat(relay.owned()).containsExactly("orders");
        }
    }

    private static Receipt refusal(Message message, boolean rejected) {
        Receipt.Consumed origin = OriginHeaders.consumed(message);
        return rejected ? OriginHeaders.rejected(origin, message, "no") : OriginHeaders.failed(origin, message, "no");
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void B07_whatIsConsumedAfterItDiedUnblocksItsKey(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED);
                Relay relay = outbox.relay("relay", BLOCK).build().start()) {
            outbox.broker.answering(message -> message.eventId().equals("v1")
                    ? dev.posthaste.broker.Outcome.rejected("no").permanent(true)
                    : dev.posthaste.broker.Outcome.acknowledged());
            outbox.write(event("k", "v1"), event("k", "v2"));
            outbox.awaitStatus("v1", "dead", LONG);
            assertThat(outbox.status("v2")).isEqualTo("pending");
            Receipt consumed = OriginHeaders.consumed(outbox.broker.attempts().get(0));
            assertThat(store(outbox)
                            .receive(List.of(consumed), RefusalPolicy.of(THREE, new Random(1)))
                            .changed())
                    .isEqualTo(1);
            outbox.awaitPublished("v2", LONG);
            assertThat(outbox.database.query("select status, last_error from orders where event_id = 'v1'"))
                    .containsExactly("consumed|no");
            assertThat(relay.owned()).containsExactly("orders");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "H2")
    void S06_anOutboxOfAnEarlierVersionGetsItsColumn(Database kind) throws Exception {
        try (TestOutbox outbox = TestOutbox.on(kind, TRACKED)) {
            outbox.write("k", "v1");
            outbox.database.execute("alter table orders drop column generation");
            for (OutboxDefinition orders : List.of(TRACKED, ORDERS)) {
                assertThat(DatabaseSchema.check(outbox.database.dataSource(), List.of(orders))
                                .missing())
                        .containsExactly("table orders has no column generation");
            }
            Schema.create(outbox.database.dataSource(), Catalog.of(TRACKED));
            Schema.create(outbox.database.dataSource(), Catalog.of(TRACKED));
            assertThat(DatabaseSchema.check(outbox.database.dataSource(), List.of(TRACKED))
                            .missing())
                    .isEmpty();
            assertThat(outbox.database.query("select event_id, generation from orders"))
                    .containsExactly("v1|0");
        }
    }
}
