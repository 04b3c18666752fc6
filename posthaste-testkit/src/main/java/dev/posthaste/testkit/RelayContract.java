package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.relay.ManualRelay;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.OutboxPolicy.AfterDead;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.RelaySettings;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a relay must do on every database, with a broker that answers as the test says. */
public abstract class RelayContract extends WithRelay {
    // --- The ordinary day
    // ----------------------------------------------------------------------------------------------

    @Test
    void everyEventArrivesInOrderOfItsKeyAndIsMarked() throws Exception {
        try (Connection connection = begin()) {
            List<Event> events = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                events.add(Event.of(TYPE, "k" + i % 7, "" + i));
            }
            outbox.write(connection, events);
            connection.commit();
        }
        pumpUntilArrived(relay(), 3000);
        assertThat(broker.arrived()).hasSize(3000);
        broker.firstArrivalsByKey()
                .forEach((key, bodies) -> assertThat(bodies)
                        .isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b))));
        assertThat(new HashSet<>(statuses())).containsExactly("published");
        Message first = broker.arrived().get(0);
        assertThat(first.destination()).isEqualTo("orders-topic");
        assertThat(first.eventType()).isEqualTo(TYPE);
        assertThat(first.eventId()).hasSize(36);
    }

    @Test
    void aRelayWithThreadsDeliversAndStops() throws Exception {
        try (Relay relay = builder("threads").build().start()) {
            for (int i = 0; i < 50; i++) {
                write("k", "" + i);
                relay.wake("orders");
            }
            until("all arrive", Thread::onSpinWait, () -> broker.arrived().size() >= 50);
            until("all are settled", Thread::onSpinWait, () -> journal.backlog().pending() == 0);
        }
        assertThat(broker.bodies()).containsExactlyElementsOf(numbers(0, 50));
        assertThat(query("select owner from posthaste_lease")).containsExactly("");
        assertThat(new LeaseTable(dataSource, dialect).candidates()).noneMatch(LeaseTable.Candidate::live);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("posthaste-relay") && thread.isAlive());
    }

    @Test
    void H29_withoutAnyHintEveryEventIsFound() throws Exception {
        try (Relay relay = builder("polling").build().start()) {
            until("it owns the outbox", Thread::onSpinWait, () -> !relay.owned().isEmpty());
            for (int i = 0; i < 20; i++) {
                write("k", "" + i);
                int written = i;
                until("it is found", Thread::onSpinWait, () -> broker.arrived().size() > written);
            }
        }
        assertThat(broker.bodies()).containsExactlyElementsOf(numbers(0, 20));
    }

    @Test
    void closeWorksBeforeStartAndTwice() {
        Relay relay = builder("never").build();
        relay.close();
        relay.close();
    }

    @Test
    void aStopWaitsForWhatIsAtTheBroker() throws Exception {
        Relay relay = builder("stopping").build().start();
        broker.hold();
        write("k", "1");
        until("it is at the broker", Thread::onSpinWait, () -> broker.heldCount() == 1);
        Thread stopper = new Thread(relay::close);
        stopper.start();
        broker.release();
        stopper.join(20_000);
        assertThat(stopper.isAlive()).isFalse();
        assertThat(statuses()).containsExactly("published");
    }

    @Test
    void anEventForAForeignDestinationIsDeadAndSaysWhy() throws Exception {
        write("k", "1");
        execute("update " + table() + " set destination = 'somewhere-else'");
        ManualRelay relay = relay();
        pump(relay, "it is dead", () -> journal.backlog().dead() == 1);
        assertThat(broker.attempts()).isEmpty();
        assertThat(query("select last_error from " + table()).get(0)).contains("somewhere-else", "orders");
    }

    @Test
    void aRowWhoseHeadersAreNoJsonIsDeadAndTheOthersGoOn() throws Exception {
        write("a", "1");
        execute("update " + table() + " set headers = '{nonsense'");
        write("b", "2");
        pump(
                relay(),
                "one is dead, one arrives",
                () -> journal.backlog().dead() == 1 && broker.arrived().size() == 1);
        assertThat(query("select last_error from " + table() + " where status = 'dead'")
                        .get(0))
                .contains("headers");
    }

    @Test
    void aThrottledOutboxKeepsItsRate() throws Exception {
        for (int i = 0; i < 40; i++) {
            write("k" + i, "" + i);
        }
        ManualRelay relay = builder("slow").policy(QUICK.withMaxPerSecond(10)).buildManual();
        long start = clock.getAsLong();
        pump(relay, "some arrive", () -> broker.arrived().size() >= 11);
        // 11 events at 10 a second, of which a burst of a tenth of a second comes free.
        assertThat(Duration.ofNanos(clock.getAsLong() - start)).isGreaterThan(Duration.ofMillis(850));
    }

    // --- Late commits
    // --------------------------------------------------------------------------------------------------

    @Test
    void H01_aLateCommitIsPublished() throws Exception {
        ManualRelay relay = relay();
        try (Connection late = begin()) {
            outbox.write(late, Event.of(TYPE, "a", "late"));
            if (hasOneWriter()) {
                behind(late, true, () -> {
                    write("b", "early");
                    return true;
                });
                pumpUntilArrived(relay, 2);
                assertThat(broker.bodies()).containsExactly("late", "early");
                return;
            }
            write("b", "early");
            pumpUntilArrived(relay, 1);
            late.commit();
        }
        pumpUntilArrived(relay, 2);
        assertThat(broker.bodies()).containsExactly("early", "late");
    }

    @Test
    void H02_aTransactionOpenAcrossManyPollsIsNeverTakenForARollback() throws Exception {
        ManualRelay relay = relay();
        try (Connection open = begin()) {
            outbox.write(open, Event.of(TYPE, "a", "slow"));
            for (int i = 0; hasOneWriter() && i < 3; i++) {
                relay.pass(); // which cannot do much, and must not break
                clock.advance(Duration.ofMinutes(10));
            }
            for (int i = 0; !hasOneWriter() && i < 20; i++) {
                write("b", "" + i);
                pumpUntilArrived(relay, i + 1);
                clock.advance(Duration.ofMinutes(10));
            }
            open.commit();
        }
        for (int i = 0; hasOneWriter() && i < 20; i++) {
            write("b", "" + i);
        }
        pumpUntilArrived(relay, 21);
        assertThat(broker.bodies()).element(hasOneWriter() ? 0 : 20).isEqualTo("slow");
    }

    @Test
    void lateCommitsAmongManyWritersAreAllFound() throws Exception {
        List<Thread> writers = new ArrayList<>();
        Set<Throwable> failures = ConcurrentHashMap.newKeySet();
        for (int w = 0; w < 8; w++) {
            int writer = w;
            Thread thread = new Thread(() -> {
                try {
                    for (int i = 0; i < 60; i++) {
                        try (Connection connection = begin()) {
                            outbox.write(connection, Event.of(TYPE, "w" + writer, writer + "-" + i));
                            if (i % 7 == 0) {
                                Thread.sleep(2);
                            }
                            if (i % 10 == 9) {
                                connection.rollback();
                            } else {
                                connection.commit();
                            }
                        }
                    }
                } catch (Exception e) {
                    failures.add(e);
                }
            });
            writers.add(thread);
            thread.start();
        }
        ManualRelay relay = relay();
        pump(relay, "all writers are done", () -> writers.stream().noneMatch(Thread::isAlive));
        pumpUntilArrived(relay, 8 * 54);
        assertThat(failures).isEmpty();
        assertThat(broker.arrived()).hasSize(8 * 54);
        assertThat(broker.bodies()).noneMatch(body -> body.endsWith("9"));
        broker.firstArrivalsByKey()
                .values()
                .forEach(bodies ->
                        assertThat(bodies).isSortedAccordingTo((a, b) -> Integer.compare(number(a), number(b))));
    }

    private static int number(String body) {
        return Integer.parseInt(body.substring(body.indexOf('-') + 1));
    }

    // --- Order under failures
    // --------------------------------------------------------------------------------------------

    @Test
    void H05_aKeyWaitsForItsFailingEventAndOtherKeysGoOn() throws Exception {
        Set<String> failing = ConcurrentHashMap.newKeySet();
        failing.add("a1");
        broker.answering(message ->
                failing.contains(RecordingBroker.body(message)) ? Outcome.rejected("not now") : Outcome.ACKNOWLEDGED);
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
            return number % 10 == 3 && attempt < 3 ? Outcome.rejected("nack") : Outcome.ACKNOWLEDGED;
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
                ? new Outcome.Unknown("timeout")
                : Outcome.ACKNOWLEDGED);
        write(Event.of(TYPE, "a", "1"), Event.of(TYPE, "a", "2"));
        pumpUntilArrived(relay(), 2);
        assertThat(broker.attempts())
                .extracting(RecordingBroker::body)
                .containsExactly("1", "1", "1", "1", "2", "2", "2", "2");
        assertThat(query("select attempts from " + table())).containsExactly("0", "0");
    }

    @Test
    void aDelayedEventWaitsAndItsKeyWithIt() throws Exception {
        write(
                Event.builder(TYPE)
                        .key("a")
                        .payload("1")
                        .delay(Duration.ofMillis(700))
                        .build(),
                Event.of(TYPE, "a", "2"),
                Event.of(TYPE, "b", "3"),
                Event.builder(TYPE).payload("4").delay(Duration.ofMillis(300)).build());
        ManualRelay relay = relay();
        pumpUntilArrived(relay, 4);
        assertThat(broker.bodies()).containsExactly("3", "4", "1", "2");
    }

    // --- A long backlog of one key
    // ---------------------------------------------------------------------------------------

    @Test
    void aBlockedKeyDelaysOnlyItself() throws Exception {
        Set<String> blocked = ConcurrentHashMap.newKeySet();
        blocked.add("a0");
        broker.answering(message ->
                blocked.contains(RecordingBroker.body(message)) ? Outcome.rejected("not now") : Outcome.ACKNOWLEDGED);
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
        OutboxPolicy patient = QUICK.withRetry(RetryPolicy.forever(Duration.ofMillis(50), Duration.ofMillis(200)));
        ManualRelay relay = builder("me")
                .policy(patient)
                .settings(RelaySettings.defaults().withWindow(100, 300, 1 << 20))
                .buildManual();
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
        ManualRelay relay = builder("me")
                .settings(RelaySettings.defaults().withWindow(1000, 4000, 5_000_000))
                .buildManual();
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

    // --- Dead
    // --------------------------------------------------------------------------------------------------------------

    @Test
    void H37_afterADeadEventItsKeyGoesOnWhenToldToSkip() throws Exception {
        broker.answering(message ->
                RecordingBroker.body(message).equals("a1") ? Outcome.rejected("too large") : Outcome.ACKNOWLEDGED);
        write(Event.of(TYPE, "a", "a1"), Event.of(TYPE, "a", "a2"));
        ManualRelay relay = relay();
        pump(relay, "a2 arrives", () -> broker.arrived().size() == 1);
        pump(relay, "settled", () -> journal.backlog().pending() == 0);
        assertThat(query("select status, attempts, last_error from " + table() + " order by id"))
                .containsExactly("dead|3|too large", "published|0|null");
    }

    @Test
    void H37_afterADeadEventItsKeyWaitsForAnOperatorWhenToldToBlock() throws Exception {
        Set<String> failing = ConcurrentHashMap.newKeySet();
        failing.add("a1");
        broker.answering(message ->
                failing.contains(RecordingBroker.body(message)) ? Outcome.rejected("too large") : Outcome.ACKNOWLEDGED);
        write(Event.of(TYPE, "a", "a1"), Event.of(TYPE, "a", "a2"), Event.of(TYPE, "b", "b1"));
        ManualRelay first =
                builder("first").policy(QUICK.withAfterDead(AfterDead.BLOCK)).buildManual();
        pump(first, "a1 is dead", () -> journal.backlog().dead() == 1);
        first.release();
        ManualRelay relay =
                builder("second").policy(QUICK.withAfterDead(AfterDead.BLOCK)).buildManual();
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
        write(Event.builder(TYPE).key("a").payload("1").maxAttempts(1).build());
        ManualRelay relay = relay();
        pump(relay, "it is dead", () -> journal.backlog().dead() == 1);
        broker.answering(message -> Outcome.ACKNOWLEDGED);
        requeueAll();
        pumpUntilArrived(relay, 1);
    }

    // --- A broker that is away
    // ------------------------------------------------------------------------------------------------

    @Test
    void H33_aLongOutageOfTheBrokerCountsNoAttempt() throws Exception {
        broker.answering(message -> new Outcome.Unavailable("connection refused"));
        for (int i = 0; i < 20; i++) {
            write("k" + i % 4, "" + i);
        }
        ManualRelay relay = relay();
        for (int i = 0; i < 100; i++) {
            clock.advance(Duration.ofMinutes(1));
            relay.pass();
        }
        assertThat(broker.attempts()).hasSizeGreaterThan(20);
        assertThat(query("select distinct status, attempts from " + table())).containsExactly("pending|0");
        broker.answering(message -> Outcome.ACKNOWLEDGED);
        clock.advance(Duration.ofSeconds(31));
        pumpUntilArrived(relay, 20);
        broker.firstArrivalsByKey()
                .forEach((key, bodies) -> assertThat(bodies)
                        .isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b))));
        assertThat(broker.arrived()).hasSize(20);
    }

    @Test
    void aBrokerThatIsAwayIsProbedAndNotHammered() throws Exception {
        broker.answering(message -> new Outcome.Unavailable("connection refused"));
        for (int i = 0; i < 20; i++) {
            write("k" + i, "" + i);
        }
        ManualRelay relay = relay();
        pump(relay, "it is found out", () -> broker.attempts().size() >= 20);
        broker.forget();
        for (int i = 0; i < 1000; i++) {
            clock.advance(Duration.ofMillis(100));
            relay.pass();
        }
        // 100 s of waits that double from 0.1 s to 30 s.
        assertThat(broker.attempts()).hasSizeBetween(5, 16);
    }

    // --- The database
    // ---------------------------------------------------------------------------------------------------------

    @Test
    void H32_noConnectionIsHeldWhileTheBrokerIsFrozen() throws Exception {
        broker.hold();
        for (int i = 0; i < 10; i++) {
            write("k" + i, "" + i);
        }
        try (Relay relay = builder("me").build().start()) {
            until("ten are at the broker", Thread::onSpinWait, () -> broker.heldCount() == 10);
            String open = switch (dialect.name()) {
                case "postgresql" ->
                    "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
                            + " and datname = current_database()";
                case "h2" -> "select 0";
                case "sqlite" ->
                    "update posthaste_lease set epoch = epoch returning 0"; // which nobody keeps from writing
                default -> "select count(*) from information_schema.innodb_trx";
            };
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < 20; i++) {
                seen.addAll(query(open));
                Thread.sleep(10);
            }
            assertThat(seen).contains("0");
            broker.release();
        }
        assertThat(statuses().stream().collect(Collectors.toSet())).containsExactly("published");
    }
}
