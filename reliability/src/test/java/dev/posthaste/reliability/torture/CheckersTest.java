package dev.posthaste.reliability.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.jdbc.LeaseTable;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.reliability.torture.Setup.Wire;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A campaign that finds nothing proves something only if its checkers can tell right from wrong. */
class CheckersTest {
    private static final long MIB = 1 << 20;

    @TempDir
    Path home;

    // --- Traces ------------------------------------------------------------------------------------------------------

    @Test
    void anEventHasATraceByItsEffectItsRowOrItsDeadLetter() {
        Traces traces = Traces.of(List.of("a"), List.of("b"), List.of(new DeadLetters.Letter("c", "key")));
        assertThat(List.of("a", "b", "c")).allMatch(traces::has);
        assertThat(traces.has("d")).isFalse();
        assertThat(traces.handledAndGivenUp()).isEmpty();
    }

    @Test
    void anEventThatWasHandledAndGivenUpOrIsDeadIsNoticed() {
        List<DeadLetters.Letter> letters =
                List.of(new DeadLetters.Letter("a", "key"), new DeadLetters.Letter("", "another program's"));
        Traces traces = Traces.of(List.of("a", "b"), List.of("b", "c"), letters);
        assertThat(traces.handledAndGivenUp()).containsExactly("a");
        assertThat(traces.handledAndDead()).containsExactly("b");
    }

    // --- Duplicates --------------------------------------------------------------------------------------------------

    private static final Duplicates.Reasons NO_REASON = new Duplicates.Reasons(0, 0, 0, 0);

    private static @Nullable String duplicates(
            Wire wire, long came, Duplicates.Reasons now, Duplicates.Reasons before) {
        return Duplicates.excess(
                came, now, before, new Setup(wire, OutboxTable.OWN, "jdbc:", "localhost:1", Path.of(""), 1));
    }

    @Test
    void whatComesTwiceIsExplainedByWhatWasDone() {
        assertThat(duplicates(Wire.LOCAL, 0, NO_REASON, NO_REASON)).isNull();
        assertThat(duplicates(Wire.LOCAL, 1, NO_REASON, NO_REASON)).startsWith("1 events arrived again, but ");
        assertThat(duplicates(Wire.RABBITMQ, 6_000, new Duplicates.Reasons(0, 0, 1, 0), NO_REASON))
                .isNull();
        assertThat(duplicates(Wire.RABBITMQ, 6_001, new Duplicates.Reasons(0, 0, 1, 0), NO_REASON))
                .isNotNull();
        assertThat(duplicates(Wire.RABBITMQ, 1_016, new Duplicates.Reasons(1, 0, 0, 0), NO_REASON))
                .isNull();
        assertThat(duplicates(Wire.RABBITMQ, 1_017, new Duplicates.Reasons(1, 0, 0, 0), NO_REASON))
                .isNotNull();
        assertThat(duplicates(Wire.KAFKA, 3_048, NO_REASON, new Duplicates.Reasons(1, 0, 0, 0)))
                .isNull();
        assertThat(duplicates(Wire.KAFKA, 3_049, NO_REASON, new Duplicates.Reasons(1, 0, 0, 0)))
                .isNotNull();
    }

    @Test
    void anOutageInWhichMoreAndMoreIsSentAgainIsNoticed() {
        assertThat(duplicates(Wire.KAFKA, 0, new Duplicates.Reasons(1, 8_000, 0, 0), NO_REASON))
                .isNull();
        assertThat(duplicates(Wire.KAFKA, 0, new Duplicates.Reasons(1, 8_001, 0, 0), NO_REASON))
                .isEqualTo("8001 events were not answered, which is more than two windows for each fault");
    }

    @Test
    void answersThatWereOnlyLateAreWaitedFor() {
        Duplicates.Reasons one = new Duplicates.Reasons(1, 1, 0, 0);
        assertThat(Duplicates.givenUp(NO_REASON, NO_REASON)).isNull();
        assertThat(Duplicates.givenUp(one, one)).isNull(); // caused by an earlier outage
        assertThat(Duplicates.givenUp(one, NO_REASON))
                .isEqualTo("1 events were given up on although their answers were only late");
    }

    // --- Refusals ----------------------------------------------------------------------------------------------------

    @Test
    void onlyAnEventThatNobodyHadSentBeforeIsOneThatWasRefusedAtFirst() throws Exception {
        AtomicLong now = new AtomicLong();
        RelayHistory history = new RelayHistory(home, "relay-1.1", new Vitals(home, "relay-1.1"), now::get);
        Outcome refused = Outcome.rejected("no such exchange");
        history.leaseTaken("orders", 1);
        history.answered("orders", event(1, "just-taken", 0, 0), refused, 1, 1);
        now.addAndGet(Duration.ofSeconds(11).toNanos());
        history.answered("orders", event(2, "refused", 0, 0), refused, 1, 1);
        history.answered("orders", event(3, "nack", 0, 0), Outcome.rejected("RabbitMQ refused it (nack)"), 1, 1);
        history.answered("orders", event(4, "refused-before", 1, 0), refused, 1, 1);
        history.answered("orders", event(5, "old", 0, Duration.ofSeconds(6).toNanos()), refused, 1, 1);
        history.answered("orders", event(6, "unanswered", 0, 0), Outcome.unknown("no answer"), 1, 1);
        history.answered("orders", event(6, "unanswered", 0, 0), refused, 1, 1);
        history.answered("orders", event(7, "acknowledged", 0, 0), Outcome.acknowledged(), 1, 1);
        history.answered("orders", event(8, "not-written-down", 0, 0), refused, 1, 1);
        List<Verdict> written = LongStream.rangeClosed(1, 7)
                .<Verdict>mapToObj(row -> new Verdict.Dead(row, new Verdict.Seen(0, null), "refused"))
                .toList();
        history.settled("orders", written, 7, 1);
        List<String> atFirst = new ArrayList<>();
        RelayHistory.readRefused(home, atFirst::add);
        assertThat(atFirst).containsExactly("refused");
        List<String> acknowledged = new ArrayList<>();
        RelayHistory.readAcknowledged(home, acknowledged::add);
        assertThat(acknowledged).containsExactly("acknowledged");
    }

    private static PendingEvent event(long row, String id, int attempts, long ageNanos) {
        StoredRow event = new StoredRow(row, id, Setup.TYPE, "v1", "k", null, null, null, new byte[0]);
        return new PendingEvent(event, attempts, null, 0, ageNanos);
    }

    @Test
    void handlersTellWhichMessagesWereSentBeforeAnyRefusal() throws Exception {
        HandlerHistory history = new HandlerHistory(home, "consumer-1.1");
        history.trying("first", true);
        history.trying("again", false);
        HandlerHistory.Read read = HandlerHistory.read(home);
        assertThat(read.tried()).containsExactlyInAnyOrder("first", "again");
        assertThat(read.atFirst()).containsExactly("first");
    }

    // --- Growth ------------------------------------------------------------------------------------------------------

    @Test
    void aHeapThatOnlyGrowsIsNoticed() {
        List<Long> leak =
                LongStream.range(0, 40).map(i -> (20 + i) * MIB).boxed().toList();
        assertThat(Growth.HEAP.isFoundIn(leak)).isTrue();
        assertThat(Growth.HEAP.isFoundIn(leak.subList(0, 19))).isFalse(); // too few measurements
        assertThat(Figures.grown("heap", Growth.HEAP, Map.of("relay-1.1", leak, "relay-2.1", leak.subList(0, 19))))
                .containsExactly("heap: relay-1.1 began with 20971520 and ended with 61865984, in 40 measurements");
    }

    @Test
    void aHeapThatGoesUpAndDownIsNot() {
        List<Long> saw = LongStream.range(0, 40)
                .map(i -> (20 + 60 * (i % 3)) * MIB)
                .boxed()
                .toList();
        assertThat(Growth.HEAP.isFoundIn(saw)).isFalse();
    }

    @Test
    void threadsThatAreLeftBehindAreNoticed() {
        assertThat(Growth.THREADS.isFoundIn(LongStream.range(0, 2_400)
                        .map(i -> 30 + i / 100)
                        .boxed()
                        .toList()))
                .isTrue();
        assertThat(Growth.THREADS.isFoundIn(Collections.nCopies(2_400, 40L))).isFalse();
    }

    @Test
    void threadsOfAConsumerThatWaitedForItsTurnAreNotLeftBehind() {
        assertThat(Growth.THREADS.isFoundIn(LongStream.range(0, 1_264)
                        .map(i -> i < 600 ? 15 : 33)
                        .boxed()
                        .toList()))
                .isFalse();
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    @Test
    void aRelayThatAsksTheDatabaseWithoutRestIsNoticed() {
        assertThat(new Calm.Figures(12_000, 20_000, 60_000, 0, 0, 0, 0).excess())
                .isNull();
        assertThat(new Calm.Figures(400_000, 20_000, 60_000, 0, 0, 0, 0).excess())
                .startsWith("in 60 s without faults, the relays took 400000 statements to publish 20000 events");
    }

    @Test
    void aRelayThatTakesLongToSettleIsNoticed() {
        assertThat(new Calm.Figures(0, 0, 0, 0, 0, 10, 10_000_000).slowness()).isNull();
        assertThat(new Calm.Figures(0, 0, 0, 0, 0, 9, 90_000_000).slowness()).isNull(); // too few batches
        assertThat(new Calm.Figures(0, 0, 0, 0, 0, 10, 15_000_000).slowness())
                .isEqualTo("each of 10 batches took 1500 ms, but 1000 are enough");
    }

    @Test
    void aRelayThatDoesNotRestWhenThereIsNothingToDoIsNoticed() {
        assertThat(LastEvents.excess(200)).isNull();
        assertThat(LastEvents.excess(201))
                .isEqualTo("relays with nothing to do took 201 statements per second, but 200 are enough");
    }

    // --- Ownership ---------------------------------------------------------------------------------------------------

    private static LeaseTable.Row lease(String owner, long epoch, boolean live) {
        return new LeaseTable.Row(Setup.OUTBOX, owner, epoch, live, false, "");
    }

    private static VitalSigns relay(boolean owns, long epoch) {
        return new VitalSigns(
                Map.of(
                        RelayProcess.WORKS,
                        1L,
                        RelayProcess.OWNS,
                        owns ? 1L : 0,
                        RelayProcess.LEASE_HELD,
                        owns ? 1L : 0,
                        RelayProcess.EPOCH,
                        epoch),
                true);
    }

    private static VitalSigns but(VitalSigns signs, String name, long value) {
        Map<String, Long> values = new HashMap<>(signs.values());
        values.put(name, value);
        return new VitalSigns(values, signs.fresh());
    }

    @Test
    void oneRelayOwnsTheOutboxAndAllSaySo() {
        assertThat(Ownership.contradiction(
                        lease("relay-1.1", 7, true), Map.of("relay-1.1", relay(true, 7), "relay-2.1", relay(false, 6))))
                .isNull();
    }

    @Test
    void aLeaseThatNobodyHasIsNoticed() {
        Map<String, VitalSigns> relays = Map.of("relay-1.1", relay(false, 7));
        assertThat(Ownership.contradiction(null, relays)).isEqualTo("no relay owns the outbox");
        assertThat(Ownership.contradiction(lease("relay-1.1", 7, false), relays))
                .isEqualTo("no relay owns the outbox");
        assertThat(Ownership.contradiction(lease("relay-9.1", 7, true), relays))
                .isEqualTo("relay-9.1 owns the outbox, but no such process is running");
    }

    @Test
    void aLeaseWhoseWorkerIsGoneIsNoticed() {
        assertThat(Ownership.contradiction(
                        lease("relay-1.1", 7, true), Map.of("relay-1.1", but(relay(true, 7), RelayProcess.WORKS, 0))))
                .isEqualTo("relay-1.1, which owns the outbox, no longer has a thread that works on the outbox");
        assertThat(Ownership.contradiction(
                        lease("relay-1.1", 7, true),
                        Map.of("relay-1.1", new VitalSigns(relay(true, 7).values(), false))))
                .isEqualTo("relay-1.1 is running, but gives no sign of life");
    }

    @Test
    void aSecondRelayThatWorksOnTheOutboxIsNoticed() {
        assertThat(Ownership.contradiction(
                        lease("relay-1.1", 7, true),
                        new TreeMap<>(Map.of("relay-1.1", relay(true, 7), "relay-2.1", relay(true, 6)))))
                .isEqualTo("relay-2.1 says that it works on the outbox, but according to the lease relay-1.1 does");
    }

    @Test
    void aMeterThatDoesNotFollowTheLeaseIsNoticed() {
        assertThat(Ownership.contradiction(
                        lease("relay-1.1", 7, true),
                        Map.of("relay-1.1", but(relay(true, 7), RelayProcess.LEASE_HELD, 0))))
                .isEqualTo("relay-1.1's meter says that it does not have the lease, but relay-1.1 has it");
        assertThat(Ownership.contradiction(lease("relay-1.1", 8, true), Map.of("relay-1.1", relay(true, 7))))
                .isEqualTo("relay-1.1's meter says epoch 7, but the lease's is 8");
    }

    // --- Meters and console ------------------------------------------------------------------------------------------

    @Test
    void aMeterThatSaysOtherwiseIsNoticed() {
        Map<String, Long> truth = Map.of(RelayProcess.PENDING, 0L);
        assertThat(LastEvents.mismatch(truth, Map.of(RelayProcess.PENDING, 0L, "another", 9L)))
                .isNull();
        assertThat(LastEvents.mismatch(truth, Map.of(RelayProcess.PENDING, 3L)))
                .isEqualTo("posthaste.relay.pending says 3, but 0 is correct");
        assertThat(LastEvents.mismatch(truth, Map.of()))
                .isEqualTo("posthaste.relay.pending says null, but 0 is correct");
    }

    @Test
    void whatTheConsoleShowsIsComparedAsAWhole() {
        JsonMapper json = JsonMapper.builder().build();
        JsonNode outbox = json.readTree("""
                {"counts": {"pending": 0, "published": 8, "dead": 2}, "pending": 0, "dead": 2,
                 "lease": {"owner": "relay-1.1", "epoch": 7}}
                """);
        JsonNode newest = json.readTree("""
                {"events": [{"id": 10, "status": "dead"}, {"id": 9, "status": "published"}]}
                """);
        Console.View shown = Console.view(outbox, newest, List.of(10L, 4L));
        Map<String, Long> counts = Map.of("published", 8L, "dead", 2L);
        List<String> rows = List.of("10 dead", "9 published");
        assertThat(shown).isEqualTo(new Console.View(counts, 0, 2, List.of(10L, 4L), rows, "relay-1.1", 7));
        assertThat(shown).isNotEqualTo(new Console.View(counts, 0, 2, List.of(10L), rows, "relay-1.1", 7));
    }

    // --- Vitals ------------------------------------------------------------------------------------------------------

    @Test
    void whatAProcessWritesDownIsReadAgainAlsoWhenItWasKilledInTheMiddle() throws Exception {
        Path file = home.resolve("relay-1.1" + Vitals.SUFFIX);
        Files.writeString(file, "threads=20 owns=0\nthreads=21 owns=1 heap=5000\nthreads=22 owns=1\nthre");
        VitalSigns last = VitalSigns.last(home, "relay-1.1");
        assertThat(last.values()).isEqualTo(Map.of("threads", 22L, "owns", 1L));
        assertThat(last.fresh()).isTrue();
        assertThat(VitalSigns.series(home, Vitals.HEAP)).isEqualTo(Map.of("relay-1.1", List.of(5_000L)));
        assertThat(VitalSigns.lastOfAll(home, "owns")).isEqualTo(Map.of("relay-1.1", 1L));
        assertThat(VitalSigns.last(home, "relay-1.2").fresh()).isFalse();
    }

    @Test
    void aProcessTellsWhichOfItsThreadsLive() throws Exception {
        Thread thread = new Thread(() -> {}, "short-lived");
        assertThat(Vitals.lives(Thread.currentThread().getName())).isTrue();
        thread.start();
        thread.join();
        assertThat(Vitals.lives("short-lived")).isFalse();
    }
}
