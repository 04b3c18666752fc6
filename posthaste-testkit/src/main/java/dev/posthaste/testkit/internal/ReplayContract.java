package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.relay.Replay;
import dev.posthaste.relay.internal.ManualRelay;
import dev.posthaste.relay.internal.ReplayRun;
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
 * What a replay promises, on every database: order and pace, and its behaviour while relays, consumers, retention and
 * other operators work on the same rows.
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

    private ReplayRun replay(Broker to, EventFilter filter, int perSecond, Change change) {
        return new ReplayRun(admin, new ReplayPlan(filter, null, null, perSecond), to, change);
    }

    @Test
    void H40_aReplayKeepsOrderAndPaceAndIsMarkedWhileOthersGoOn() throws Exception {
        int events = 10_000;
        publish(events, 5);
        EventFilter all = PUBLISHED;
        DryRun dry = admin.dryRun(all, done -> true);
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
        ReplayRun replay = replay(target, all, 4_000, change);
        long start = System.nanoTime();
        Thread thread = new Thread(replay);
        thread.start();
        until("it runs", DatabaseContract::pause, () -> replay.progress().state() == Replay.Run.State.RUNNING);
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
        ReplayRun.Progress progress = replay.progress();
        assertThat(progress.state()).as("%s", progress).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(progress.sent()).isEqualTo(events);
        assertThat(progress.failed()).isZero();
        assertThat(target.arrived()).hasSize(events);
        target.firstArrivalsByKey()
                .forEach((key, bodies) ->
                        assertThat(bodies.stream().map(Integer::valueOf)).isSorted());
        for (Message message : target.arrived()) {
            assertThat(message.headers()).containsEntry(MessageHeaders.REPLAY, change.id());
        }
        assertThat(admin.audit(null, null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.action()).isEqualTo(Action.REPLAY);
            assertThat(entry.events()).isEqualTo(events);
            assertThat(entry.detail()).startsWith("finished: status published");
        });
        ReplayRun twice = replay(target, all, 100, change);
        twice.run();
        assertThat(twice.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(twice.progress().repeated()).isTrue();
        assertThat(twice.progress().sent()).isEqualTo(events);
        assertThat(target.arrived()).hasSize(events);
    }

    @Test
    void aReplayCanBeCancelledAndPassesOverWhatIsRefused() throws Exception {
        List<Long> ids = publish(100, 5);
        RecordingBroker target = new RecordingBroker();
        ReplayRun slow = replay(target, PUBLISHED, 20, because("slowly"));
        Thread thread = new Thread(slow);
        thread.start();
        until("some are sent", DatabaseContract::pause, () -> slow.progress().sent() > 2);
        slow.cancel();
        thread.join(10_000);
        assertThat(slow.progress().state()).isEqualTo(Replay.Run.State.CANCELLED);
        assertThat(target.arrived()).hasSizeLessThan(50);
        target.answering(message -> RecordingBroker.body(message).equals("7")
                ? Outcome.rejected("unroutable").permanent(true)
                : Outcome.acknowledged());
        target.forget();
        ReplayRun some = replay(target, at(ids.subList(5, 10)), 1000, because("these"));
        some.run();
        assertThat(some.progress().sent()).isEqualTo(4);
        assertThat(some.progress().failed()).isEqualTo(1);
        assertThat(some.progress().errors()).singleElement().asString().contains("unroutable");
        assertThat(LongStream.of(5, 6, 8, 9).mapToObj(Long::toString).toList())
                .containsExactlyElementsOf(target.bodies());
        assertThatThrownBy(() -> Replay.of(admin, at(ids), target).destination("elsewhere"))
                .hasMessageContaining("elsewhere is not among those");
    }

    @Test
    void aReplayPassesOverWhatIsPurgedOrConsumedMeanwhile() throws Exception {
        List<Long> ids = publish(1_500, 1_500);
        Thread.sleep(20); // so that all are older than nothing
        RecordingBroker target = new RecordingBroker();
        ReplayRun found = replay(target, PUBLISHED, 2_000, because("rebuilt"));
        RecordingBroker other = new RecordingBroker();
        ReplayRun given = replay(other, at(ids.subList(1_000, 1_500)), 2_000, because("rebuilt"));
        Future<?> running = threads.submit(found);
        Future<?> alsoRunning = threads.submit(given);
        until("some are sent", DatabaseContract::pause, () -> found.progress().sent() > 5);
        execute("update " + table() + " set status = " + code(Status.CONSUMED) + " where id % 2 = 0");
        ChangeResult purged =
                persist(() -> admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), because("space"), d -> true));
        running.get();
        alsoRunning.get();
        assertThat(purged.events()).isPositive();
        assertThat(found.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(found.progress().failed()).isZero();
        assertThat(target.bodies()).doesNotHaveDuplicates().hasSize((int)
                found.progress().sent());
        assertThat(given.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(given.progress().sent() + given.progress().failed()).isEqualTo(500);
        assertThat(given.progress().errors()).allMatch(error -> error.contains("does not exist"));
        assertThat(ids()).as("what was consumed").hasSize((int) (1_500 - purged.events()));
    }

    @Test
    void aReplayGoesOnWhileTheOutboxIsPausedAndItsRowsAreLocked() throws Exception {
        publish(50, 50);
        admin.pause(because("maintenance"));
        Connection consumer = begin();
        try (Statement statement = consumer.createStatement()) {
            statement.executeUpdate("update " + table() + " set status = " + code(Status.CONSUMED));
        }
        RecordingBroker target = new RecordingBroker();
        ReplayRun replay = replay(target, PUBLISHED, 2_000, because("rebuilt"));
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
        assertThat(replay.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(target.arrived()).hasSize(50);
        assertThat(statuses()).containsOnly(hasOneWriter() ? "published" : "consumed");
        assertThat(admin.audit(null, null, 10)).extracting(AuditEntry::events).containsExactly(50L, 0L);
    }

    @Test
    void aSecondStartOfAReplayLeavesTheFirstAlone() throws Exception {
        publish(60, 60);
        RecordingBroker target = new RecordingBroker();
        target.hold();
        Change change = because("rebuilt");
        ReplayRun first = replay(target, PUBLISHED, 2_000, change);
        Future<?> running = threads.submit(first);
        until("all are at the broker", DatabaseContract::pause, () -> target.heldCount() == 60);
        List<Future<ReplayRun>> others =
                threads.invokeAll(List.of(() -> second(change), () -> second(change)), 30, TimeUnit.SECONDS);
        assertThat(List.of(others.get(0).get(), others.get(1).get())).allSatisfy(each -> {
            assertThat(each.progress().state()).isEqualTo(Replay.Run.State.ELSEWHERE);
            assertThat(each.progress().errors())
                    .satisfiesExactly(error -> assertThat(error).startsWith("another process runs replay "));
        });
        target.release();
        running.get();
        assertThat(first.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
        assertThat(admin.audit(null, null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.events()).isEqualTo(60);
            assertThat(entry.detail()).startsWith("finished: status published");
        });
        ReplayRun third = second(change);
        assertThat(third.progress().repeated()).isTrue();
        assertThat(third.progress().sent()).isEqualTo(60);
        assertThat(third.progress().state()).isEqualTo(Replay.Run.State.FINISHED);
    }

    private ReplayRun second(Change change) {
        RecordingBroker nobody = new RecordingBroker();
        ReplayRun replay = replay(nobody, PUBLISHED, 2_000, change);
        replay.run();
        assertThat(nobody.attempts()).isEmpty();
        return replay;
    }

    @Test
    void aReplayIsStartedAwaitedAndSendsWhatIsExpectedOrNothing() throws Exception {
        List<Long> ids = publish(30, 30);
        RecordingBroker target = new RecordingBroker();
        Replay oldest = Replay.of(admin, PUBLISHED.limit(3), target).maxPerSecond(1_000);
        assertThat(oldest.dryRun().events()).isEqualTo(3);
        assertThatThrownBy(() -> oldest.start(because("rebuilt").expecting(4)))
                .isInstanceOf(UnexpectedCountException.class);
        assertThat(admin.audit()).isEmpty();
        Change change = because("rebuilt").expecting(3);
        for (boolean repeated : new boolean[] {false, true}) {
            try (Replay.Run run = oldest.start(change)) {
                assertThat(run.await().sent()).isEqualTo(3);
                assertThat(run.state()).isEqualTo(Replay.Run.State.FINISHED);
                assertThat(run.repeated()).isEqualTo(repeated);
                assertThat(run.failed()).isZero();
            }
        }
        assertThat(target.bodies()).containsExactly("0", "1", "2");
        target.forget();
        EventFilter given = at(ids.get(7), ids.get(8)).key("k8");
        try (Replay.Run run = Replay.of(admin, given, target).routingKey("r").start(because("one"))) {
            assertThat(run.await().sent()).isEqualTo(1);
            assertThat(run.failed()).isZero();
        }
        assertThat(target.arrived()).singleElement().satisfies(message -> {
            assertThat(message.routingKey()).isEqualTo("r");
            assertThat(RecordingBroker.body(message)).isEqualTo("8");
        });
    }

    @Test
    void aReplayThatIsClosedContinuesAndACancelledOneDoesNot() throws Exception {
        publish(60, 60);
        RecordingBroker target = new RecordingBroker();
        Replay slow = Replay.of(admin, PUBLISHED, target).maxPerSecond(20);
        Change change = because("rebuilt");
        Replay.Run first = slow.start(change);
        until("some are sent", DatabaseContract::pause, () -> first.sent() > 2);
        first.close();
        assertThat(first.state()).isEqualTo(Replay.Run.State.INTERRUPTED);
        try (Replay.Run second = slow.maxPerSecond(1_000).start(change)) {
            assertThat(second.await().sent()).isEqualTo(60);
        }
        Replay.Run unwanted = slow.start(because("by mistake"));
        until("some are sent", DatabaseContract::pause, () -> unwanted.sent() > 2);
        unwanted.cancel();
        unwanted.close();
        assertThat(unwanted.state()).isEqualTo(Replay.Run.State.CANCELLED);
    }
}
