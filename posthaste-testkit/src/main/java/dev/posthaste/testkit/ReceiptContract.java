package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.Consumer;
import dev.posthaste.inbox.ConsumerListener;
import dev.posthaste.inbox.ConsumerSettings;
import dev.posthaste.inbox.ConsumerSettings.AfterLastAttempt;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.ReceiptMessages;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.ReceiptIntake;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What receipts must do on every database, to a table whose rows can say {@code consumed}. */
public abstract class ReceiptContract extends DatabaseContract {
    private static final RetryPolicy THREE = RetryPolicy.fixed(Duration.ofMillis(20), 3);

    private Claim claim;

    @Override
    protected OutboxDefinition definition() {
        return super.definition().withReceipts();
    }

    @BeforeEach
    void takeLease() throws Exception {
        claim = Objects.requireNonNull(
                new LeaseTable(dataSource, dialect).take("orders", "me", null, Duration.ofMinutes(10)));
        execute("create table effects (name varchar(100))");
    }

    private PendingEvent written(String text) throws SQLException {
        write("key", '"' + text + '"');
        List<PendingEvent> pending = pending();
        return pending.get(pending.size() - 1);
    }

    private void publish(PendingEvent event) {
        journal.settle(claim, List.of(new Verdict.Published(event.id(), event.attempts())));
    }

    private int receive(Receipt... receipts) {
        return journal.receive(List.of(receipts), THREE).changed();
    }

    private static Receipt consumed(PendingEvent event) {
        return new Receipt.Consumed("orders", event.id(), event.event().eventId());
    }

    private static Receipt failed(PendingEvent event, Integer attempts) {
        return new Receipt.Failed(
                "orders", event.id(), event.event().eventId(), attempts, event.generation(), "could not");
    }

    private static Receipt rejected(PendingEvent event) {
        return new Receipt.Rejected(
                "orders", event.id(), event.event().eventId(), event.attempts(), event.generation(), "never");
    }

    private int attempts(PendingEvent event) throws SQLException {
        return Integer.parseInt(query("select " + column(Column.ATTEMPTS) + " from " + table() + " where "
                        + column(Column.ID) + " = " + event.id())
                .get(0));
    }

    // --- In any order ------------------------------------------------------------------------------------------------

    @Test
    void aConsumedEventIsConsumedAndStaysSo() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        assertThat(receive(consumed(event))).isEqualTo(1);
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select " + column(Column.CONSUMED_AT) + " from " + table()))
                .doesNotContain("null");
        assertThat(receive(consumed(event), failed(event, 0), rejected(event))).isZero();
        publish(event);
        assertThat(statuses()).containsExactly("consumed");
    }

    /** What may happen to one event, in all orders. */
    private enum Happening {
        PUBLISHED,
        CONSUMED,
        CONSUMED_AGAIN,
        FAILED,
        FAILED_AGAIN
    }

    @Test
    void H39_inWhateverOrderReceiptsComeTheEventEndsConsumed() throws Exception {
        for (List<Happening> order : permutations(List.of(Happening.values()))) {
            execute("delete from " + table());
            PendingEvent event = written(order.toString().replace(" ", ""));
            for (Happening each : order) {
                switch (each) {
                    case PUBLISHED -> publish(event);
                    case CONSUMED, CONSUMED_AGAIN -> receive(consumed(event));
                    case FAILED, FAILED_AGAIN -> receive(failed(event, 0));
                }
            }
            assertThat(statuses()).as(order.toString()).containsExactly("consumed");
            assertThat(attempts(event)).as(order.toString()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void H39_whatIsConsumedIsTheTruthAlsoOfADeadEvent() throws Exception {
        PendingEvent first = written("a");
        PendingEvent second = written("b");
        receive(rejected(first), consumed(second));
        receive(consumed(first), rejected(second));
        assertThat(statuses()).containsExactly("consumed", "consumed");
        publish(first);
        publish(second);
        assertThat(statuses()).containsExactly("consumed", "consumed");
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table()))
                .as("why it had been dead")
                .containsExactly("never", "null");
    }

    @Test
    void H39_aReceiptBeforeTheRelayKnewIsNotedAsPublishedToo() throws Exception {
        PendingEvent event = written("a");
        receive(consumed(event));
        assertThat(journal.settle(claim, List.of(new Verdict.Published(event.id(), 0)))
                        .written())
                .isEqualTo(1);
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select " + column(Column.PUBLISHED_AT) + " from " + table()))
                .doesNotContain("null");
    }

    @Test
    void H39_receiptsForARowThatIsGoneOrAnothersChangeNothing() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        PendingEvent gone = written("b");
        execute("delete from " + table() + " where " + column(Column.ID) + " = " + gone.id());
        List<Receipt> receipts = List.of(consumed(gone), failed(gone, 0), rejected(gone));
        Journal.Received received = journal.receive(receipts, THREE);
        assertThat(received.changed()).isZero();
        assertThat(received.unmatched()).containsOnlyKeys(receipts.get(1), receipts.get(2));
        if (orders.table().has(Column.EVENT_ID)) {
            assertThat(receive(new Receipt.Consumed("orders", event.id(), "another-event")))
                    .isZero();
            assertThat(statuses()).containsExactly("published");
        }
    }

    private static <T> List<List<T>> permutations(List<T> of) {
        if (of.isEmpty()) {
            return List.of(List.of());
        }
        List<List<T>> all = new ArrayList<>();
        for (T first : of) {
            List<T> rest = new ArrayList<>(of);
            rest.remove(first);
            for (List<T> each : permutations(rest)) {
                List<T> permutation = new ArrayList<>(List.of(first));
                permutation.addAll(each);
                all.add(permutation);
            }
        }
        return all;
    }

    // --- Redelivery --------------------------------------------------------------------------------------------------

    @Test
    void aFailedEventIsPendingAgainWithOneAttemptMoreAndDeadAfterTheLast() throws Exception {
        PendingEvent event = written("a");
        for (int attempt = 1; attempt < 3; attempt++) {
            PendingEvent now = pending().get(0);
            publish(now);
            assertThat(receive(failed(event, now.attempts()))).isEqualTo(1);
            assertThat(statuses()).containsExactly("pending");
            assertThat(attempts(event)).isEqualTo(attempt);
            assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table()))
                    .containsExactly("could not");
            assertThat(receive(failed(event, now.attempts())))
                    .as("the same once more")
                    .isZero();
        }
        publish(pending().get(0));
        assertThat(receive(failed(event, 2))).isEqualTo(1);
        assertThat(statuses()).containsExactly("dead");
        assertThat(attempts(event)).isEqualTo(3);
    }

    @Test
    void aFailedEventWaitsAsItsPolicySays() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        journal.receive(List.of(failed(event, 0)), RetryPolicy.fixed(Duration.ofHours(1), 3));
        long wait = pending().get(0).waitNanos();
        assertThat(Duration.ofNanos(wait)).isBetween(Duration.ofMinutes(55), Duration.ofMinutes(61));
    }

    // --- Inbox and outbox in one database ----------------------------------------------------------------------------

    private Inbox inbox(Handler<String> handler) {
        return Inbox.builder(dataSource)
                .consumer("test")
                .on(TYPE, String.class, handler)
                .receipts(Receipts.inDatabase(dataSource, catalog, THREE))
                .build();
    }

    private static Message message(PendingEvent event) {
        Map<String, String> headers = new HashMap<>();
        headers.put(MessageHeaders.EVENT_ID, event.event().eventId());
        headers.put(MessageHeaders.EVENT_TYPE, TYPE);
        headers.put(MessageHeaders.OUTBOX, "orders");
        headers.put(MessageHeaders.ROW, Long.toString(event.id()));
        headers.put(MessageHeaders.ATTEMPTS, Integer.toString(event.attempts()));
        return new Message("topic", null, "key", headers, "\"x\"".getBytes(StandardCharsets.UTF_8));
    }

    private static void effect(Connection connection, String name) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("insert into effects (name) values (?)")) {
            insert.setString(1, name);
            insert.executeUpdate();
        }
    }

    @Test
    void effectNoteAndConsumedCommitTogetherOrNotAtAll() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        AtomicInteger runs = new AtomicInteger();
        Inbox inbox = inbox((text, context) -> {
            effect(context.connection(), "done");
            if (runs.incrementAndGet() == 1) {
                throw new IllegalStateException("after the effect");
            }
        });
        assertThat(inbox.handle(message(event))).isInstanceOf(Inbox.Result.Failed.class);
        assertThat(statuses()).containsExactly("published");
        assertThat(query("select name from effects")).isEmpty();
        assertThat(inbox.handle(message(event))).isInstanceOf(Inbox.Result.Handled.class);
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select name from effects")).containsExactly("done");
    }

    @Test
    void H35_deathBetweenAnyTwoStepsLeavesEffectAndReceiptTogether() throws Exception {
        int step = 0;
        boolean died;
        do {
            execute("delete from effects");
            execute("delete from " + table());
            PendingEvent event = written("step-" + ++step);
            publish(event);
            DyingDataSource dying = new DyingDataSource(dataSource, step);
            Inbox.builder(dying.dataSource())
                    .consumer("test")
                    .on(TYPE, String.class, (text, context) -> effect(context.connection(), "once"))
                    .receipts(Receipts.inDatabase(dataSource, catalog, THREE))
                    .build()
                    .handle(message(event));
            boolean effect = query("select name from effects").size() == 1;
            assertThat(statuses()).containsExactly(effect ? "consumed" : "published");
            inbox((text, context) -> effect(context.connection(), "once")).handle(message(event));
            assertThat(query("select name from effects")).containsExactly("once");
            assertThat(statuses()).containsExactly("consumed");
            died = dying.died();
        } while (died);
        assertThat(step).isGreaterThan(5);
    }

    @Test
    void aDuplicateOfAnEventThatWasPublishedAgainIsConsumed() throws Exception {
        PendingEvent event = written("a");
        Inbox untracked = Inbox.builder(dataSource)
                .consumer("test")
                .on(TYPE, String.class, (text, context) -> {})
                .build();
        untracked.handle(message(event));
        publish(event);
        assertThat(inbox((text, context) -> {}).handle(message(event))).isInstanceOf(Inbox.Result.Duplicate.class);
        assertThat(statuses()).containsExactly("consumed");
    }

    // --- With a relay and a consumer ---------------------------------------------------------------------------------

    private void relayUntil(Consumer consumer, OutboxPolicy policy, String... ending) throws Exception {
        LeaseTable leases = new LeaseTable(dataSource, dialect);
        leases.release(claim);
        try (LocalBroker broker = new LocalBroker().subscribe(consumer);
                Relay relay = Relay.builder(dataSource, catalog)
                        .broker(broker)
                        .policy(policy)
                        .build()
                        .start()) {
            until("all rows end as " + List.of(ending), Thread::onSpinWait, () -> {
                try {
                    return statuses().equals(List.of(ending)) && relay.owned().contains("orders");
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    private Consumer consumer(Inbox inbox, AfterLastAttempt after) {
        return new Consumer(
                inbox,
                ConsumerSettings.defaults()
                        .withRetry(RetryPolicy.fixed(Duration.ofMillis(1), 2))
                        .withAfterLastAttempt(after),
                ConsumerListener.NONE);
    }

    @Test
    void aHandlerThatFailsIsGivenTheEventAgainUntilItIsConsumed() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Inbox inbox = inbox((text, context) -> {
            effect(context.connection(), "done");
            if (runs.incrementAndGet() < 5) {
                throw new IllegalStateException("not yet");
            }
        });
        written("a");
        relayUntil(
                consumer(inbox, AfterLastAttempt.REDELIVER),
                OutboxPolicy.defaults().withRetry(THREE),
                "consumed");
        assertThat(runs).hasValue(5);
        assertThat(query("select name from effects")).containsExactly("done");
        assertThat(query("select " + column(Column.ATTEMPTS) + " from " + table()))
                .containsExactly("2");
    }

    @Test
    void aHandlerThatAlwaysFailsLeavesADeadEventWithItsReason() throws Exception {
        Inbox inbox = inbox((text, context) -> {
            throw new IllegalStateException("out of luck");
        });
        written("a");
        relayUntil(
                consumer(inbox, AfterLastAttempt.REDELIVER),
                OutboxPolicy.defaults().withRetry(THREE),
                "dead");
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table())
                        .get(0))
                .contains("out of luck", "2 attempts");
    }

    @Test
    void H42_anEventThatNobodyHandlesIsDeadInATrackedOutbox() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        Inbox inbox = Inbox.builder(dataSource)
                .consumer("test")
                .on("order.other", String.class, (text, context) -> {})
                .receipts(Receipts.inDatabase(dataSource, catalog, THREE))
                .build();
        List<String> answers = new CopyOnWriteArrayList<>();
        try (Consumer consumer = consumer(inbox, AfterLastAttempt.DEAD_LETTER)) {
            consumer.accept(new RecordingDelivery(message(event), answers));
            until("it is answered", Thread::onSpinWait, () -> !answers.isEmpty());
        }
        assertThat(answers).containsExactly("done");
        assertThat(statuses()).containsExactly("dead");
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table())
                        .get(0))
                .contains("no handler", TYPE);
    }

    @Test
    void receiptsThatTravelAsMessagesAreWrittenInBatches() throws Exception {
        List<PendingEvent> events = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            write("key", Integer.toString(i));
        }
        events.addAll(pending());
        events.forEach(this::publish);
        List<String> answers = new CopyOnWriteArrayList<>();
        try (ReceiptIntake intake = new ReceiptIntake(catalog, outbox -> journal, THREE);
                LocalBroker wire = new LocalBroker().subscribe(intake)) {
            Inbox inbox = Inbox.builder(dataSource)
                    .consumer("elsewhere")
                    .on(TYPE, String.class, (text, context) -> effect(context.connection(), "done"))
                    .receipts(Receipts.through(wire, "receipts", null))
                    .build();
            try (Consumer consumer = consumer(inbox, AfterLastAttempt.REDELIVER)) {
                events.forEach(event -> consumer.accept(new RecordingDelivery(message(event), answers)));
                events.forEach(event -> consumer.accept(new RecordingDelivery(message(event), answers)));
                until("all are answered", Thread::onSpinWait, () -> answers.size() == 600);
            }
        }
        assertThat(answers).containsOnly("done");
        assertThat(statuses()).hasSize(300).containsOnly("consumed");
        assertThat(query("select name from effects")).hasSize(300);
    }

    @Test
    void anErrorThatNobodyExpectedDelaysReceiptsAndLosesNone() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        AtomicInteger failures = new AtomicInteger(2);
        Journal failing = (Journal) Proxy.newProxyInstance(
                Journal.class.getClassLoader(), new Class<?>[] {Journal.class}, (proxy, method, arguments) -> {
                    if (failures.getAndDecrement() > 0) {
                        throw new IllegalStateException("nobody expects this");
                    }
                    return method.invoke(journal, arguments);
                });
        List<String> answers = new CopyOnWriteArrayList<>();
        try (ReceiptIntake intake = new ReceiptIntake(catalog, outbox -> failing, THREE)) {
            Message receipt = new Message("receipts", null, null, Map.of(), ReceiptMessages.write(consumed(event)));
            intake.accept(new RecordingDelivery(receipt, answers));
            until("it is answered", Thread::onSpinWait, () -> !answers.isEmpty());
        }
        assertThat(answers).containsExactly("done");
        assertThat(statuses()).containsExactly("consumed");
    }

    // --- Published, and not consumed ---------------------------------------------------------------------------------

    @Test
    void whatNobodyConsumesIsCountedFoundAndPublishedAgainWhenThePolicySaysSo() throws Exception {
        PendingEvent consumed = written("a");
        PendingEvent forgotten = written("b");
        written("still pending");
        publish(consumed);
        publish(forgotten);
        receive(consumed(consumed));
        assertThat(journal.unconsumed(Duration.ofHours(1)).events()).isZero();
        Duration any = Duration.ofSeconds(-2); // also where times are kept in seconds
        assertThat(journal.unconsumed(any).events()).isEqualTo(1);
        assertThat(journal.unconsumed(any).events()).isEqualTo(1);

        AtomicLong reported = new AtomicLong();
        RelayListener listener = new RelayListener() {
            @Override
            public void unconsumed(String outbox, Journal.Unconsumed unconsumed, Duration limit) {
                reported.accumulateAndGet(unconsumed.events(), Math::max);
            }
        };
        new LeaseTable(dataSource, dialect).release(claim);
        Inbox inbox = inbox((text, context) -> effect(context.connection(), "done"));
        try (LocalBroker broker = new LocalBroker().subscribe(consumer(inbox, AfterLastAttempt.DEAD_LETTER));
                Relay relay = Relay.builder(dataSource, catalog)
                        .broker(broker)
                        .listener(listener)
                        .policy(OutboxPolicy.defaults().withRetry(THREE).withConsumedWithin(Duration.ofMillis(1), true))
                        .measureEvery(Duration.ofMillis(100))
                        .build()
                        .start()) {
            until("all are consumed", Thread::onSpinWait, () -> {
                try {
                    return statuses().equals(List.of("consumed", "consumed", "consumed"))
                            && !relay.owned().isEmpty();
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
        assertThat(reported.get()).isPositive();
    }

    @Test
    void retentionKeepsWhatWasPublishedUntilItIsConsumed() throws Exception {
        PendingEvent consumed = written("a");
        PendingEvent open = written("b");
        publish(consumed);
        publish(open);
        receive(consumed(consumed));
        OutboxPolicy keepNothing = OutboxPolicy.defaults().withKeep(Duration.ZERO, true);
        dev.posthaste.relay.Retention retention =
                new dev.posthaste.relay.Retention(orders, journal, keepNothing, RelayListener.NONE);
        AtomicInteger deleted = new AtomicInteger();
        until(
                "the times that are kept in seconds have passed",
                () -> deleted.addAndGet(retention.runOnce(() -> true)),
                () -> deleted.get() > 0);
        assertThat(statuses()).containsExactly("published");
    }

    /** Remembers how it was answered. */
    private record RecordingDelivery(Message message, List<String> answers) implements dev.posthaste.inbox.Delivery {
        @Override
        public void done() {
            answers.add("done");
        }

        @Override
        public void deadLetter(dev.posthaste.inbox.Failure failure) {
            answers.add("dead letter");
        }

        @Override
        public void abandoned() {
            answers.add("abandoned");
        }
    }
}
