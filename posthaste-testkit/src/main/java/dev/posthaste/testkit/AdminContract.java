package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.Page;
import dev.posthaste.admin.Replay;
import dev.posthaste.admin.Search;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.StatusAdminJournal;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.JournalException;
import dev.posthaste.relay.ManualRelay;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What operators are promised, on every database. */
public abstract class AdminContract extends WithRelay {
    private Admin admin;

    @BeforeEach
    void openAdmin() {
        admin = new Admin(StatusAdminJournal.all(dataSource, dialect, catalog, null));
    }

    private static Change because(String reason) {
        return Change.by("ada", reason);
    }

    /** Writes events whose payload is their number, and lets a relay publish them; the broker refuses those given. */
    private List<Long> publish(int events, Set<Integer> refused) throws Exception {
        broker.answering(message -> refused.contains(Integer.parseInt(RecordingBroker.body(message)))
                ? new Outcome.Rejected("order " + RecordingBroker.body(message) + " is too large", true)
                : Outcome.ACKNOWLEDGED);
        List<Event> all = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            all.add(Event.of(TYPE, "k" + i % 5, "" + i));
        }
        write(all.toArray(Event[]::new));
        ManualRelay relay = relay();
        until("all are settled", relay::pass, () -> journal.backlog().pending() == 0);
        relay.release();
        return ids();
    }

    private List<Long> ids() throws Exception {
        return query("select " + column(Column.ID) + " from " + table() + " order by 1").stream()
                .map(Long::valueOf)
                .toList();
    }

    private List<Long> found(Search search) {
        return admin.search("orders", search, null, Admin.LONGEST_PAGE).events().stream()
                .map(FoundEvent::id)
                .sorted()
                .toList();
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    @Test
    void pagesGoThroughEverythingOnceNewestFirst() throws Exception {
        List<Long> ids = publish(200, Set.of(3, 77));
        List<Long> seen = new ArrayList<>();
        Long before = null;
        do {
            Page page = admin.search("orders", Search.ALL, before, 30);
            page.events().forEach(event -> seen.add(event.id()));
            before = page.next();
        } while (before != null);
        List<Long> newestFirst = new ArrayList<>(ids);
        newestFirst.sort((a, b) -> Long.compare(b, a));
        assertThat(seen).containsExactlyElementsOf(newestFirst);
    }

    @Test
    void eventsAreFoundByWhatIsKnownOfThem() throws Exception {
        Instant start = Instant.now().minusSeconds(5);
        List<Long> ids = publish(100, Set.of(3, 77));
        write(Event.builder(TYPE)
                .key("late")
                .payload("9")
                .delay(Duration.ofHours(1))
                .build());
        long pending = ids().get(100);
        assertThat(found(Search.ALL)).hasSize(101);
        assertThat(found(Search.ALL.withStatus(Status.PENDING))).containsExactly(pending);
        assertThat(found(Search.ALL.withStatus(Status.DEAD))).containsExactly(ids.get(3), ids.get(77));
        assertThat(found(Search.ALL.withStatus(Status.PUBLISHED))).hasSize(98);
        assertThat(found(Search.ALL.withStatus(Status.CONSUMED))).isEmpty();
        assertThat(found(Search.ALL.withType(TYPE))).hasSize(101);
        assertThat(found(Search.ALL.withType("other"))).isEmpty();
        assertThat(found(Search.ALL.withKey("k2"))).hasSize(20);
        assertThat(found(Search.ALL.withKey("k3").withStatus(Status.DEAD))).containsExactly(ids.get(3));
        assertThat(found(Search.ALL.withError("ORDER 77 is"))).containsExactly(ids.get(77));
        assertThat(found(Search.ALL.withError("%"))).isEmpty();
        FoundEvent one = admin.find("orders", ids.get(42)).orElseThrow().event();
        assertThat(found(Search.ALL.withEventId(one.eventId()))).containsExactly(ids.get(42));
        assertThat(found(Search.ALL.withEventId("no such"))).isEmpty();
        Instant end = Instant.now().plusSeconds(5);
        assertThat(found(Search.ALL.written(start, end))).hasSize(101);
        assertThat(found(Search.ALL.written(end, null))).isEmpty();
        assertThat(found(Search.ALL.written(null, start))).isEmpty();
        assertThat(found(Search.ALL.written(one.createdAt(), one.createdAt().plusNanos(1000))))
                .contains(ids.get(42));
    }

    @Test
    void oneEventIsShownWithAllThatItHolds() throws Exception {
        Instant before = Instant.now().minusSeconds(5);
        write(Event.builder(TYPE)
                .id("order-1")
                .key("k")
                .payload("{\"a\":1}")
                .header("tenant", "acme")
                .build());
        EventDetails details = admin.find("orders", ids().get(0)).orElseThrow();
        assertThat(details.event().eventId()).isEqualTo("order-1");
        assertThat(details.event().status()).isEqualTo(Status.PENDING);
        assertThat(details.event().key()).isEqualTo("k");
        assertThat(details.event().attempts()).isZero();
        assertThat(details.event().createdAt()).isBetween(before, Instant.now().plusSeconds(5));
        assertThat(new String(details.stored().payload(), StandardCharsets.UTF_8))
                .isEqualTo("{\"a\":1}");
        assertThat(details.stored().headers()).contains("acme");
        assertThat(admin.find("orders", 4711)).isEmpty();
        assertThatThrownBy(() -> admin.find("order", 1)).hasMessageContaining("there are orders");
    }

    @Test
    void theDeadAreGroupedByWhatTheirErrorsSay() throws Exception {
        List<Long> ids = publish(20, Set.of(2, 4, 11));
        assertThat(admin.errors("orders")).singleElement().satisfies(group -> {
            assertThat(group.group()).isEqualTo("order # is too large");
            assertThat(group.events()).isEqualTo(3);
            assertThat(group.example()).isEqualTo("order 11 is too large");
            assertThat(group.newestId()).isEqualTo(ids.get(11));
        });
        String group = ErrorGroup.of("order 5 is too large");
        assertThat(found(Search.ALL.withStatus(Status.DEAD).withErrorGroup(group)))
                .hasSize(3);
        assertThat(found(Search.ALL.withStatus(Status.DEAD).withErrorGroup("other")))
                .isEmpty();
    }

    // --- Mending -----------------------------------------------------------------------------------------------------

    @Test
    void deadEventsAreSentAgainAndTheAuditSaysWhy() throws Exception {
        List<Long> ids = publish(10, Set.of(4, 6));
        Change change = because("the limit was raised");
        assertThat(admin.requeue("orders", List.of(ids.get(4), ids.get(5)), change))
                .isEqualTo(new Admin.Result(1, false));
        assertThat(admin.requeue("orders", List.of(ids.get(4), ids.get(6)), change))
                .as("a second click")
                .isEqualTo(new Admin.Result(1, true));
        FoundEvent event = admin.find("orders", ids.get(4)).orElseThrow().event();
        assertThat(event.status()).isEqualTo(Status.PENDING);
        assertThat(event.attempts()).isZero();
        assertThat(admin.audit("orders", ids.get(4), null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.actor()).isEqualTo("ada");
            assertThat(entry.action()).isEqualTo(Action.REQUEUE);
            assertThat(entry.reason()).isEqualTo("the limit was raised");
            assertThat(entry.eventId()).isEqualTo(event.eventId());
            assertThat(entry.detail()).contains("order 4 is too large");
            assertThat(entry.at())
                    .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(5));
        });
        assertThat(admin.audit("orders", ids.get(5), null, 10)).isEmpty();
        broker.answering(message -> Outcome.ACKNOWLEDGED);
        ManualRelay relay = relay();
        until("it is sent", relay::pass, () -> journal.backlog().pending() == 0);
        assertThat(journal.backlog().dead()).isEqualTo(1);
    }

    @Test
    void whatIsDiscardedIsKeptInTheAudit() throws Exception {
        List<Long> ids = publish(5, Set.of(2));
        assertThat(admin.discard("orders", ids, because("a test order")).events())
                .isEqualTo(1);
        assertThat(ids()).hasSize(4).doesNotContain(ids.get(2));
        AuditEntry entry = admin.audit("orders", ids.get(2), null, 1).get(0);
        assertThat(entry.action()).isEqualTo(Action.DISCARD);
        assertThat(entry.detail()).contains("\"payload\":\"2\"").contains("order 2 is too large");
    }

    @Test
    void H38_whatARelayHasInHandIsNotChanged() throws Exception {
        broker.hold();
        write("k", "0");
        ManualRelay relay = relay();
        until("it is at the broker", relay::pass, () -> broker.heldCount() == 1);
        List<Long> ids = ids();
        assertThat(admin.discard("orders", ids, because("not wanted")).events()).isZero();
        assertThat(admin.requeue("orders", ids, because("again")).events()).isZero();
        assertThatThrownBy(() -> Replay.Selection.of(Search.ALL.withStatus(Status.PENDING)))
                .hasMessageContaining("published or consumed");
        assertThat(admin.dryRun("orders", Replay.Selection.of(ids), done -> true)
                        .events())
                .isZero();
        assertThat(admin.audit("orders", null, null, 10)).isEmpty();
        broker.release();
        until("it is settled", relay::pass, () -> journal.backlog().pending() == 0);
        assertThat(broker.arrived()).hasSize(1);
    }

    @Test
    void aChangeThatCannotBeAuditedIsNotMade() throws Exception {
        List<Long> ids = publish(2, Set.of(1));
        execute("drop table posthaste_audit");
        assertThatThrownBy(() -> admin.requeue("orders", ids, because("again"))).isInstanceOf(JournalException.class);
        assertThatThrownBy(() -> admin.pause("orders", because("stop"))).isInstanceOf(JournalException.class);
        assertThat(journal.backlog().dead()).isEqualTo(1);
        assertThat(admin.lease("orders").paused()).isFalse();
    }

    @Test
    void allOfAGroupAreSentAgainAtOnce() throws Exception {
        List<Long> ids = publish(1500, IntStream.range(0, 1200).boxed().collect(java.util.stream.Collectors.toSet()));
        Search all = Search.ALL.withErrorGroup("order # is too large");
        Admin.Result first = admin.requeue("orders", all, because("some of them"), done -> done == 0);
        assertThat(first.events()).isPositive().isLessThan(1200);
        assertThat(found(Search.ALL.withStatus(Status.PENDING)))
                .as("the oldest first, or a key's newer events would overtake its older ones")
                .hasSameElementsAs(ids.subList(0, (int) first.events()));
        List<Long> told = new ArrayList<>();
        Admin.Result result = admin.requeue("orders", all, because("fixed"), done -> told.add(done));
        assertThat(result.events()).isEqualTo(1200 - first.events());
        assertThat(told).isSorted().hasSizeGreaterThan(2);
        assertThat(journal.backlog().dead()).isZero();
        assertThat(journal.backlog().pending()).isEqualTo(1200);
        assertThat(admin.audit("orders", null, null, 500)).hasSize(500);
        assertThat(admin.audit("orders", ids.get(7), null, 500)).hasSize(1);
    }

    @Test
    void aChangeSaysWhoAndWhy() {
        assertThatThrownBy(() -> because(" ")).hasMessageContaining("A reason has 3 to 500 characters");
        assertThatThrownBy(() -> Change.by("", "because")).hasMessageContaining("An actor has 1 to 100 characters");
    }

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    @Test
    void aPausedOutboxWaitsOnAllRelaysUntilItIsResumed() throws Exception {
        write("k", "0");
        ManualRelay one = relay();
        until("it is published", one::pass, () -> journal.backlog().pending() == 0);
        ManualRelay other = builder("another").buildManual();
        admin.pause("orders", because("maintenance"));
        admin.pause("orders", because("twice"));
        assertThat(admin.lease("orders").pausedBy()).isEqualTo("ada");
        until(
                "the owner gives it up",
                () -> step(one, other),
                () -> admin.lease("orders").owner() == null);
        write("k", "1");
        for (int i = 0; i < 20; i++) {
            clock.advance(Duration.ofSeconds(2));
            step(one, other);
        }
        assertThat(broker.bodies()).containsExactly("0");
        assertThat(admin.lease("orders").relays()).hasSize(2);
        admin.resume("orders", because("done"));
        until(
                "somebody goes on",
                () -> step(one, other),
                () -> journal.backlog().pending() == 0);
        assertThat(broker.bodies()).containsExactly("0", "1");
        assertThat(admin.lease("orders").owner()).isNotNull();
        assertThat(admin.audit(null, null, null, 10))
                .extracting(AuditEntry::action)
                .containsExactly(Action.RESUME, Action.PAUSE);
    }

    private void step(ManualRelay one, ManualRelay other) {
        clock.advance(Duration.ofMillis(300));
        one.pass();
        other.pass();
    }

    @Test
    void anOutboxThatNoRelayHasSeenCanBePaused() throws Exception {
        admin.pause("orders", because("not yet"));
        write("k", "0");
        ManualRelay relay = relay();
        for (int i = 0; i < 10; i++) {
            clock.advance(Duration.ofSeconds(2));
            relay.pass();
        }
        assertThat(broker.arrived()).isEmpty();
        admin.resume("orders", because("now"));
        until(
                "it is published",
                () -> step(relay, relay),
                () -> journal.backlog().pending() == 0);
    }

    @Test
    void oldSettledEventsAreDeletedNowWithOneEntry() throws Exception {
        publish(100, Set.of(3));
        write(Event.builder(TYPE).payload("9").delay(Duration.ofHours(1)).build());
        assertThatThrownBy(() ->
                        admin.purge("orders", Duration.ZERO, Set.of(Status.PENDING), because("space"), done -> true))
                .hasMessageContaining("pending");
        assertThat(admin.purge("orders", Duration.ofHours(1), Set.of(Status.PUBLISHED), because("space"), done -> true)
                        .events())
                .isZero();
        Thread.sleep(1100); // some tables count in seconds
        assertThat(admin.purge("orders", Duration.ZERO, Set.of(Status.PUBLISHED), because("space"), done -> true)
                        .events())
                .isEqualTo(99);
        assertThat(journal.counts()).containsEntry(Status.DEAD, 1L).containsEntry(Status.PENDING, 1L);
        assertThat(admin.audit("orders", null, null, 10))
                .extracting(AuditEntry::events)
                .containsExactly(99L, 0L);
    }

    // --- Replaying ---------------------------------------------------------------------------------------------------

    private Replay replay(Broker to, Replay.Selection selection, int perSecond, Change change) {
        return admin.replay(
                "orders", selection, new Replay.Target(orders, to, MessageFormat.RAW, null, null, perSecond), change);
    }

    @Test
    void H40_aReplayKeepsOrderAndPaceAndIsMarkedWhileOthersGoOn() throws Exception {
        int events = 10_000;
        publish(events, Set.of());
        Replay.Selection all = Replay.Selection.of(Search.ALL.withStatus(Status.PUBLISHED));
        Admin.DryRun dry = admin.dryRun("orders", all, done -> true);
        assertThat(dry.events()).isEqualTo(events);
        assertThat(dry.counted()).isTrue();
        assertThat(dry.sample()).hasSize(10);
        RecordingBroker target = new RecordingBroker();
        Map<String, Boolean> refusedOnce = new ConcurrentHashMap<>();
        target.answering(message -> refusedOnce.putIfAbsent(RecordingBroker.body(message), true) == null
                        && RecordingBroker.body(message).endsWith("999")
                ? new Outcome.Unavailable("restarting")
                : Outcome.ACKNOWLEDGED);
        Change change = because("the search index was rebuilt");
        Replay replay = replay(target, all, 4_000, change);
        long start = System.nanoTime();
        Thread thread = new Thread(replay);
        thread.start();
        until("it runs", Thread::onSpinWait, () -> replay.progress().state() == Replay.State.RUNNING);
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
                () -> step(relay, relay),
                () -> journal.backlog().pending() == 0);
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
        List<Long> ids = publish(100, Set.of());
        RecordingBroker target = new RecordingBroker();
        Replay slow =
                replay(target, Replay.Selection.of(Search.ALL.withStatus(Status.PUBLISHED)), 20, because("slowly"));
        Thread thread = new Thread(slow);
        thread.start();
        until("some are sent", Thread::onSpinWait, () -> slow.progress().sent() > 2);
        slow.cancel();
        thread.join(10_000);
        assertThat(slow.progress().state()).isEqualTo(Replay.State.CANCELLED);
        assertThat(target.arrived()).hasSizeLessThan(50);
        target.answering(message -> RecordingBroker.body(message).equals("7")
                ? new Outcome.Rejected("unroutable", true)
                : Outcome.ACKNOWLEDGED);
        target.forget();
        Replay some = replay(target, Replay.Selection.of(ids.subList(5, 10)), 1000, because("these"));
        some.run();
        assertThat(some.progress().sent()).isEqualTo(4);
        assertThat(some.progress().failed()).isEqualTo(1);
        assertThat(some.progress().errors()).singleElement().asString().contains("unroutable");
        assertThat(LongStream.of(5, 6, 8, 9).mapToObj(Long::toString).toList())
                .containsExactlyElementsOf(target.bodies());
        assertThatThrownBy(() -> new Replay.Target(orders, target, MessageFormat.RAW, "elsewhere", null, 10))
                .hasMessageContaining("elsewhere is not among those");
    }
}
