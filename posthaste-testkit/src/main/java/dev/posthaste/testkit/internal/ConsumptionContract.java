package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.LocalBroker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.inbox.AfterLastAttempt;
import dev.posthaste.inbox.Handler;
import dev.posthaste.inbox.Inbox;
import dev.posthaste.inbox.Receipts;
import dev.posthaste.inbox.UnknownTypes;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.receipts.ReceiptMessages;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.ReceiptProcessor;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.internal.ReceiptProcessors;
import dev.posthaste.relay.internal.RelayTesting;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What consumers and their receipts must do together, with an inbox, a relay or a broker between them, on every database. */
public abstract class ConsumptionContract extends DatabaseContract {
    protected ConsumptionContract(DatabaseSource source) {
        super(source);
    }

    @Override
    protected OutboxDefinition definition() {
        return super.definition().tracked(true).retry(ReceiptContract.THREE);
    }

    private Claim claim;

    @BeforeEach
    void createEffects() throws Exception {
        claim = take("me");
        execute("create table effects (name varchar(100))");
    }

    private PendingEvent written(String text) throws Exception {
        write("key", text);
        List<PendingEvent> pending = pending();
        return pending.get(pending.size() - 1);
    }

    private void publish(PendingEvent event) {
        store.settle(claim, List.of(new Verdict.Published(event.id(), event.attempts())));
    }

    // --- Inbox and outbox in one database ----------------------------------------------------------------------------

    private Inbox.Builder inbox(DataSource each) {
        return Inbox.builder("test", each).receipts(Receipts.inDatabase(catalog));
    }

    private Inbox.Builder inbox(Handler<String> handler) {
        return inbox(dataSource).on(TYPE, String.class, handler);
    }

    private static Message message(PendingEvent event) {
        Map<String, String> headers = new HashMap<>();
        headers.put(MessageHeaders.EVENT_ID, event.event().eventId());
        headers.put(MessageHeaders.EVENT_TYPE, TYPE);
        headers.put(MessageHeaders.OUTBOX, "orders");
        headers.put(MessageHeaders.POSITION, Long.toString(event.id()));
        headers.put(MessageHeaders.ATTEMPTS, Integer.toString(event.attempts()));
        return Message.of("topic", "\"x\"".getBytes(StandardCharsets.UTF_8))
                .key(event.event().key())
                .headers(headers);
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
        Attempts inbox = Attempts.of(inbox((text, context) -> {
            effect(context.connection(), "done");
            if (runs.incrementAndGet() == 1) {
                throw new IllegalStateException("after the effect");
            }
        }));
        assertThat(inbox.handle(message(event))).isInstanceOf(Attempts.Result.Failed.class);
        assertThat(statuses()).containsExactly("published");
        assertThat(query("select name from effects")).isEmpty();
        assertThat(inbox.handle(message(event))).isInstanceOf(Attempts.Result.Handled.class);
        assertThat(statuses()).containsExactly("consumed");
        assertThat(query("select name from effects")).containsExactly("done");
    }

    @Test
    void H35_deathBetweenAnyTwoStepsLeavesEffectAndReceiptTogether() throws Exception {
        int step = 0;
        boolean died;
        do {
            execute("delete from effects");
            PendingEvent event = written("step-" + ++step);
            publish(event);
            DyingDataSource dying = new DyingDataSource(dataSource, step);
            Handler<String> once = (text, context) -> effect(context.connection(), "once");
            Attempts.of(inbox(dying.dataSource()).on(TYPE, String.class, once)).handle(message(event));
            boolean effect = query("select name from effects").size() == 1;
            assertThat(found(event.id()).status()).isEqualTo(effect ? Status.CONSUMED : Status.PUBLISHED);
            Attempts.of(inbox(once)).handle(message(event));
            assertThat(query("select name from effects")).containsExactly("once");
            assertThat(found(event.id()).status()).isEqualTo(Status.CONSUMED);
            died = dying.died();
        } while (died);
        assertThat(step).isGreaterThan(5);
    }

    @Test
    void aDuplicateOfAnEventThatWasPublishedAgainIsConsumed() throws Exception {
        PendingEvent event = written("a");
        Attempts.of(Inbox.builder("test", dataSource).on(TYPE, String.class, (text, context) -> {}))
                .handle(message(event));
        publish(event);
        assertThat(Attempts.of(inbox((text, context) -> {})).handle(message(event)))
                .isInstanceOf(Attempts.Result.Duplicate.class);
        assertThat(statuses()).containsExactly("consumed");
    }

    // --- With a relay and a consumer ---------------------------------------------------------------------------------

    private void relayUntil(Inbox consumer, UnaryOperator<OutboxDefinition> policy, String... ending) throws Exception {
        new LeaseTable(dataSource, dialect).release(claim);
        try (consumer;
                LocalBroker broker = LocalBroker.to(consumer);
                Relay relay = Relay.builder(dataSource, catalog.all(policy), broker)
                        .build()
                        .start()) {
            untilAllAre(relay, ending);
        }
    }

    private void untilAllAre(Relay relay, String... ending) {
        until("all events end as " + List.of(ending), DatabaseContract::pause, () -> {
            try {
                return statuses().equals(List.of(ending)) && relay.owned().contains("orders");
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    private Inbox consumer(Inbox.Builder inbox, AfterLastAttempt after) {
        return inbox.retry(RetryPolicy.fixed(Duration.ofMillis(1)).attempts(2))
                .afterLastAttempt(after)
                .build();
    }

    @Test
    void aHandlerThatFailsIsGivenTheEventAgainUntilItIsConsumed() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Inbox.Builder inbox = inbox((text, context) -> {
            effect(context.connection(), "done");
            if (runs.incrementAndGet() < 5) {
                throw new IllegalStateException("not yet");
            }
        });
        written("a");
        relayUntil(consumer(inbox, AfterLastAttempt.REDELIVER), o -> o.retry(ReceiptContract.THREE), "consumed");
        assertThat(runs).hasValue(5);
        assertThat(query("select name from effects")).containsExactly("done");
        assertThat(found()).extracting(FoundEvent::attempts).containsExactly(2);
    }

    @Test
    void aHandlerThatAlwaysFailsLeavesADeadEventWithItsReason() throws Exception {
        Inbox.Builder inbox = inbox((text, context) -> {
            throw new IllegalStateException("out of luck");
        });
        written("a");
        relayUntil(consumer(inbox, AfterLastAttempt.REDELIVER), o -> o.retry(ReceiptContract.THREE), "dead");
        assertThat(found().get(0).error()).contains("out of luck", "2 attempts");
    }

    @Test
    void H42_anEventThatNobodyHandlesIsDeadInATrackedOutbox() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        Inbox.Builder inbox = inbox(dataSource)
                .on("order.other", String.class, (text, context) -> {})
                .unknownTypes(UnknownTypes.DEAD_LETTER);
        List<String> answers = new CopyOnWriteArrayList<>();
        try (Inbox consumer = consumer(inbox, AfterLastAttempt.DEAD_LETTER)) {
            consumer.accept(new RecordingDelivery(message(event), answers));
            until("it is answered", DatabaseContract::pause, () -> !answers.isEmpty());
        }
        assertThat(answers).containsExactly("done");
        assertThat(statuses()).containsExactly("dead");
        assertThat(found().get(0).error()).contains("no handler", TYPE);
    }

    @Test
    void receiptsThatTravelAsMessagesAreWrittenInBatches() throws Exception {
        Event[] written = new Event[100];
        Arrays.setAll(written, i -> event("key-" + i % 10, Integer.toString(i)));
        write(written);
        List<PendingEvent> events = pending();
        store.settle(
                claim,
                events.stream()
                        .<Verdict>map(each -> new Verdict.Published(each.id(), each.attempts()))
                        .toList());
        List<String> answers = new CopyOnWriteArrayList<>();
        try (ReceiptProcessor processor = ReceiptProcessor.of(dataSource, catalog);
                LocalBroker wire = LocalBroker.to(processor)) {
            Inbox.Builder inbox = Inbox.builder("elsewhere", dataSource)
                    .on(TYPE, String.class, (text, context) -> effect(context.connection(), "done"))
                    .receipts(Receipts.through(wire, Route.to("receipts")));
            try (Inbox consumer = consumer(inbox, AfterLastAttempt.REDELIVER)) {
                events.forEach(event -> consumer.accept(new RecordingDelivery(message(event), answers)));
                events.forEach(event -> consumer.accept(new RecordingDelivery(message(event), answers)));
                until("all are answered", DatabaseContract::pause, () -> answers.size() == 200);
            }
        }
        assertThat(answers).containsOnly("done");
        assertThat(statuses()).hasSize(100).containsOnly("consumed");
        assertThat(query("select name from effects")).hasSize(100);
    }

    @Test
    void anErrorThatNobodyExpectedDelaysReceiptsAndLosesNone() throws Exception {
        PendingEvent event = written("a");
        publish(event);
        AtomicInteger failures = new AtomicInteger(2);
        ReceiptStore failing = (ReceiptStore) Proxy.newProxyInstance(
                ReceiptStore.class.getClassLoader(),
                new Class<?>[] {ReceiptStore.class},
                (proxy, method, arguments) -> {
                    if (failures.getAndDecrement() > 0) {
                        throw new IllegalStateException("nobody expects this");
                    }
                    return method.invoke(receipts, arguments);
                });
        List<String> answers = new CopyOnWriteArrayList<>();
        try (ReceiptProcessor processor = ReceiptProcessors.on(catalog, outbox -> failing)) {
            Message receipt = Message.of("receipts", ReceiptMessages.write(ReceiptContract.consumed(event)));
            processor.accept(new RecordingDelivery(receipt, answers));
            until("it is answered", DatabaseContract::pause, () -> !answers.isEmpty());
        }
        assertThat(answers).containsExactly("done");
        assertThat(statuses()).containsExactly("consumed");
    }

    @Test
    void whatNobodyConsumesIsCountedFoundAndPublishedAgainWhenThePolicySaysSo() throws Exception {
        PendingEvent consumed = written("a");
        PendingEvent forgotten = written("b");
        written("still pending");
        publish(consumed);
        publish(forgotten);
        receipts.receive(
                List.of(ReceiptContract.consumed(consumed)), RefusalPolicy.of(ReceiptContract.THREE, new Random(1)));
        AtomicLong reported = new AtomicLong();
        RelayListener listener = new RelayListener() {
            @Override
            public void unconsumed(String outbox, long events, Duration oldest) {
                reported.accumulateAndGet(events, Math::max);
            }
        };
        new LeaseTable(dataSource, dialect).release(claim);
        Inbox.Builder inbox = inbox((text, context) -> effect(context.connection(), "done"));
        try (Inbox consumer = consumer(inbox, AfterLastAttempt.DEAD_LETTER);
                LocalBroker broker = LocalBroker.to(consumer);
                Relay relay = RelayTesting.measureEvery(
                                Relay.builder(
                                                dataSource,
                                                catalog.all(o -> o.retry(ReceiptContract.THREE)
                                                        .consumedWithin(Duration.ofMillis(1))
                                                        .republishUnconsumed(true)),
                                                broker)
                                        .listener(listener),
                                Duration.ofMillis(100))
                        .build()
                        .start()) {
            untilAllAre(relay, "consumed", "consumed", "consumed");
        }
        assertThat(reported.get()).isPositive();
    }

    /** Remembers how it was answered. */
    private record RecordingDelivery(Message message, List<String> answers) implements Delivery {
        @Override
        public void done() {
            answers.add("done");
        }

        @Override
        public void deadLetter(Failure failure) {
            answers.add("dead letter");
        }

        @Override
        public void abandoned() {
            answers.add("abandoned");
        }
    }
}
