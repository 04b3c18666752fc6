package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ReplayPlan;
import dev.posthaste.admin.ReplaySelection;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ManualRelay;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * What a replay promises, on every database: order and pace, and what becomes of it while relays, consumers, retention and other
 * operators work on the same rows.
 */
public abstract class ReplayContract extends WithAdmin {
    protected ReplayContract(DatabaseSource source) {
        super(source);
    }

    /** Writes events whose payload is their number, and lets a relay publish them. */
    private List<Long> publish(int events, int keys) throws Exception {
        List<Event> all = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            all.add(Event.of(TYPE, "k" + i % keys, "" + i));
        }
        write(all.toArray(Event[]::new));
        ManualRelay relay = relay();
        pump(relay, "all are published", () -> store.backlog().pending() == 0);
        relay.release();
        return ids();
    }

    private Replay replay(Broker to, ReplaySelection selection, int perSecond, Change change) {
        return new Replay(
                admin.outbox("orders"),
                new ReplayPlan(selection, null, null, perSecond),
                new Replay.Target(orders, to, MessageFormat.RAW),
                change);
    }

    @Test
    void H40_aReplayKeepsOrderAndPaceAndIsMarkedWhileOthersGoOn() throws Exception {
        int events = 10_000;
        publish(events, 5);
        ReplaySelection all = ReplaySelection.of(PUBLISHED);
        Admin.DryRun dry = admin.dryRun("orders", all, done -> true);
        assertThat(dry.events()).isEqualTo(events);
        assertThat(dry.counted()).isTrue();
        assertThat(dry.sample()).hasSize(10);
        RecordingBroker target = new RecordingBroker();
        Map<String, Boolean> refusedOnce = new ConcurrentHashMap<>();
        target.answering(message -> refusedOnce.putIfAbsent(RecordingBroker.body(message), true) == null
                        && RecordingBroker.body(message).endsWith("999")
                ? Outcome.unavailable("restarting")
                : Outcome.acknowledged());
        Change change = because("the search index was rebuilt");
        Replay replay = replay(target, all, 4_000, change);
        long start = System.nanoTime();
        Thread thread = new Thread(replay);
        thread.start();
        until("it runs", DatabaseContract::pause, () -> replay.progress().state() == Replay.State.RUNNING);
        broker.forget();
        ManualRelay relay = relay();
        int live = 0;
        while (thread.isAlive()) {
            write("k" + live % 5, "" + (events + live++));
            clock.advance(Duration.ofMillis(300));
            relay.pass();
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        int written = live;
        until(
                "the live ones are out",
                () -> {
                    clock.advance(Duration.ofMillis(300));
                    relay.pass();
                },
                () -> store.backlog().pending() == 0);
        assertThat(broker.arrived()).hasSize(written);
        assertThat(took).as("10,000 at 4,000 a second").isGreaterThan(Duration.ofMillis(2_400));
        Replay.Progress progress = replay.progress();
        assertThat(progress.state()).as("%s", progress).isEqualTo(Replay.State.FINISHED);
        assertThat(progress.sent()).isEqualTo(events);
        assertThat(progress.failed()).isZero();
        assertThat(target.arrived()).hasSize(events);
        target.firstArrivalsByKey()
                .forEach((key, bodies) ->
                        assertThat(bodies.stream().map(Integer::valueOf)).isSorted());
        for (Message message : target.arrived()) {
            assertThat(message.headers()).containsEntry(MessageHeaders.REPLAY, change.id());
        }
        assertThat(admin.audit("orders", null, null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.action()).isEqualTo(Action.REPLAY);
            assertThat(entry.events()).isEqualTo(events);
            assertThat(entry.detail()).startsWith("finished: status published");
        });
        Replay twice = replay(target, all, 100, change);
        twice.run();
        assertThat(twice.progress().state()).isEqualTo(Replay.State.FINISHED);
        assertThat(twice.progress().repeated()).isTrue();
        assertThat(twice.progress().sent()).isEqualTo(events);
        assertThat(target.arrived()).hasSize(events);
    }

    @Test
    void aReplayCanBeCancelledAndPassesOverWhatIsRefused() throws Exception {
        List<Long> ids = publish(100, 5);
        RecordingBroker target = new RecordingBroker();
        Replay slow = replay(target, ReplaySelection.of(PUBLISHED), 20, because("slowly"));
        Thread thread = new Thread(slow);
        thread.start();
        until("some are sent", DatabaseContract::pause, () -> slow.progress().sent() > 2);
        slow.cancel();
        thread.join(10_000);
        assertThat(slow.progress().state()).isEqualTo(Replay.State.CANCELLED);
        assertThat(target.arrived()).hasSizeLessThan(50);
        target.answering(message -> RecordingBroker.body(message).equals("7")
                ? Outcome.rejected("unroutable").permanent(true)
                : Outcome.acknowledged());
        target.forget();
        Replay some = replay(target, ReplaySelection.of(ids.subList(5, 10)), 1000, because("these"));
        some.run();
        assertThat(some.progress().sent()).isEqualTo(4);
        assertThat(some.progress().failed()).isEqualTo(1);
        assertThat(some.progress().errors()).singleElement().asString().contains("unroutable");
        assertThat(LongStream.of(5, 6, 8, 9).mapToObj(Long::toString).toList())
                .containsExactlyElementsOf(target.bodies());
        assertThatThrownBy(() -> new Replay(
                        admin.outbox("orders"),
                        new ReplayPlan(ReplaySelection.of(ids), "elsewhere", null, 10),
                        new Replay.Target(orders, target, MessageFormat.RAW),
                        because("these")))
                .hasMessageContaining("elsewhere is not among those");
    }

    @Test
    void aReplayPassesOverWhatIsPurgedOrConsumedMeanwhile() throws Exception {
        List<Long> ids = publish(1_500, 1_500);
        Thread.sleep(20); // so that all are older than nothing
        RecordingBroker target = new RecordingBroker();
        Replay found = replay(target, ReplaySelection.of(PUBLISHED), 2_000, because("rebuilt"));
        RecordingBroker other = new RecordingBroker();
        Replay given = replay(other, ReplaySelection.of(ids.subList(1_000, 1_500)), 2_000, because("rebuilt"));
        Future<?> running = threads.submit(found);
        Future<?> alsoRunning = threads.submit(given);
        until("some are sent", DatabaseContract::pause, () -> found.progress().sent() > 5);
        execute("update " + table() + " set status = " + code(Status.CONSUMED) + " where id % 2 = 0");
        Admin.Result purged = persist(
                () -> admin.purge("orders", Duration.ZERO, Set.of(Status.PUBLISHED), because("space"), d -> true));
        running.get();
        alsoRunning.get();
        assertThat(purged.events()).isPositive();
        assertThat(found.progress().state()).isEqualTo(Replay.State.FINISHED);
        assertThat(found.progress().failed()).isZero();
        assertThat(target.bodies()).doesNotHaveDuplicates().hasSize((int)
                found.progress().sent());
        assertThat(given.progress().state()).isEqualTo(Replay.State.FINISHED);
        assertThat(given.progress().sent() + given.progress().failed()).isEqualTo(500);
        assertThat(given.progress().errors()).allMatch(error -> error.contains("is not there"));
        assertThat(ids()).as("what was consumed").hasSize((int) (1_500 - purged.events()));
    }

    @Test
    void aReplayGoesOnWhileTheOutboxIsPausedAndItsRowsAreLocked() throws Exception {
        publish(50, 50);
        admin.pause("orders", because("maintenance"));
        Connection consumer = begin();
        try (Statement statement = consumer.createStatement()) {
            statement.executeUpdate("update " + table() + " set status = " + code(Status.CONSUMED));
        }
        RecordingBroker target = new RecordingBroker();
        Replay replay = replay(target, ReplaySelection.of(PUBLISHED), 2_000, because("rebuilt"));
        if (hasOneWriter()) { // it sends nothing before it has noted that it runs
            behind(consumer, false, () -> {
                replay.run();
                return true;
            });
        } else {
            replay.run();
            consumer.commit();
            consumer.close();
        }
        assertThat(replay.progress().state()).isEqualTo(Replay.State.FINISHED);
        assertThat(target.arrived()).hasSize(50);
        assertThat(statuses()).containsOnly(hasOneWriter() ? "published" : "consumed");
        assertThat(admin.audit("orders", null, null, 10))
                .extracting(AuditEntry::events)
                .containsExactly(50L, 0L);
    }

    @Test
    void aSecondStartOfAReplayLeavesTheFirstAlone() throws Exception {
        publish(60, 60);
        RecordingBroker target = new RecordingBroker();
        target.hold();
        Change change = because("rebuilt");
        Replay first = replay(target, ReplaySelection.of(PUBLISHED), 2_000, change);
        Future<?> running = threads.submit(first);
        until("all are at the broker", DatabaseContract::pause, () -> target.heldCount() == 60);
        List<Future<Replay>> others =
                threads.invokeAll(List.of(() -> second(change), () -> second(change)), 30, TimeUnit.SECONDS);
        assertThat(List.of(others.get(0).get(), others.get(1).get())).allSatisfy(each -> {
            assertThat(each.progress().state()).isEqualTo(Replay.State.ELSEWHERE);
            assertThat(each.progress().errors()).containsExactly("another process runs this replay");
        });
        target.release();
        running.get();
        assertThat(first.progress().state()).isEqualTo(Replay.State.FINISHED);
        assertThat(admin.audit("orders", null, null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.events()).isEqualTo(60);
            assertThat(entry.detail()).startsWith("finished: status published");
        });
        Replay third = second(change);
        assertThat(third.progress().repeated()).isTrue();
        assertThat(third.progress().sent()).isEqualTo(60);
        assertThat(third.progress().state()).isEqualTo(Replay.State.FINISHED);
    }

    private Replay second(Change change) {
        RecordingBroker nobody = new RecordingBroker();
        Replay replay = replay(nobody, ReplaySelection.of(PUBLISHED), 2_000, change);
        replay.run();
        assertThat(nobody.attempts()).isEmpty();
        return replay;
    }
}
