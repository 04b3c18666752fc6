package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.AfterDead;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.broker.Outcome;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** In which order a relay must publish on every database, whatever its broker refuses. */
public abstract class RelayOrderContract extends WithRelay {
    protected RelayOrderContract(DatabaseSource source) {
        super(source);
    }

    // --- Order under failures ----------------------------------------------------------------------------------------

    @Test
    void H05_aKeyWaitsForItsFailingEventAndOtherKeysGoOn() throws Exception {
        Set<String> failing = ConcurrentHashMap.newKeySet();
        failing.add("a1");
        broker.answering(message ->
                failing.contains(RecordingBroker.body(message)) ? Outcome.rejected("not now") : Outcome.acknowledged());
        write(Event.of(TYPE, "a", "a1"), Event.of(TYPE, "a", "a2"), Event.of(TYPE, "b", "b1"));
        write("a", "a3");
        ManualRelay relay = relay();
        pump(relay, "b arrives", () -> broker.bodies().equals(List.of("b1")));
        pump(relay, "a1 is retried", () -> broker.attempts().size() >= 3);
        assertThat(broker.bodies()).containsExactly("b1");
        failing.clear();
        write("a", "a4");
        pumpUntilArrived(relay, 5);
        assertThat(broker.bodies()).containsExactly("b1", "a1", "a2", "a3", "a4");
    }

    @Test
    void H06_aRejectionInTheMiddleKeepsTheOrderOfItsKey() throws Exception {
        Map<String, Integer> tries = new ConcurrentHashMap<>();
        broker.answering(message -> {
            int number = Integer.parseInt(RecordingBroker.body(message));
            int attempt = tries.merge(RecordingBroker.body(message), 1, Integer::sum);
            return number % 10 == 3 && attempt < 3 ? Outcome.rejected("nack") : Outcome.acknowledged();
        });
        for (int i = 0; i < 200; i++) {
            write("k" + i % 3, "" + i);
        }
        pumpUntilArrived(relay(), 200);
        broker.firstArrivalsByKey()
                .forEach((key, bodies) -> assertThat(bodies)
                        .isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b))));
        assertThat(broker.arrived()).hasSize(200);
    }

    @Test
    void H06_atMostOneEventOfAKeyIsWithTheBroker() throws Exception {
        broker.hold();
        write(
                Event.of(TYPE, "a", "1"),
                Event.of(TYPE, "a", "2"),
                Event.of(TYPE, "b", "3"),
                Event.of(TYPE, null, "4"),
                Event.of(TYPE, null, "5"));
        ManualRelay relay = relay();
        pump(relay, "four are at the broker", () -> broker.heldCount() == 4);
        for (int i = 0; i < 50; i++) {
            relay.pass();
        }
        assertThat(broker.attempts()).extracting(RecordingBroker::body).containsExactly("1", "3", "4", "5");
        broker.release();
        pumpUntilArrived(relay, 5);
    }

    @Test
    void H14_anUnknownOutcomeIsSentAgainBeforeAnyLaterEventOfItsKey() throws Exception {
        Map<String, Integer> tries = new ConcurrentHashMap<>();
        broker.answering(message -> tries.merge(RecordingBroker.body(message), 1, Integer::sum) < 4
                ? Outcome.unknown("timeout")
                : Outcome.acknowledged());
        write(Event.of(TYPE, "a", "1"), Event.of(TYPE, "a", "2"));
        pumpUntilArrived(relay(), 2);
        assertThat(broker.attempts())
                .extracting(RecordingBroker::body)
                .containsExactly("1", "1", "1", "1", "2", "2", "2", "2");
        assertThat(found()).extracting(FoundEvent::attempts).containsExactly(0, 0);
    }

    @Test
    void aDelayedEventWaitsAndItsKeyWithIt() throws Exception {
        write(
                Event.of(TYPE, "a", "1").delay(Duration.ofMillis(700)),
                Event.of(TYPE, "a", "2"),
                Event.of(TYPE, "b", "3"),
                Event.of(TYPE, null, "4").delay(Duration.ofMillis(300)));
        ManualRelay relay = relay();
        pumpUntilArrived(relay, 4);
        assertThat(broker.bodies()).containsExactly("3", "4", "1", "2");
    }

    // --- A long backlog of one key -----------------------------------------------------------------------------------

    @Test
    void aBlockedKeyDelaysOnlyItself() throws Exception {
        Set<String> blocked = ConcurrentHashMap.newKeySet();
        blocked.add("a0");
        broker.answering(message ->
                blocked.contains(RecordingBroker.body(message)) ? Outcome.rejected("not now") : Outcome.acknowledged());
        try (Connection connection = begin()) {
            List<Event> events = new ArrayList<>();
            for (int i = 0; i < 6000; i++) {
                events.add(Event.of(TYPE, "a", "a" + i));
                if (i % 100 == 0) {
                    events.add(Event.of(TYPE, "b" + i, "b" + i));
                }
            }
            outbox.write(connection, events);
            connection.commit();
        }
        UnaryOperator<OutboxDefinition> patient = o -> QUICK.apply(o)
                .retry(RetryPolicy.exponential(Duration.ofMillis(50), Duration.ofMillis(200))
                        .forever());
        ManualRelay relay = RelayTesting.manual(
                builder("me", patient).batch(100).window(300).windowBytes(1 << 20));
        pump(relay, "the others arrive", () -> broker.arrived().size() == 60);
        write("c", "fresh");
        pump(relay, "a fresh one arrives", () -> broker.arrived().size() == 61);
        assertThat(broker.bodies()).noneMatch(body -> body.startsWith("a"));
        blocked.clear();
        pumpUntilArrived(relay, 6061);
        assertThat(broker.firstArrivalsByKey().get("a"))
                .containsExactlyElementsOf(
                        IntStream.range(0, 6000).mapToObj(i -> "a" + i).toList());
        assertThat(broker.arrived()).hasSize(6061);
    }

    @Test
    void H27_largePayloadsStayWithinTheWindow() throws Exception {
        String large = "x".repeat(900_000);
        for (int i = 0; i < 40; i++) {
            write("k" + i % 4, i + ":" + large);
        }
        ManualRelay relay =
                RelayTesting.manual(builder("me").batch(1000).window(4000).windowBytes(5_000_000));
        broker.hold();
        for (int i = 0; i < 20; i++) {
            relay.pass();
        }
        assertThat(broker.heldCount()).isLessThanOrEqualTo(7);
        broker.release();
        pumpUntilArrived(relay, 40);
        broker.firstArrivalsByKey()
                .values()
                .forEach(bodies -> assertThat(bodies.stream()
                                .map(body -> Integer.parseInt(body.substring(0, body.indexOf(':'))))
                                .toList())
                        .isSorted());
    }

    // --- Dead --------------------------------------------------------------------------------------------------------

    @Test
    void H37_afterADeadEventItsKeyGoesOnWhenToldToSkip() throws Exception {
        broker.answering(message ->
                RecordingBroker.body(message).equals("a1") ? Outcome.rejected("too large") : Outcome.acknowledged());
        write(Event.of(TYPE, "a", "a1"), Event.of(TYPE, "a", "a2"));
        ManualRelay relay = relay();
        pump(relay, "a2 arrives", () -> broker.arrived().size() == 1);
        pump(relay, "settled", () -> store.backlog().pending() == 0);
        assertThat(statuses()).containsExactly("dead", "published");
        assertThat(found()).extracting(FoundEvent::attempts).containsExactly(3, 0);
        assertThat(found()).extracting(FoundEvent::error).containsExactly("too large", null);
    }

    @Test
    void H37_afterADeadEventItsKeyWaitsForAnOperatorWhenToldToBlock() throws Exception {
        Set<String> failing = ConcurrentHashMap.newKeySet();
        failing.add("a1");
        broker.answering(message -> failing.contains(RecordingBroker.body(message))
                ? Outcome.rejected("too large")
                : Outcome.acknowledged());
        write(Event.of(TYPE, "a", "a1"), Event.of(TYPE, "a", "a2"), Event.of(TYPE, "b", "b1"));
        ManualRelay first =
                RelayTesting.manual(builder("first", o -> QUICK.apply(o).afterDead(AfterDead.BLOCK)));
        pump(first, "a1 is dead", () -> store.backlog().dead() == 1);
        first.release();
        ManualRelay relay =
                RelayTesting.manual(builder("second", o -> QUICK.apply(o).afterDead(AfterDead.BLOCK)));
        write("a", "a3");
        write("b", "b2");
        pump(relay, "b2 arrives", () -> broker.arrived().size() == 2);
        for (int i = 0; i < 200; i++) {
            relay.pass();
        }
        assertThat(broker.bodies()).containsExactly("b1", "b2");
        failing.clear();
        requeueAll();
        pumpUntilArrived(relay, 5);
        assertThat(broker.bodies()).containsExactly("b1", "b2", "a1", "a2", "a3");
    }

    @Test
    void aRequeuedEventIsPublished() throws Exception {
        broker.answering(message -> Outcome.rejected("no"));
        write(Event.of(TYPE, "a", "1").attempts(1));
        ManualRelay relay = relay();
        pump(relay, "it is dead", () -> store.backlog().dead() == 1);
        broker.answering(message -> Outcome.acknowledged());
        requeueAll();
        pumpUntilArrived(relay, 1);
    }
}
