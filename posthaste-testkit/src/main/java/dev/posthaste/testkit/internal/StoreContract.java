package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.store.OutboxStore.DeadEvent;
import dev.posthaste.internal.store.OutboxStore.Forgotten;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every store must do for relays and operators: keep, read, settle and forget events. */
public abstract class StoreContract extends StoreHazardsContract {
    protected StoreContract(StoreSource source) {
        super(source);
    }

    private List<String> payloads() {
        return texts(pending());
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    @Test
    void anEventComesBackAsItWasWritten() throws Exception {
        String nul = EventTable.of(orders).isStandard() ? "\\u0000" : ""; // columns of JSON may refuse it
        Event event = Event.of(
                TYPE,
                keeps(Column.KEY) ? "key 'with' \"quotes\"" : null,
                "{\"text\":\"späße 漢字 \uD83D\uDE00 " + nul + "\"}");
        if (keeps(Column.HEADERS)) {
            event = event.header("tenant", "a'; drop table orders; --");
        }
        if (keeps(Column.VERSION) || EventTable.of(orders).payload() == EventTable.Payload.ENVELOPE) {
            event = event.version("v2");
        }
        if (keeps(Column.ROUTING_KEY)) {
            event = event.routingKey("a.b");
        }
        if (keeps(Column.MAX_ATTEMPTS)) {
            event = event.attempts(3);
        }
        write(event);
        PendingEvent read = pending().get(0);
        assertThat(read.event().eventId()).isEqualTo(event.id());
        assertThat(read.event().type()).isEqualTo(TYPE);
        assertThat(read.event().version()).isEqualTo(event.version());
        assertThat(read.event().key()).isEqualTo(event.key());
        assertThat(read.event().routingKey()).isEqualTo(event.routingKey());
        if (keeps(Column.HEADERS)) {
            assertThat(read.event().headers()).contains("drop table");
        }
        assertThat(Json.object(read.event().payload())).isEqualTo(Json.object((String) event.payload()));
        assertThat(read.maxAttempts()).isEqualTo(event.attempts());
        assertThat(read.attempts()).isZero();
        assertThat(Duration.ofNanos(read.waitNanos())).isLessThanOrEqualTo(rounding());
    }

    @Test
    void aRolledBackEventNeverWas() throws Exception {
        try (OpenStore.Writing transaction = beginWriting()) {
            transaction.write(event("k", "never"));
        }
        assertThat(pending()).isEmpty();
    }

    @Test
    void H13_aSecondWriteWithTheSameIdIsRefused() throws Exception {
        String id = Event.newId();
        write(event("k", "first").id(id));
        if (!keeps(Column.EVENT_ID)) {
            write(event("k", "second").id(id));
            assertThat(payloads()).as("a table that keeps no ids").containsExactly("first", "second");
            return;
        }
        assertThatThrownBy(() -> write(event("k", "second").id(id)))
                .isInstanceOf(DuplicateEventException.class)
                .hasMessageContaining(id);
        assertThatThrownBy(() -> write(event("k", "other"), event("k", "second").id(id)))
                .as("in a batch, nothing of it is written")
                .isInstanceOf(DuplicateEventException.class);
        assertThat(payloads()).containsExactly("first");
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    @Test
    void H01_anEventThatCommitsLateIsFoundBehind() throws Exception {
        try (OpenStore.Writing slow = beginWriting()) {
            slow.write(event("a", "late"));
            if (hasOneWriter()) {
                behind(slow, true, () -> {
                    write("b", "early");
                    return true;
                });
                assertThat(payloads()).as("nobody commits late").containsExactly("late", "early");
                return;
            }
            write("b", "early");
            long highest = pending().get(0).id();
            assertThat(store.fetch(highest, 10, ALL)).isEmpty();
            slow.commit();
            assertThat(store.fetch(highest, 10, ALL)).isEmpty();
            List<PendingRef> behind = store.scan(0, highest, 10);
            assertThat(behind).hasSize(2);
            if (keeps(Column.KEY)) {
                assertThat(behind).extracting(PendingRef::key).containsExactly("a", "b");
            }
            assertThat(store.load(List.of(behind.get(0).id()), ALL)).hasSize(1);
        }
    }

    @Test
    void fetchStopsAtItsLimitsAndGoesOn() throws Exception {
        for (int i = 0; i < 300; i++) {
            write("k", "x".repeat(1000) + i);
        }
        List<Pending> first = store.fetch(0, 200, ALL);
        assertThat(first).hasSize(200);
        assertThat(store.fetch(first.get(199).id(), 200, ALL)).hasSize(100);
        assertThat(store.fetch(0, 200, 5000)).hasSize(4);
        assertThat(store.fetch(0, 64, 1)).hasSize(1);
    }

    @Test
    void H30_aDelayIsKept() throws Exception {
        write(event("later", "later").delay(Duration.ofSeconds(100)));
        assertThat(Duration.ofNanos(pending().get(0).waitNanos()))
                .isBetween(Duration.ofSeconds(90), Duration.ofSeconds(100).plus(rounding()));
        assertThat(Duration.ofNanos(pending().get(0).ageNanos())).isLessThan(Duration.ofSeconds(60));
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    @Test
    void verdictsAreWrittenDown() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = pending().stream().map(PendingEvent::id).toList();
        Settled written = store.settle(
                take("me"),
                List.of(
                        new Verdict.Dead(ids.get(2), 0, "too large"),
                        new Verdict.Published(ids.get(0), 0),
                        new Verdict.Retry(ids.get(1), 0, Duration.ofHours(1), "not now")));
        assertThat(written).isEqualTo(new Settled(3, Set.of()));
        assertThat(statuses()).containsExactly("published", "pending", "dead", "pending");
        assertThat(found()).extracting(FoundEvent::attempts).containsExactly(0, 1, 1, 0);
        assertThat(found()).extracting(FoundEvent::error).containsExactly(null, "not now", "too large", null);
        List<PendingEvent> pending = pending();
        assertThat(pending).extracting(PendingEvent::id).containsExactly(ids.get(1), ids.get(3));
        assertThat(Duration.ofNanos(pending.get(0).waitNanos())).isGreaterThan(Duration.ofMinutes(59));
        assertThat(operators.counts())
                .containsEntry(Status.PUBLISHED, 1L)
                .containsEntry(Status.PENDING, 2L)
                .containsEntry(Status.DEAD, 1L)
                .containsEntry(Status.CONSUMED, 0L);
        assertThat(store.backlog().pending()).isEqualTo(2);
        assertThat(store.backlog().dead()).isEqualTo(1);
        assertThat(operators.backlog().dead()).isEqualTo(1);
        if (keeps(Column.PUBLISHED_AT)) {
            assertThat(found())
                    .extracting(event -> event.publishedAt() != null)
                    .containsExactly(true, false, false, false);
        }
    }

    @Test
    void H08_withoutTheLeaseNothingIsSettled() throws Exception {
        write("a", "1");
        long id = pending().get(0).id();
        Claim old = take("me");
        Claim taken = take("other");
        assertThat(taken.epoch()).isEqualTo(old.epoch() + 1);
        assertThatThrownBy(() -> store.settle(old, List.of(new Verdict.Published(id, 0))))
                .isInstanceOf(LeaseLostException.class);
        assertThat(statuses()).containsExactly("pending");
        assertThat(store.settle(taken, List.of(new Verdict.Published(id, 0))).written())
                .isEqualTo(1);
    }

    @Test
    void H09_whatIsNoLongerPendingIsLeftAloneAndCounted() throws Exception {
        write("a", "1");
        long id = pending().get(0).id();
        Claim claim = take("me");
        store.settle(claim, List.of(new Verdict.Dead(id, 0, "no")));
        assertThat(store.settle(claim, List.of(new Verdict.Published(id, 1))).written())
                .isZero();
        assertThat(statuses()).containsExactly("dead");
    }

    @Test
    void whatHasCountedOtherAttemptsMeanwhileIsNotOverwritten() throws Exception {
        for (String each : List.of("1", "2", "3")) {
            write("key-" + each, each);
        }
        List<Long> ids = pending().stream().map(PendingEvent::id).toList();
        Claim claim = take("me");
        store.settle(
                claim,
                ids.stream()
                        .<Verdict>map(id -> new Verdict.Retry(id, 0, Duration.ZERO, "first"))
                        .toList());
        assertThat(store.settle(
                                claim,
                                List.of(
                                        new Verdict.Published(ids.get(0), 0),
                                        new Verdict.Retry(ids.get(1), 0, Duration.ZERO, "no"),
                                        new Verdict.Dead(ids.get(2), 0, "no")))
                        .written())
                .isZero();
        assertThat(statuses()).containsExactly("pending", "pending", "pending");
        assertThat(found()).extracting(FoundEvent::attempts).containsOnly(1);
        assertThat(found()).extracting(FoundEvent::error).containsOnly("first");
    }

    @Test
    void deadEventsBlockTheirKeysAndCanBeRequeued() throws Exception {
        write("a", "1");
        write("a", "2");
        write("b", "3");
        List<Long> ids = pending().stream().map(PendingEvent::id).toList();
        Claim claim = take("me");
        store.settle(
                claim,
                List.of(
                        new Verdict.Dead(ids.get(0), 0, "no"),
                        new Verdict.Dead(ids.get(1), 0, "no"),
                        new Verdict.Published(ids.get(2), 0)));
        assertThat(store.dead(0, 10))
                .isEqualTo(
                        keeps(Column.KEY)
                                ? List.of(new DeadEvent(ids.get(0), "a"), new DeadEvent(ids.get(1), "a"))
                                : List.of());
        assertThat(store.dead(ids.get(0), 10)).hasSize(keeps(Column.KEY) ? 1 : 0);
        assertThat(requeue(ids)).isEqualTo(2);
        assertThat(store.dead(0, 10)).isEmpty();
        assertThat(statuses()).containsExactly("pending", "pending", "published");
        assertThat(found()).extracting(FoundEvent::attempts).containsOnly(0);
    }

    /** The answer of the first commit was lost, so that the relay writes its verdict again. */
    @Test
    void C24_aVerdictThatIsWrittenTwiceDoesNotEndAnEventThatWasPutBackInBetween() throws Exception {
        write("a", "1");
        PendingEvent event = pending().get(0);
        Claim claim = take("me");
        List<Verdict> verdict = List.of(new Verdict.Dead(event.id(), event.seen(), "no"));
        assertThat(store.settle(claim, verdict).written()).isEqualTo(1);
        assertThat(requeue(List.of(event.id()))).isEqualTo(1);
        boolean toldApart = keeps(Column.GENERATION); // docs/adr/0007
        assertThat(store.settle(claim, verdict).written()).isEqualTo(toldApart ? 0 : 1);
        assertThat(statuses()).containsExactly(toldApart ? "pending" : "dead");
    }

    // --- Retention ---------------------------------------------------------------------------------------------------

    @Test
    void H31_onlyOldFinishedEventsAreDeletedInSmallBatches() throws Exception {
        for (int i = 0; i < 6; i++) {
            write("k" + i, "" + i);
        }
        List<Long> ids = pending().stream().map(PendingEvent::id).toList();
        store.settle(
                take("me"),
                List.of(
                        new Verdict.Published(ids.get(0), 0),
                        new Verdict.Dead(ids.get(1), 0, "no"),
                        new Verdict.Published(ids.get(3), 0),
                        new Verdict.Published(ids.get(4), 0)));
        assertThat(store.forget(new RetentionRule(Duration.ofDays(1), true), 0, 2)
                        .events())
                .isZero();
        AtomicInteger deleted = new AtomicInteger();
        until(
                "the times that are kept in seconds have passed",
                () -> deleted.addAndGet(forgetOnce()),
                () -> deleted.get() >= 3);
        assertThat(deleted).hasValue(3);
        assertThat(statuses()).containsExactly("dead", "pending", "pending");
    }

    private int forgetOnce() {
        int deleted = 0;
        Forgotten last = new Forgotten(0, 0, true);
        while (last.more()) {
            last = store.forget(new RetentionRule(Duration.ZERO, false), last.next(), 2);
            assertThat(last.events()).isLessThanOrEqualTo(2);
            deleted += last.events();
        }
        return deleted;
    }

    @Test
    void H31_deadEventsAreForgottenWhereTheRuleSaysSo() throws Exception {
        write("a", "dead");
        write("b", "pending");
        long dead = pending().get(0).id();
        store.settle(take("me"), List.of(new Verdict.Dead(dead, 0, "no")));
        RetentionRule rule = new RetentionRule(Duration.ZERO, true);
        AtomicInteger deleted = new AtomicInteger();
        until(
                "the times that are kept in seconds have passed",
                () -> deleted.addAndGet(store.forget(rule, 0, 10).events()),
                () -> deleted.get() > 0);
        assertThat(statuses()).containsExactly("pending");
        assertThat(store.lastId()).isNotEmpty();
    }
}
