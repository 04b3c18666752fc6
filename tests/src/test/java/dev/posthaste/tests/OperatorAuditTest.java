package dev.posthaste.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.admin.ChangeOutcome;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.jdbc.Stores;
import dev.posthaste.relay.Replay.Run.State;
import dev.posthaste.relay.internal.ReplayRun;
import dev.posthaste.servers.Database;
import dev.posthaste.testkit.internal.RecordingBroker;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Audit findings about operators' changes. */
class OperatorAuditTest {
    private static final EventFilter DEAD = EventFilter.status(Status.DEAD);
    private static final EventFilter PUBLISHED = EventFilter.status(Status.PUBLISHED);
    private static final LongPredicate ALL = done -> true;

    /**
     * An outbox with a number of rows in one status, whose payloads are their numbers; and operators whose database can
     * become unavailable.
     */
    private static final class Shop implements AutoCloseable {
        final TestOutbox outbox;
        final AtomicBoolean down = new AtomicBoolean();
        final StoreOutboxAdmin admin;
        final StoreOutboxAdmin other;
        final String table;

        Shop(Database kind, int rows, String status) throws SQLException {
            outbox = TestOutbox.on(kind);
            table = kind == Database.H2 ? "\"orders\"" : "orders";
            write(0, rows, status);
            DataSource failing = Intercepted.of(DataSource.class, outbox.database.dataSource(), (method, call) -> {
                if (down.get()) {
                    throw new SQLException("connection refused", "08001");
                }
                return call.proceed();
            });
            admin = admin(failing);
            other = admin(outbox.database.dataSource());
        }

        void write(int from, int to, String status) throws SQLException {
            long last = outbox.database.count("select coalesce(max(id), 0) from " + table);
            outbox.write(IntStream.range(from, to)
                    .mapToObj(i -> Event.of(TestOutbox.TYPE, "k" + i, "" + i))
                    .toArray(Event[]::new));
            outbox.database.execute("update " + table + " set attempts = 3, updated_at = created_at,"
                    + " published_at = created_at, status = '" + status + "' where id > " + last);
        }

        private StoreOutboxAdmin admin(DataSource dataSource) {
            return Stores.in(dataSource).admin(outbox.catalog).outbox("orders");
        }

        ReplayRun replay(StoreOutboxAdmin by, RecordingBroker to, EventFilter filter, int perSecond, Change change) {
            return new ReplayRun(by, new ReplayPlan(filter, null, null, perSecond), to, change);
        }

        /** The audit's entry for a change that is not about a single event. */
        String entry(Change change) {
            return outbox
                    .database
                    .query("select action, events, detail from posthaste_audit where event_row = 0 and change_id = '"
                            + change.id() + "'")
                    .stream()
                    .map(each -> each.lines().findFirst().orElse(""))
                    .collect(Collectors.joining());
        }

        long count(String where) {
            return outbox.database.count("select count(*) from " + table + " where " + where);
        }

        /** As if the process that runs it had died long ago. */
        void letTheRunnerDie(Change change) {
            outbox.database.execute("update posthaste_audit set detail = replace(detail, '\"seenMicros\":',"
                    + " '\"seenMicros\":-') where change_id = '" + change.id() + "'");
        }

        @Override
        public void close() {
            down.set(false);
            outbox.close();
        }
    }

    private static Change because(String reason) {
        return Change.by("ada", reason);
    }

    private static Thread start(ReplayRun replay) {
        Thread thread = new Thread(replay, "replay");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void until(String what, java.util.concurrent.Callable<Boolean> done) {
        await(what)
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(10))
                .until(done);
    }

    // --- Mass changes ------------------------------------------------------------------------------------------------

    private interface Mass {
        ChangeResult make(StoreOutboxAdmin admin, LongPredicate goOn);
    }

    /**
     * Fails once after it has begun: the database becomes unavailable, or the process dies, and nothing can be
     * recorded.
     */
    private static void failHalfWay(Shop shop, Mass mass, boolean dies) {
        LongPredicate goOn = done -> {
            if (done > 0 && dies) {
                throw new Error("killed");
            }
            shop.down.set(done > 0);
            return true;
        };
        assertThatThrownBy(() -> mass.make(shop.admin, goOn)).isInstanceOf(dies ? Error.class : StoreException.class);
        shop.down.set(false);
    }

    @ParameterizedTest
    @EnumSource
    void B14_aMassChangeThatFailedHalfWayContinuesUnderItsIdAndIsRepeatedOnlyWhenItIsWhole(Database kind)
            throws Exception {
        for (boolean dies : new boolean[] {false, true}) {
            for (boolean discards : new boolean[] {false, true}) {
                try (Shop shop = new Shop(kind, 700, "dead")) {
                    Change change = because("repaired");
                    Mass mass = (admin, goOn) ->
                            discards ? admin.discard(DEAD, change, goOn) : admin.requeue(DEAD, change, goOn);
                    failHalfWay(shop, mass, dies);
                    assertThat(shop.entry(change)).endsWith("|200|running: status dead");
                    assertThat(shop.count("status = 'dead'")).isEqualTo(500);
                    shop.outbox.database.execute(
                            "update " + shop.table + " set status = 'dead' where status = 'pending' and id % 2 = 0");
                    shop.write(700, 710, "dead"); // after the change had begun
                    int some = discards ? 400 : 500; // batches include events that have died again
                    assertThat(mass.make(shop.admin, done -> done < 200).events())
                            .isEqualTo(some);
                    assertThat(shop.entry(change)).endsWith("|" + some + "|interrupted: status dead");
                    assertThat(mass.make(shop.other, ALL)).isEqualTo(new ChangeOutcome(700, false));
                    assertThat(shop.entry(change)).endsWith("|700|finished: status dead");
                    assertThat(mass.make(shop.admin, ALL)).isEqualTo(new ChangeOutcome(700, true));
                    assertThat(shop.count("status = 'dead'"))
                            .as("those that have died again, and those written later")
                            .isEqualTo(discards ? 10 : 110);
                    assertThat(shop.outbox.database.count("select count(*) from posthaste_audit where event_row > 0"))
                            .isEqualTo(700);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void B14_aPurgeThatFailedHalfWayContinuesToo(Database kind) throws Exception {
        try (Shop shop = new Shop(kind, 4_500, "published")) {
            Thread.sleep(10); // so that all are older than zero
            Change change = because("space");
            Mass mass = (admin, goOn) -> admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), change, goOn);
            failHalfWay(shop, mass, false);
            assertThat(shop.entry(change)).isEqualTo("purge|2000|running: older than 0 s: published");
            shop.outbox.database.execute( // as an earlier version noted it
                    "update posthaste_audit set detail = replace(detail, 'older than 0 s', 'older than PT0S')");
            assertThat(mass.make(shop.admin, ALL)).isEqualTo(new ChangeOutcome(4_500, false));
            assertThat(mass.make(shop.admin, ALL)).isEqualTo(new ChangeOutcome(4_500, true));
            assertThat(shop.entry(change)).isEqualTo("purge|4500|finished: older than 0 s: published");
        }
    }

    // --- Replays -----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void B15_aReplayWaitsForTheDatabaseAndCanBeCancelledMeanwhile(Database kind) throws Exception {
        try (Shop shop = new Shop(kind, 1_200, "published")) {
            RecordingBroker broker = new RecordingBroker();
            Change change = because("rebuilt");
            ReplayRun replay = shop.replay(shop.admin, broker, PUBLISHED, 2_000, change);
            Thread thread = start(replay);
            until("some are sent", () -> replay.progress().sent() > 100);
            shop.down.set(true);
            until(
                    "it is waiting",
                    () -> String.valueOf(replay.progress().waitingFor()).contains("connection refused"));
            long sent = replay.progress().sent();
            assertThat(sent).isLessThan(1_200);
            assertThat(replay.progress().state()).isEqualTo(State.RUNNING);
            shop.down.set(false);
            thread.join(30_000);
            assertThat(replay.progress().state()).isEqualTo(State.FINISHED);
            assertThat(replay.progress().waitingFor()).isNull();
            assertThat(broker.bodies()).hasSize(1_200).doesNotHaveDuplicates();
            assertThat(shop.entry(change)).startsWith("replay|1200|finished: status published");

            Change unwanted = because("by mistake");
            ReplayRun second = shop.replay(shop.admin, broker, PUBLISHED, 200, unwanted);
            Thread other = start(second);
            until("some are sent", () -> second.progress().sent() > 5);
            shop.down.set(true);
            until("it is waiting", () -> second.progress().waitingFor() != null);
            second.cancel();
            await("it reports that immediately")
                    .atMost(Duration.ofSeconds(1))
                    .until(() -> second.progress().state() == State.CANCELLED);
            shop.down.set(false);
            other.join(30_000);
            assertThat(shop.entry(unwanted))
                    .startsWith("replay|" + second.progress().sent() + "|cancelled: status published");
        }
    }

    @ParameterizedTest
    @EnumSource
    void B15_aReplayContinuesFromItsAuditAfterItsProcessDied(Database kind) throws Exception {
        try (Shop shop = new Shop(kind, 400, "published")) {
            long[] ids = shop.outbox.database.query("select id from " + shop.table + " order by id").stream()
                    .mapToLong(Long::parseLong)
                    .toArray();
            for (EventFilter selection : List.of(PUBLISHED, EventFilter.positions(ids))) {
                RecordingBroker first = new RecordingBroker();
                first.answering(message -> RecordingBroker.body(message).equals("5")
                        ? Outcome.rejected("unroutable").permanent(true)
                        : Outcome.acknowledged());
                Change change = because("rebuilt");
                ReplayRun dying = shop.replay(shop.admin, first, selection, 100, change);
                Thread thread = start(dying);
                until(
                        "it has recorded its progress",
                        () -> !shop.entry(change).contains("|0|")
                                && dying.progress().sent() > 0);
                shop.down.set(true);
                int written = shop.outbox
                        .database
                        .query("select 1 from " + shop.table)
                        .size();
                shop.write(written, written + 20, "published"); // after it had begun
                shop.letTheRunnerDie(change);
                assertThat(shop.other.replays())
                        .filteredOn(each -> each.change().id().equals(change.id()))
                        .singleElement()
                        .matches(NotedReplay::isInterrupted);
                String entry = shop.entry(change);
                assertThat(entry).contains("running: ");
                int noted = Integer.parseInt(entry.split("\\|")[1]);
                assertThat(noted).isBetween(1, 398);
                RecordingBroker second = new RecordingBroker();
                ReplayRun again = shop.replay(shop.other, second, selection, 2_000, change);
                again.run();
                assertThat(again.progress().state()).isEqualTo(State.FINISHED);
                assertThat(again.progress().repeated()).isFalse();
                assertThat(again.progress().sent()).isEqualTo(399);
                assertThat(again.progress().failed()).isEqualTo(1);
                Set<String> all = new HashSet<>(first.bodies());
                all.addAll(second.bodies());
                assertThat(all)
                        .as("what the first could not record may be sent twice, but nothing is left out")
                        .hasSize(399);
                assertThat(second.bodies()).hasSize(399 - noted).doesNotHaveDuplicates();
                String finished = shop.entry(change);
                assertThat(finished).startsWith("replay|399|finished: ").endsWith("; 1 failed");
                shop.down.set(false); // the first was not dead after all
                thread.join(30_000);
                assertThat(dying.progress().state()).isEqualTo(State.ELSEWHERE);
                assertThat(shop.entry(change)).isEqualTo(finished);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void B15_whatIsInterruptedContinuesAndWhatIsOverIsNotTouched(Database kind) throws Exception {
        try (Shop shop = new Shop(kind, 300, "published")) {
            Change change = because("rebuilt");
            RecordingBroker broker = new RecordingBroker();
            EventFilter all = PUBLISHED;
            ReplayRun first = shop.replay(shop.admin, broker, all, 200, change);
            Thread thread = start(first);
            until("some are sent", () -> first.progress().sent() > 5);
            first.interrupt();
            thread.join(10_000);
            assertThat(first.progress().state()).isEqualTo(State.INTERRUPTED);
            assertThat(shop.entry(change))
                    .startsWith("replay|" + first.progress().sent() + "|interrupted: status published");
            ReplayRun second = shop.replay(shop.other, broker, all, 2_000, change);
            second.run();
            assertThat(second.progress().state()).isEqualTo(State.FINISHED);
            assertThat(broker.bodies()).hasSize(300).doesNotHaveDuplicates();
            Change unwanted = because("by mistake");
            ReplayRun cancelled = shop.replay(shop.admin, broker, all, 200, unwanted);
            thread = start(cancelled);
            until("some are sent", () -> cancelled.progress().sent() > 5);
            cancelled.cancel();
            thread.join(10_000);
            List<Message> arrived = broker.arrived();
            for (Change over : List.of(change, unwanted)) {
                String before = shop.entry(over);
                ReplayRun again = shop.replay(shop.other, broker, all, 100, over);
                again.run();
                assertThat(again.progress().repeated()).isTrue();
                assertThat(again.progress().state()).isEqualTo(over == change ? State.FINISHED : State.CANCELLED);
                assertThat(shop.entry(over)).isEqualTo(before);
                ReplayRun another = shop.replay(shop.other, broker, EventFilter.positions(1), 100, over);
                another.run();
                assertThat(another.progress().errors())
                        .singleElement()
                        .asString()
                        .contains("was something else");
                assertThat(shop.entry(over)).isEqualTo(before);
            }
            assertThat(broker.arrived()).isEqualTo(arrived);
        }
    }

    // --- Lengths and characters --------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void B17_anIdThatIsLongerThanTheAuditsColumnHindersNobody(Database kind) throws Exception {
        try (Shop shop = new Shop(kind, 3, "dead")) {
            shop.outbox.database.execute(
                    switch (kind) {
                        case POSTGRESQL -> "alter table orders alter column event_id type varchar(300)";
                        case H2 -> "alter table \"orders\" alter column event_id varchar(300)";
                        case SQLITE -> "select 1"; // its texts have no maximum length
                        default -> "alter table orders modify event_id varchar(300) not null";
                    });
            shop.outbox.database.execute("update " + shop.table + " set event_id = concat('" + "x".repeat(63)
                    + "\uD83D\uDE00" + "\u00e9".repeat(200) + "', id)");
            List<Long> ids = shop.outbox.database.query("select id from " + shop.table + " order by id").stream()
                    .map(Long::valueOf)
                    .toList();
            String odd = "\uD83D\uDE00".repeat(50) + "\uD83D";
            Change change = Change.by(odd.substring(0, 100), "why " + odd).id(odd.substring(0, 63) + "\0");
            assertThat(shop.admin.requeue(EventFilter.positions(ids.get(0)), change))
                    .isEqualTo(new ChangeOutcome(1, false));
            assertThat(shop.admin.requeue(EventFilter.positions(ids.get(0)), change))
                    .isEqualTo(new ChangeOutcome(1, true));
            assertThat(shop.admin.discard(DEAD, because("unwanted"))).isEqualTo(new ChangeOutcome(2, false));
            assertThat(Stream.of(ids.get(0), ids.get(1))
                            .map(id -> shop.admin.audit(id, null, 1).get(0).eventId()))
                    .containsOnly("x".repeat(63));
        }
    }
}
