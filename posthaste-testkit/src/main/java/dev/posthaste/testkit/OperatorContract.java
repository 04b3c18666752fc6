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
import dev.posthaste.admin.Search;
import dev.posthaste.store.PendingEvent;
import dev.posthaste.store.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do for operators: show events, change dead ones, delete old ones, and keep the audit. */
public abstract class OperatorContract extends OutboxContract {
    private Admin admin;

    protected OperatorContract(StoreSource source) {
        super(source);
    }

    @BeforeEach
    void openAdmin() {
        admin = new Admin(Map.of("orders", operators));
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
        return found().stream().map(FoundEvent::id).toList();
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
        write(Event.of(TYPE, "late", "9").delay(Duration.ofHours(1)));
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
        write(Event.of(TYPE, "k", "{\"a\":1}").id("order-1").header("tenant", "acme"));
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

    // --- Changing ----------------------------------------------------------------------------------------------------

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
        assertThat(pending()).extracting(PendingEvent::id).containsExactly(ids.get(4));
        assertThat(store.backlog().dead()).isEqualTo(1);
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
        assertThat(store.backlog().dead()).isZero();
        assertThat(store.backlog().pending()).isEqualTo(1200);
        assertThat(admin.audit("orders", null, null, 500)).hasSize(500);
        assertThat(admin.audit("orders", ids.get(7), null, 500)).hasSize(1);
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
        assertThat(operators.counts()).containsEntry(Status.DEAD, 1L).containsEntry(Status.PENDING, 1L);
        assertThat(admin.audit("orders", null, null, 10))
                .extracting(AuditEntry::events)
                .containsExactly(99L, 0L);
    }
}
