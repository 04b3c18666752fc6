package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Catalog;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.Replay;
import dev.posthaste.admin.Search;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.StatusAdminJournal;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.JournalException;
import dev.posthaste.relay.ManualRelay;
import dev.posthaste.relay.OutboxPolicy;
import dev.posthaste.relay.RelayListener;
import dev.posthaste.relay.Retention;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What operators are promised while somebody else works on the same rows: relays, consumers with receipts, retention, another
 * operator. Nothing is lost or done twice, a failure is one that trying again solves, and the audit is true.
 */
public abstract class AdminCombinationsContract extends WithRelay {
    private static final Search DEAD = Search.ALL.withStatus(Status.DEAD);
    private static final Search PUBLISHED = Search.ALL.withStatus(Status.PUBLISHED);

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Admin admin;

    @Override
    protected OutboxDefinition definition() {
        return super.definition().withReceipts();
    }

    @BeforeEach
    void openAdmin() {
        admin = new Admin(StatusAdminJournal.all(dataSource, dialect, catalog, null));
    }

    @AfterEach
    void stopThreads() {
        threads.shutdownNow();
    }

    private static Change because(String reason) {
        return Change.by("ada", reason);
    }

    private List<Long> rows(int count, Status status) throws SQLException {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(Event.of(TYPE, "k" + i, "" + i));
        }
        write(events.toArray(Event[]::new));
        String published = status == Status.DEAD ? "" : ", published_at = created_at";
        execute("update " + table() + " set status = " + code(status) + published + ", attempts = 3");
        return ids();
    }

    private List<Long> ids() throws SQLException {
        return query("select " + column(Column.ID) + " from " + table() + " order by 1").stream()
                .map(Long::valueOf)
                .toList();
    }

    /** A transaction of somebody else's, which has the row locked until it is closed. */
    private Connection lock(long row) throws SQLException {
        Connection connection = begin();
        change(connection, row, "attempts = attempts");
        return connection;
    }

    private void change(Connection connection, long row, String assignment) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("update " + table() + " set " + assignment + " where id = " + row))
                    .isEqualTo(1);
        }
    }

    private static void end(Connection connection, boolean commit) throws SQLException {
        if (commit) {
            connection.commit();
        } else {
            connection.rollback();
        }
        connection.close();
    }

    private long audited(String action) throws SQLException {
        return Long.parseLong(
                query("select count(*) from posthaste_audit where event_row > 0 and action = '" + action + "'")
                        .get(0));
    }

    private long count(Status status) {
        return journal.counts().getOrDefault(status, 0L);
    }

    /** Runs all at once. */
    private <T> List<T> together(List<Callable<T>> works) throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<Future<T>> running = new ArrayList<>();
        for (Callable<T> work : works) {
            running.add(threads.submit(() -> {
                start.await();
                return work.call();
            }));
        }
        start.countDown();
        List<T> results = new ArrayList<>();
        for (Future<T> each : running) {
            results.add(each.get());
        }
        return results;
    }

    /** As an operator does who is told to try again. */
    private static <T> T persist(Callable<T> work) throws Exception {
        for (int i = 0; ; i++) {
            try {
                return work.call();
            } catch (JournalException e) {
                if (i == 10) {
                    throw e;
                }
            }
        }
    }

    // --- Rows that somebody else has locked --------------------------------------------------------------------------

    @Test
    void givenRowsThatAreLockedAreNotWaitedForLongAndTryingAgainHelps() throws Exception {
        List<Long> ids = rows(3, Status.DEAD);
        Change change = because("repaired");
        Connection other = lock(ids.get(1));
        long start = System.nanoTime();
        assertThatThrownBy(() -> admin.requeue("orders", ids, change))
                .isInstanceOf(JournalException.class)
                .hasMessageContaining("try again");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThat(count(Status.DEAD)).as("all or nothing").isEqualTo(3);
        assertThat(admin.audit("orders", null, null, 10)).isEmpty();
        end(other, false);
        assertThat(admin.requeue("orders", ids, change)).isEqualTo(new Admin.Result(3, false));
        assertThat(admin.requeue("orders", ids, change)).isEqualTo(new Admin.Result(3, true));
    }

    @Test
    void aLockedRowDoesNotHoldTheOthersUpInAMassChange() throws Exception {
        List<Long> ids = rows(450, Status.DEAD);
        Change change = because("repaired");
        Connection other = lock(ids.get(7));
        if (hasOneWriter()) {
            assertThatThrownBy(() -> admin.requeue("orders", DEAD, change, done -> true))
                    .isInstanceOf(JournalException.class)
                    .hasMessageContaining("try again");
            end(other, false);
            assertThat(admin.requeue("orders", DEAD, change, done -> true)).isEqualTo(new Admin.Result(450, false));
            assertThat(audited("requeue")).isEqualTo(450);
            return;
        }
        assertThat(admin.requeue("orders", DEAD, change, done -> true)).isEqualTo(new Admin.Result(449, false, 1));
        assertThat(admin.audit("orders", null, null, 500))
                .filteredOn(entry -> entry.row() == null)
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.detail()).isEqualTo("interrupted: status dead");
                    assertThat(entry.events()).isEqualTo(449);
                });
        end(other, false);
        assertThat(admin.requeue("orders", DEAD, change, done -> true)).isEqualTo(new Admin.Result(450, false));
        assertThat(admin.requeue("orders", DEAD, change, done -> true)).isEqualTo(new Admin.Result(450, true));
        assertThat(count(Status.PENDING)).isEqualTo(450);
        assertThat(audited("requeue")).isEqualTo(450);
    }

    @Test
    void aLockedRowDoesNotHoldTheOthersUpInAPurge() throws Exception {
        List<Long> ids = rows(300, Status.CONSUMED);
        execute("update " + table() + " set consumed_at = created_at");
        Thread.sleep(20); // so that all are older than nothing
        Change change = because("space");
        Connection other = lock(ids.get(7));
        if (hasOneWriter()) {
            assertThatThrownBy(
                            () -> admin.purge("orders", Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                    .isInstanceOf(JournalException.class)
                    .hasMessageContaining("try again");
            end(other, false);
            assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                    .isEqualTo(new Admin.Result(300, false));
            assertThat(ids()).isEmpty();
            return;
        }
        assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new Admin.Result(299, false, 1));
        end(other, false);
        assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new Admin.Result(300, false));
        assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.CONSUMED), change, done -> true))
                .isEqualTo(new Admin.Result(300, true));
        assertThat(ids()).isEmpty();
    }

    /** What a consumer says in its own transaction, and a relay or retention in theirs. */
    @Test
    void whatSomebodyElseMadeOfARowMeanwhileStays() throws Exception {
        List<Long> ids = rows(4, Status.DEAD);
        Connection consumer = begin();
        change(consumer, ids.get(0), "status = 'consumed', consumed_at = created_at");
        Connection retention = hasOneWriter() ? consumer : begin();
        try (Statement statement = retention.createStatement()) {
            statement.executeUpdate("delete from " + table() + " where id = " + ids.get(1));
        }
        Future<Admin.Result> requeue =
                threads.submit(() -> persist(() -> admin.requeue("orders", ids, because("repaired"))));
        Thread.sleep(300); // most likely it waits for the rows by now; the promise holds whether it does or not
        end(consumer, true);
        if (retention != consumer) {
            end(retention, true);
        }
        assertThat(requeue.get()).isEqualTo(new Admin.Result(2, false));
        assertThat(statuses()).containsExactly("consumed", "pending", "pending");
        assertThat(audited("requeue")).isEqualTo(2);
    }

    // --- Several operators -------------------------------------------------------------------------------------------

    @Test
    void twoClientsWithOneChangeIdMakeItOnce() throws Exception {
        List<Long> ids = rows(600, Status.DEAD);
        Change mass = because("repaired");
        List<Admin.Result> results = together(List.of(
                () -> persist(() -> admin.requeue("orders", DEAD, mass, done -> true)),
                () -> persist(() -> admin.requeue("orders", DEAD, mass, done -> true))));
        assertThat(results).allSatisfy(result -> {
            assertThat(result.events()).isEqualTo(600);
            assertThat(result.locked()).isZero();
        });
        assertThat(audited("requeue")).isEqualTo(600);
        execute("update " + table() + " set status = " + code(Status.DEAD));
        assertThat(admin.requeue("orders", DEAD, mass, done -> true)).isEqualTo(new Admin.Result(600, true));
        assertThat(count(Status.DEAD)).as("they died again, after the change").isEqualTo(600);
    }

    @Test
    void twoClientsWithOneChangeIdAndGivenRowsMakeItOnce() throws Exception {
        List<Long> ids = rows(400, Status.DEAD);
        for (int round = 0; round < 10; round++) {
            Change change = because("these");
            List<Long> some = ids.subList(round * 40, round * 40 + 20);
            boolean same = round % 2 == 0;
            List<Long> others = same ? some : ids.subList(round * 40 + 20, round * 40 + 40);
            List<Admin.Result> results = together(List.of(
                    () -> persist(() -> admin.discard("orders", some, change)),
                    () -> persist(() -> admin.discard("orders", others, change))));
            assertThat(results).containsExactlyInAnyOrder(new Admin.Result(20, false), new Admin.Result(20, true));
        }
        assertThat(audited("discard")).isEqualTo(200);
        assertThat(count(Status.DEAD)).isEqualTo(200);
    }

    @Test
    void aChangeIdIsOfOneChange() throws Exception {
        List<Long> ids = rows(10, Status.DEAD);
        Change change = because("repaired");
        admin.requeue("orders", DEAD.withKey("k1"), change, done -> true);
        assertThatThrownBy(() -> admin.requeue("orders", DEAD, change, done -> true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("was something else (finished: status dead, key k1)");
        assertThatThrownBy(() -> admin.requeue("orders", ids, change)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> admin.discard("orders", ids, change)).hasMessageContaining("(a requeue)");
        assertThatThrownBy(() -> admin.pause("orders", change)).isInstanceOf(IllegalArgumentException.class);
        assertThat(count(Status.DEAD)).isEqualTo(9);
    }

    @Test
    void whatOneRequeuesAnotherCannotDiscard() throws Exception {
        rows(500, Status.DEAD);
        List<Admin.Result> results = together(List.of(
                () -> persist(() -> admin.requeue("orders", DEAD, because("repaired"), done -> true)),
                () -> persist(() -> admin.discard("orders", DEAD, because("unwanted"), done -> true))));
        long left = results.get(0).events() + results.get(1).events();
        assertThat(count(Status.PENDING)).isEqualTo(results.get(0).events()).isEqualTo(audited("requeue"));
        assertThat(ids()).hasSize((int) (500 - results.get(1).events()));
        assertThat(audited("discard")).isEqualTo(results.get(1).events());
        assertThat(count(Status.DEAD)).isEqualTo(500 - left);
    }

    // --- Relays, retention -------------------------------------------------------------------------------------------

    @Test
    void retentionAndARequeueNeverHaveTheSameEvent() throws Exception {
        rows(2_500, Status.DEAD);
        Thread.sleep(20); // so that all are older than nothing
        Retention retention = new Retention(
                orders, journal, OutboxPolicy.defaults().withKeep(Duration.ofMillis(1), true), new RelayListener() {});
        List<Long> results = together(List.of(
                () -> persist(() -> admin.requeue("orders", DEAD, because("repaired"), done -> true))
                        .events(),
                () -> persist(() -> (long) retention.runOnce(() -> true))));
        assertThat(audited("requeue")).isEqualTo(results.get(0)).isEqualTo(count(Status.PENDING));
        assertThat(ids()).hasSize((int) (count(Status.PENDING) + count(Status.DEAD)));
    }

    @Test
    void requeuedWhileRelaysTakeOverFromOneAnotherNothingIsLost() throws Exception {
        rows(400, Status.DEAD);
        ManualRelay one = relay();
        one.pass();
        ManualRelay other = builder("another").buildManual();
        boolean[] handedOver = {false};
        Admin.Result result = admin.requeue("orders", DEAD, because("repaired"), done -> {
            if (done >= 200 && !handedOver[0]) {
                handedOver[0] = true;
                one.release();
            }
            clock.advance(Duration.ofMillis(300));
            one.pass();
            other.pass();
            return true;
        });
        assertThat(result).isEqualTo(new Admin.Result(400, false));
        until(
                "all are sent",
                () -> {
                    clock.advance(Duration.ofMillis(300));
                    one.pass();
                    other.pass();
                },
                () -> journal.backlog().pending() == 0);
        assertThat(new HashSet<>(broker.bodies())).hasSize(400);
        assertThat(statuses()).hasSize(400).containsOnly("published");
    }

    @Test
    void whatIsRequeuedWhilePausedWaitsAndDyingAgainIsNotPartOfTheChange() throws Exception {
        rows(10, Status.DEAD);
        Change change = because("repaired");
        admin.pause("orders", because("maintenance"));
        ManualRelay relay = relay();
        boolean[] first = {true};
        admin.requeue("orders", DEAD.withKey("k3"), change, done -> first[0] && !(first[0] = false));
        for (int i = 0; i < 5; i++) {
            clock.advance(Duration.ofSeconds(2));
            relay.pass();
        }
        assertThat(broker.arrived()).isEmpty();
        broker.answering(message -> new Outcome.Rejected("still too large", true));
        admin.resume("orders", because("done"));
        until(
                "it is dead again",
                () -> {
                    clock.advance(Duration.ofMillis(300));
                    relay.pass();
                },
                () -> count(Status.DEAD) == 10);
        assertThat(admin.requeue("orders", DEAD.withKey("k3"), change, done -> true))
                .as("the change had it in hand before")
                .isIn(new Admin.Result(1, false), new Admin.Result(1, true));
        assertThat(count(Status.DEAD)).isEqualTo(10);
    }

    @Test
    void aPauseDoesNotWaitForeverForTheLease() throws Exception {
        Admin impatient = new Admin(StatusAdminJournal.all(impatient(), dialect, catalog, null));
        ManualRelay relay = relay();
        relay.pass();
        Connection other = begin();
        try (Statement statement = other.createStatement()) {
            statement.executeUpdate("update posthaste_lease set epoch = epoch");
        }
        Change change = because("maintenance");
        assertThatThrownBy(() -> impatient.pause("orders", change)).hasMessageContaining("try again");
        end(other, false);
        assertThat(admin.pause("orders", change)).isEqualTo(new Admin.Result(0, false));
        assertThat(admin.pause("orders", change)).isEqualTo(new Admin.Result(0, true));
        assertThat(admin.lease("orders").paused()).isTrue();
    }

    /** H2 waits for a lock as long as the session says, not as long as Posthaste does. */
    private DataSource impatient() {
        return dialect != Dialect.H2
                ? dataSource
                : (DataSource) Proxy.newProxyInstance(
                        DataSource.class.getClassLoader(),
                        new Class<?>[] {DataSource.class},
                        (proxy, method, arguments) -> {
                            Object result = method.invoke(dataSource, arguments);
                            if (result instanceof Connection connection) {
                                try (Statement statement = connection.createStatement()) {
                                    statement.execute("set lock_timeout 200");
                                }
                            }
                            return result;
                        });
    }

    @Test
    void nothingIsPurgedWhileRelaysDoNotAgreeWhatTheOutboxIs() throws Exception {
        rows(20, Status.PUBLISHED);
        Thread.sleep(20); // so that all are older than nothing
        Change change = because("space");
        relay().pass();
        assertThat(admin.purge("orders", Duration.ofDays(1), Set.of(Status.PUBLISHED), because("agreed"), done -> true)
                        .events())
                .isZero();
        Admin untracked = new Admin(StatusAdminJournal.all(
                dataSource, dialect, Catalog.of(OutboxDefinition.of("orders", Route.to("orders-topic"), TYPE)), null));
        assertThatThrownBy(
                        () -> untracked.purge("orders", Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("relay me sees it as [tracked: true");
        execute("insert into posthaste_relay (relay, outbox, definition, expires_at) select 'old', outbox, 'tracked:"
                + " true, as it was', expires_at from posthaste_relay");
        assertThatThrownBy(() -> admin.purge("orders", Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("relay old");
        assertThat(ids()).hasSize(20);
        execute("delete from posthaste_relay where relay = 'old'");
        assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.PUBLISHED), change, done -> true))
                .isEqualTo(new Admin.Result(20, false));
    }

    // --- Replays -----------------------------------------------------------------------------------------------------

    private Replay replay(RecordingBroker to, Replay.Selection selection, Change change) {
        return admin.replay(
                "orders", selection, new Replay.Target(orders, to, MessageFormat.RAW, null, null, 2_000), change);
    }

    @Test
    void aReplayPassesOverWhatIsPurgedOrConsumedMeanwhile() throws Exception {
        List<Long> ids = rows(1_500, Status.PUBLISHED);
        Thread.sleep(20); // so that all are older than nothing
        RecordingBroker target = new RecordingBroker();
        Replay found = replay(target, Replay.Selection.of(PUBLISHED), because("rebuilt"));
        RecordingBroker other = new RecordingBroker();
        Replay given = replay(other, Replay.Selection.of(ids.subList(1_000, 1_500)), because("rebuilt"));
        Future<?> running = threads.submit(found);
        Future<?> alsoRunning = threads.submit(given);
        until("some are sent", Thread::onSpinWait, () -> found.progress().sent() > 5);
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
        List<Long> ids = rows(50, Status.PUBLISHED);
        admin.pause("orders", because("maintenance"));
        Connection consumer = begin();
        for (long id : ids) {
            change(consumer, id, "status = 'consumed'");
        }
        RecordingBroker target = new RecordingBroker();
        Replay replay = replay(target, Replay.Selection.of(PUBLISHED), because("rebuilt"));
        if (hasOneWriter()) { // it sends nothing before it has noted that it runs
            behind(consumer, false, () -> {
                replay.run();
                return true;
            });
        } else {
            replay.run();
            end(consumer, true);
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
        rows(60, Status.PUBLISHED);
        RecordingBroker target = new RecordingBroker();
        target.hold();
        Change change = because("rebuilt");
        Replay first = replay(target, Replay.Selection.of(PUBLISHED), change);
        Future<?> running = threads.submit(first);
        until("all are at the broker", Thread::onSpinWait, () -> target.heldCount() == 60);
        List<Replay> others = new CopyOnWriteArrayList<>();
        together(List.<Callable<Boolean>>of(() -> others.add(second(change)), () -> others.add(second(change))));
        assertThat(others).allSatisfy(each -> {
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
        Replay replay = replay(nobody, Replay.Selection.of(PUBLISHED), change);
        replay.run();
        assertThat(nobody.attempts()).isEmpty();
        return replay;
    }
}
