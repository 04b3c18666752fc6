package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.EventPage;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.admin.UnknownOutboxException;
import dev.posthaste.internal.admin.ChangeOutcome;
import dev.posthaste.internal.admin.DeadGroup;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.StoreAdmin;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do for operators: show events, change dead ones, delete old ones, and keep the audit. */
public abstract class OperatorContract extends OutboxContract {
    private StoreOutboxAdmin admin;

    protected OperatorContract(StoreSource source) {
        super(source);
    }

    @BeforeEach
    void openAdmin() {
        admin = new StoreOutboxAdmin(orders, operators);
    }

    /** Writes events whose payload is their number, and settles them: those given are dead, the others published. */
    private List<Long> publish(int events, Set<Integer> refused) throws Exception {
        List<Event> all = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            all.add(Event.of(TYPE, "k" + i % 5, "" + i));
        }
        write(all.toArray(Event[]::new));
        List<Long> ids = ids();
        List<Verdict> verdicts = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            verdicts.add(
                    refused.contains(i)
                            ? new Verdict.Dead(ids.get(i), 0, "order " + i + " is too large")
                            : new Verdict.Published(ids.get(i), 0));
        }
        assertThat(store.settle(take("me"), verdicts).written()).isEqualTo(events);
        return ids;
    }

    private List<Long> ids() {
        return found().stream().map(FoundEvent::position).toList();
    }

    private List<Long> found(EventFilter search) {
        return admin.search(search, null, StoreOutboxAdmin.MAX_PAGE).events().stream()
                .map(FoundEvent::position)
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
            FoundPage page = admin.search(EventFilter.all(), before, 30);
            page.events().forEach(event -> seen.add(event.position()));
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
        write(Event.of(TYPE, "late", "9").delay(Duration.ofHours(1)));
        long pending = ids().get(100);
        assertThat(found(EventFilter.all())).hasSize(101);
        assertThat(found(EventFilter.status(Status.PENDING))).containsExactly(pending);
        assertThat(found(EventFilter.status(Status.DEAD))).containsExactly(ids.get(3), ids.get(77));
        assertThat(found(EventFilter.status(Status.PUBLISHED))).hasSize(98);
        assertThat(found(EventFilter.status(Status.CONSUMED))).isEmpty();
        assertThat(found(EventFilter.all().type(TYPE))).hasSize(101);
        assertThat(found(EventFilter.all().type("other"))).isEmpty();
        assertThat(found(EventFilter.all().key("k2"))).hasSize(20);
        assertThat(found(EventFilter.status(Status.DEAD).key("k3"))).containsExactly(ids.get(3));
        assertThat(found(EventFilter.all().error("ORDER 77 is"))).containsExactly(ids.get(77));
        assertThat(found(EventFilter.all().error("%"))).isEmpty();
        FoundEvent one = admin.find(ids.get(42)).orElseThrow();
        assertThat(found(EventFilter.all().eventId(one.eventId()))).containsExactly(ids.get(42));
        assertThat(found(EventFilter.all().eventId("no such"))).isEmpty();
        Instant end = Instant.now().plusSeconds(5);
        assertThat(found(EventFilter.all().from(start).to(end))).hasSize(101);
        assertThat(found(EventFilter.all().from(end))).isEmpty();
        assertThat(found(EventFilter.all().to(start))).isEmpty();
        Instant written = Objects.requireNonNull(one.createdAt());
        assertThat(found(EventFilter.all().from(written).to(written.plusNanos(1000))))
                .contains(ids.get(42));
    }

    @Test
    void oneEventIsShownWithAllThatItHolds() throws Exception {
        Instant before = Instant.now().minusSeconds(5);
        write(Event.of(TYPE, "k", "{\"a\":1}").id("order-1").header("tenant", "acme"));
        FoundEvent details = admin.find(ids().get(0)).orElseThrow();
        assertThat(details.eventId()).isEqualTo("order-1");
        assertThat(details.status()).isEqualTo(Status.PENDING);
        assertThat(details.key()).isEqualTo("k");
        assertThat(details.attempts()).isZero();
        assertThat(details.createdAt()).isBetween(before, Instant.now().plusSeconds(5));
        assertThat(new String(details.payload(), StandardCharsets.UTF_8)).isEqualTo("{\"a\":1}");
        assertThat(details.headers()).contains("acme");
        assertThat(admin.find(4711)).isEmpty();
        assertThatThrownBy(() -> new StoreAdmin(List.of(admin)).outbox("order"))
                .isInstanceOf(UnknownOutboxException.class)
                .hasMessageContaining("the outboxes are orders");
    }

    @Test
    void theDeadAreGroupedByWhatTheirErrorsSay() throws Exception {
        List<Long> ids = publish(20, Set.of(2, 4, 11));
        assertThat(admin.errors()).singleElement().satisfies(group -> {
            assertThat(group.group()).isEqualTo("order # is too large");
            assertThat(group.events()).isEqualTo(3);
            assertThat(group.example()).isEqualTo("order 11 is too large");
            assertThat(group.newestPosition()).isEqualTo(ids.get(11));
        });
        String group = DeadGroup.of("order 5 is too large");
        assertThat(found(EventFilter.status(Status.DEAD).errorGroup(group))).hasSize(3);
        assertThat(found(EventFilter.status(Status.DEAD).errorGroup("other"))).isEmpty();
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Test
    void deadEventsAreSentAgainAndTheAuditSaysWhy() throws Exception {
        List<Long> ids = publish(10, Set.of(4, 6));
        Change change = because("the limit was raised");
        assertThat(admin.requeue(at(ids.get(4), ids.get(5)), change)).isEqualTo(new ChangeOutcome(1, false));
        assertThat(admin.requeue(at(ids.get(4), ids.get(6)), change))
                .as("a second click")
                .isEqualTo(new ChangeOutcome(1, true));
        FoundEvent event = admin.find(ids.get(4)).orElseThrow();
        assertThat(event.status()).isEqualTo(Status.PENDING);
        assertThat(event.attempts()).isZero();
        assertThat(admin.audit(ids.get(4), null, 10)).singleElement().satisfies(entry -> {
            assertThat(entry.actor()).isEqualTo("ada");
            assertThat(entry.action()).isEqualTo(Action.REQUEUE);
            assertThat(entry.reason()).isEqualTo("the limit was raised");
            assertThat(entry.eventId()).isEqualTo(event.eventId());
            assertThat(entry.detail()).contains("order 4 is too large");
            assertThat(entry.at())
                    .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(5));
        });
        assertThat(admin.audit(ids.get(5), null, 10)).isEmpty();
        assertThat(pending()).extracting(PendingEvent::id).containsExactly(ids.get(4));
        assertThat(store.backlog().dead()).isEqualTo(1);
    }

    @Test
    void whatIsDiscardedIsKeptInTheAudit() throws Exception {
        List<Long> ids = publish(5, Set.of(2));
        assertThat(admin.discard(at(ids), because("a test order")).events()).isEqualTo(1);
        assertThat(ids()).hasSize(4).doesNotContain(ids.get(2));
        AuditEntry entry = admin.audit(ids.get(2), null, 1).get(0);
        assertThat(entry.action()).isEqualTo(Action.DISCARD);
        assertThat(entry.detail()).contains("\"payload\":\"2\"").contains("order 2 is too large");
    }

    @Test
    void allOfAGroupAreSentAgainAtOnce() throws Exception {
        List<Long> ids = publish(1500, IntStream.range(0, 1200).boxed().collect(java.util.stream.Collectors.toSet()));
        EventFilter all = EventFilter.status(Status.DEAD).errorGroup("order # is too large");
        ChangeResult first = admin.requeue(all, because("some of them"), done -> done == 0);
        assertThat(first.events()).isPositive().isLessThan(1200);
        assertThat(found(EventFilter.status(Status.PENDING)))
                .as("the oldest first, or a key's newer events would overtake its older ones")
                .hasSameElementsAs(ids.subList(0, (int) first.events()));
        List<Long> told = new ArrayList<>();
        ChangeResult result = admin.requeue(all, because("fixed"), done -> told.add(done));
        assertThat(result.events()).isEqualTo(1200 - first.events());
        assertThat(told).isSorted().hasSizeGreaterThan(2);
        assertThat(store.backlog().dead()).isZero();
        assertThat(store.backlog().pending()).isEqualTo(1200);
        assertThat(admin.audit(null, null, 500)).hasSize(500);
        assertThat(admin.audit(ids.get(7), null, 500)).hasSize(1);
    }

    @Test
    void aChangeSaysWhoAndWhy() {
        assertThatThrownBy(() -> because(" ")).hasMessageContaining("A reason has 3 to 500 characters");
        assertThatThrownBy(() -> Change.by("", "because")).hasMessageContaining("An actor has 1 to 100 characters");
    }

    @Test
    void oldSettledEventsAreDeletedNowWithOneEntry() throws Exception {
        publish(100, Set.of(3));
        write(Event.of(TYPE, null, "9").delay(Duration.ofHours(1)));
        assertThatThrownBy(() -> admin.purge(Duration.ZERO, Set.of(Status.PENDING), because("space"), done -> true))
                .hasMessageContaining("pending");
        assertThat(admin.purge(Duration.ofHours(1), Set.of(Status.PUBLISHED), because("space"), done -> true)
                        .events())
                .isZero();
        Thread.sleep(1100); // some tables count in seconds
        assertThat(admin.purge(Duration.ZERO, Set.of(Status.PUBLISHED), because("space"), done -> true)
                        .events())
                .isEqualTo(99);
        assertThat(operators.counts()).containsEntry(Status.DEAD, 1L).containsEntry(Status.PENDING, 1L);
        assertThat(admin.audit(null, null, 10)).extracting(AuditEntry::events).containsExactly(99L, 0L);
    }

    // --- Filters, and the number that is expected --------------------------------------------------------------------

    private static final EventFilter DEAD = EventFilter.status(Status.DEAD);

    @Test
    void aChangeThatExpectsAnotherNumberChangesNothing() throws Exception {
        List<Long> ids = publish(10, Set.of(1, 3, 5));
        EventFilter given = at(ids.get(1), ids.get(2), ids.get(3));
        EventFilter published = EventFilter.status(Status.PUBLISHED);
        for (long wrong : List.of(1L, 4L)) {
            Change change = because("repaired").expecting(wrong);
            assertThatThrownBy(() -> admin.requeue(DEAD, change))
                    .isInstanceOf(UnexpectedCountException.class)
                    .hasMessageContaining("outbox orders has 3 that match");
            assertThatThrownBy(() -> admin.discard(given, change)).isInstanceOf(UnexpectedCountException.class);
            assertThatThrownBy(() -> admin.purge(published, change)).isInstanceOf(UnexpectedCountException.class);
        }
        assertThat(admin.audit()).isEmpty();
        assertThat(admin.counts()).containsEntry(Status.DEAD, 3L).containsEntry(Status.PUBLISHED, 7L);
        Change change = because("repaired").expecting(admin.dryRun(DEAD).events());
        assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(3, false));
        assertThat(admin.requeue(DEAD, change)).as("none are dead now").isEqualTo(new ChangeOutcome(3, true));
        assertThat(admin.purge(published, because("space").expecting(7))).isEqualTo(new ChangeOutcome(7, false));
        assertThat(ids()).hasSize(3);
    }

    @Test
    void aLimitTakesTheOldest() throws Exception {
        List<Long> ids = publish(10, Set.of(1, 3, 5, 7));
        Change change = because("try two");
        assertThat(admin.dryRun(DEAD.limit(2)).events()).isEqualTo(2);
        assertThat(admin.requeue(DEAD.limit(2), change)).isEqualTo(new ChangeOutcome(2, false));
        assertThat(admin.requeue(DEAD.limit(2), change)).isEqualTo(new ChangeOutcome(2, true));
        assertThat(found(DEAD)).containsExactly(ids.get(5), ids.get(7));
        EventFilter published = EventFilter.status(Status.PUBLISHED).limit(4);
        assertThat(admin.purge(published, because("space")).events()).isEqualTo(4);
        assertThat(ids()).hasSize(6).doesNotContain(ids.get(0), ids.get(2), ids.get(4), ids.get(6));
    }

    @Test
    void givenPositionsAreFilteredByWhatElseIsAsked() throws Exception {
        List<Long> ids = publish(10, Set.of(1, 3, 5));
        EventFilter given = at(ids.get(0), ids.get(1), ids.get(3));
        assertThat(admin.search(given).events())
                .extracting(FoundEvent::position)
                .containsExactly(ids.get(3), ids.get(1), ids.get(0));
        assertThat(admin.dryRun(given.error("ORDER 3 ")).events()).isEqualTo(1);
        assertThat(admin.requeue(given.error("order 3 "), because("this one"))).isEqualTo(new ChangeOutcome(1, false));
        assertThat(admin.requeue(given.key("other"), because("none"))).isEqualTo(new ChangeOutcome(0, false));
        assertThat(admin.purge(given.key("k0"), because("space"))).isEqualTo(new ChangeOutcome(1, false));
        assertThat(admin.purge(given, because("space"))).isEqualTo(new ChangeOutcome(1, false));
        assertThat(ids()).hasSize(8).doesNotContain(ids.get(0), ids.get(1));
        assertThat(found(EventFilter.status(Status.PENDING))).containsExactly(ids.get(3));
    }

    @Test
    void whatMayNotBeChangedIsRefusedAndNotPassedOver() {
        for (EventFilter filter : List.of(EventFilter.all(), EventFilter.status(Status.PENDING))) {
            assertThatThrownBy(() -> admin.requeue(filter, because("again")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Only dead events are requeued");
            assertThatThrownBy(() -> admin.purge(filter, because("space")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("say which status");
        }
        assertThat(admin.audit()).isEmpty();
    }

    @Test
    void anInterruptedThreadStopsAChangeAndTheSameChangeContinuesIt() throws Exception {
        publish(500, IntStream.range(0, 450).boxed().collect(java.util.stream.Collectors.toSet()));
        Change change = because("repaired");
        ChangeResult stopped;
        Thread.currentThread().interrupt();
        try {
            stopped = admin.requeue(DEAD, change);
        } finally {
            assertThat(Thread.interrupted()).as("still interrupted").isTrue();
        }
        assertThat(stopped).isEqualTo(new ChangeOutcome(0, false));
        assertThat(admin.audit().get(0).detail()).isEqualTo("interrupted: status dead");
        assertThat(admin.requeue(DEAD, change)).isEqualTo(new ChangeOutcome(450, false));
        assertThat(admin.audit()).hasSize(451);
    }

    @Test
    void pagesFollowEachOther() throws Exception {
        List<Long> ids = publish(70, Set.of());
        List<Long> seen = new ArrayList<>();
        EventPage page = admin.search(EventFilter.all().limit(30));
        page.events().forEach(event -> seen.add(0, event.position()));
        while (page.hasNext()) {
            page = admin.next(page);
            page.events().forEach(event -> seen.add(0, event.position()));
        }
        assertThat(seen).isEqualTo(ids);
        assertThat(admin.next(page).events()).isEmpty();
    }
}
