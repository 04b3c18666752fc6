package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.Event;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.relay.Relay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.RelayTesting;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a relay must do on every database, with a broker whose answers the test chooses. */
public abstract class RelayContract extends WithRelay {
    protected RelayContract(DatabaseSource source) {
        super(source);
    }

    // --- The ordinary day --------------------------------------------------------------------------------------------

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
            until("all arrive", DatabaseContract::pause, () -> broker.arrived().size() >= 50);
            until(
                    "all are settled",
                    DatabaseContract::pause,
                    () -> store.backlog().pending() == 0);
        }
        assertThat(broker.bodies()).containsExactlyElementsOf(numbers(0, 50));
        assertThat(operators.lease().owner()).isNull();
        assertThat(new LeaseTable(dataSource, dialect).candidates()).noneMatch(LeaseTable.Candidate::live);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("posthaste-relay") && thread.isAlive());
    }

    @Test
    void H29_withoutAnyHintEveryEventIsFound() throws Exception {
        try (Relay relay = builder("polling").build().start()) {
            until(
                    "it owns the outbox",
                    DatabaseContract::pause,
                    () -> !relay.owned().isEmpty());
            for (int i = 0; i < 20; i++) {
                write("k", "" + i);
                int written = i;
                until(
                        "it is found",
                        DatabaseContract::pause,
                        () -> broker.arrived().size() > written);
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
        until("it is at the broker", DatabaseContract::pause, () -> broker.heldCount() == 1);
        Thread stopper = new Thread(relay::close);
        stopper.start();
        broker.release();
        stopper.join(20_000);
        assertThat(stopper.isAlive()).isFalse();
        assertThat(statuses()).containsExactly("published");
    }

    @Test
    void aThrottledOutboxKeepsItsRate() throws Exception {
        for (int i = 0; i < 40; i++) {
            write("k" + i, "" + i);
        }
        ManualRelay relay =
                RelayTesting.manual(builder("slow", o -> QUICK.apply(o).maxPerSecond(10)));
        long start = clock.getAsLong();
        pump(relay, "some arrive", () -> broker.arrived().size() >= 11);
        // 11 events at 10 a second, of which a burst of a tenth of a second comes free.
        assertThat(Duration.ofNanos(clock.getAsLong() - start)).isGreaterThan(Duration.ofMillis(850));
    }

    // --- Late commits ------------------------------------------------------------------------------------------------

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

    // --- An unavailable broker ---------------------------------------------------------------------------------------

    @Test
    void H33_aLongOutageOfTheBrokerCountsNoAttempt() throws Exception {
        broker.answering(message -> Outcome.unavailable("connection refused"));
        for (int i = 0; i < 20; i++) {
            write("k" + i % 4, "" + i);
        }
        ManualRelay relay = relay();
        for (int i = 0; i < 100; i++) {
            clock.advance(Duration.ofMinutes(1));
            relay.pass();
        }
        assertThat(broker.attempts()).hasSizeGreaterThan(20);
        assertThat(statuses()).containsOnly("pending");
        assertThat(found()).extracting(FoundEvent::attempts).containsOnly(0);
        broker.answering(message -> Outcome.acknowledged());
        clock.advance(Duration.ofSeconds(31));
        pumpUntilArrived(relay, 20);
        broker.firstArrivalsByKey()
                .forEach((key, bodies) -> assertThat(bodies)
                        .isSortedAccordingTo((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b))));
        assertThat(broker.arrived()).hasSize(20);
    }

    @Test
    void aBrokerThatIsAwayIsProbedAndNotHammered() throws Exception {
        broker.answering(message -> Outcome.unavailable("connection refused"));
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

    // --- The database ------------------------------------------------------------------------------------------------

    @Test
    void H32_noConnectionIsHeldWhileTheBrokerIsFrozen() throws Exception {
        broker.hold();
        for (int i = 0; i < 10; i++) {
            write("k" + i, "" + i);
        }
        try (Relay relay = builder("me").build().start()) {
            until("ten are at the broker", DatabaseContract::pause, () -> broker.heldCount() == 10);
            String open = switch (dialect.name()) {
                case "postgresql" ->
                    "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
                            + " and datname = current_database()";
                case "h2" -> "select 0";
                case "sqlite" ->
                    "update posthaste_lease set epoch = epoch returning 0"; // which nothing keeps from writing
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
