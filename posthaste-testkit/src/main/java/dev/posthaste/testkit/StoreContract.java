package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.EventId;
import dev.posthaste.InvalidEventException;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Status;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal.DeadEvent;
import dev.posthaste.journal.Journal.Purged;
import dev.posthaste.journal.Journal.Settled;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Verdict;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** What every database must do for outboxes and leases. */
public abstract class StoreContract extends StoreHazardsContract {
    /** What is written as a text is a JSON text in the table, for not every table takes another. */
    private List<String> payloads() {
        return fetch().stream()
                .map(event -> new String(event.event().payload(), StandardCharsets.UTF_8))
                .map(json -> json.replaceAll("^\"|\"$", ""))
                .toList();
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    @Test
    void anEventComesBackAsItWasWritten() throws Exception {
        String nul = layout.isStandard() ? "\\u0000" : ""; // columns of JSON may refuse it
        Event.Builder builder =
                event("key 'with' \"quotes\"", "").payload("{\"text\":\"späße 漢字 \uD83D\uDE00 " + nul + "\"}");
        if (layout.has(Column.HEADERS)) {
            builder.header("tenant", "a'; drop table orders; --");
        }
        if (layout.has(Column.VERSION) || layout.payload() == TableLayout.Payload.ENVELOPE) {
            builder.version("v2");
        }
        if (layout.has(Column.ROUTING_KEY)) {
            builder.routingKey("a.b");
        }
        if (layout.has(Column.MAX_ATTEMPTS)) {
            builder.maxAttempts(3);
        }
        Event event = builder.build();
        write(event);
        PendingEvent read = fetch().get(0);
        assertThat(read.event().eventId()).isEqualTo(event.id());
        assertThat(read.event().type()).isEqualTo(TYPE);
        assertThat(read.event().version()).isEqualTo(event.version());
        assertThat(read.event().key()).isEqualTo(event.key());
        assertThat(read.event().routingKey()).isEqualTo(event.routingKey());
        if (layout.has(Column.HEADERS)) {
            assertThat(read.event().headers()).contains("drop table");
        }
        assertThat(JsonMapper.shared().readTree(read.event().payload()))
                .isEqualTo(JsonMapper.shared().readTree((String) event.payload()));
        assertThat(read.maxAttempts()).isEqualTo(event.maxAttempts());
        assertThat(read.attempts()).isZero();
        assertThat(Duration.ofNanos(read.waitNanos())).isLessThanOrEqualTo(rounding());
    }

    @Test
    void objectsBecomeJson() throws Exception {
        write(event("k", "").payload(Map.of("amount", 3)).build());
        assertThat(payloads()).singleElement().asString().isEqualToIgnoringWhitespace("{\"amount\":3}");
    }

    @Test
    void aRolledBackEventNeverWas() throws Exception {
        try (Connection connection = begin()) {
            outbox.write(connection, event("k", "never").build());
            connection.rollback();
        }
        assertThat(fetch()).isEmpty();
    }

    @Test
    void H13_aSecondWriteWithTheSameIdIsRefused() throws Exception {
        String id = EventId.next();
        write(event("k", "first").id(id).build());
        if (!layout.has(Column.EVENT_ID)) {
            write(event("k", "second").id(id).build());
            assertThat(payloads()).as("a table that keeps no ids").containsExactly("first", "second");
            return;
        }
        assertThatThrownBy(() -> write(event("k", "second").id(id).build()))
                .isInstanceOf(DuplicateEventException.class)
                .hasMessageContaining(id);
        assertThatThrownBy(() -> write(
                        event("k", "other").build(), event("k", "second").id(id).build()))
                .as("in a batch, nothing of it is written")
                .isInstanceOf(DuplicateEventException.class);
        assertThat(payloads()).containsExactly("first");
    }

    @Test
    void whatCanNeverBeStoredIsRefusedBeforeAnySql() throws Exception {
        try (Connection connection = begin()) {
            assertThatThrownBy(() -> outbox.write(connection, Event.of("order.unknown", null, "x")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("order.unknown");
            int longest = layout.length(Column.KEY);
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k".repeat(longest + 1), json("x"))))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining(Integer.toString(longest));
            if (!layout.has(Column.KEY)) {
                assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k", json("x"))))
                        .isInstanceOf(InvalidEventException.class)
                        .hasMessageContaining("no column for a key");
            }
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, null, "x".repeat(1_000_001))))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("1000000");
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, null, new byte[] {(byte) 0xff})))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("UTF-8");
            assertThatThrownBy(() -> outbox.write(
                            connection,
                            Event.builder(TYPE)
                                    .payload(json("x"))
                                    .destination("elsewhere")
                                    .build()))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("elsewhere");
            outbox.write(
                    connection,
                    event("\uD83D\uDE00".repeat(64), "the transaction is still good")
                            .build());
            connection.commit();
        }
        assertThat(payloads()).containsExactly("the transaction is still good");
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(true);
            assertThatThrownBy(() -> outbox.write(connection, event("k", "x").build()))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("auto-commit");
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    @Test
    void H01_anEventThatCommitsLateIsFoundBehind() throws Exception {
        try (Connection slow = begin()) {
            outbox.write(slow, event("a", "late").build());
            if (hasOneWriter()) {
                behind(slow, true, () -> {
                    write("b", "early");
                    return true;
                });
                assertThat(payloads()).as("nobody commits late").containsExactly("late", "early");
                return;
            }
            write("b", "early");
            long highest = fetch().get(0).id();
            assertThat(journal.fetch(highest, 10, ALL)).isEmpty();
            slow.commit();
            assertThat(journal.fetch(highest, 10, ALL)).isEmpty();
            List<PendingMark> behind = journal.scan(0, highest, 10);
            assertThat(behind).hasSize(2);
            if (layout.has(Column.KEY)) {
                assertThat(behind).extracting(PendingMark::key).containsExactly("a", "b");
            }
            assertThat(journal.load(List.of(behind.get(0).id()), ALL)).hasSize(1);
        }
    }

    @Test
    void fetchStopsAtItsLimitsAndGoesOn() throws Exception {
        for (int i = 0; i < 300; i++) {
            write("k", "x".repeat(1000) + i);
        }
        List<Pending> first = journal.fetch(0, 200, ALL);
        assertThat(first).hasSize(200);
        assertThat(journal.fetch(first.get(199).id(), 200, ALL)).hasSize(100);
        assertThat(journal.fetch(0, 200, 5000)).hasSize(4);
        assertThat(journal.fetch(0, 64, 1)).hasSize(1);
    }

    @Test
    void H30_aDelayIsKeptToTheMicrosecondByTheDatabasesClock() throws Exception {
        write(event("later", "later").delay(Duration.ofSeconds(100)).build());
        long wait = fetch().get(0).waitNanos();
        assertThat(Duration.ofNanos(wait))
                .isBetween(Duration.ofSeconds(90), Duration.ofSeconds(100).plus(rounding()));
        String next = column(Column.NEXT_ATTEMPT_AT);
        execute("update " + table() + " set " + next + " = "
                + (dialect == Dialect.POSTGRESQL || dialect == Dialect.H2
                        ? "timestamp with time zone '2020-01-01 00:00:00.9996+00'"
                        : dialect == Dialect.SQLITE ? "1577836800999" : "'2020-01-01 00:00:00.9996'"));
        if (layout.isStandard()) {
            assertThat(query("select " + next + " from " + table()).get(0))
                    .contains(dialect == Dialect.SQLITE ? "00999" : "00.9996");
        }
        assertThat(fetch().get(0).waitNanos()).isNegative();
    }

    /** Whether a time in the table means the same to every session. */
    protected boolean timesKnowTheirZone() {
        return dialect != Dialect.SQLITE; // whose sessions have no zone
    }

    @Test
    void H30_sessionsInOtherTimeZonesAgreeOnWhatIsDue() throws Exception {
        String zone = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB
                ? "set time_zone = '+09:00'"
                : "set time zone 'Asia/Tokyo'";
        try (Connection connection = begin();
                Statement statement = connection.createStatement()) {
            if (timesKnowTheirZone()) {
                statement.execute(zone);
            }
            outbox.write(
                    connection,
                    List.of(
                            event("now", "now").build(),
                            event("later", "later")
                                    .delay(Duration.ofSeconds(100))
                                    .build()));
            connection.commit();
            if (timesKnowTheirZone()) {
                statement.execute(zone.replace("+09:00", "+00:00").replace("Asia/Tokyo", "UTC"));
            }
        }
        assertThat(fetch())
                .satisfiesExactly(
                        now -> assertThat(Duration.ofNanos(now.waitNanos())).isLessThanOrEqualTo(rounding()),
                        later -> assertThat(Duration.ofNanos(later.waitNanos()))
                                .isBetween(
                                        Duration.ofSeconds(90),
                                        Duration.ofSeconds(100).plus(rounding())));
        assertThat(Duration.ofNanos(fetch().get(0).ageNanos())).isLessThan(Duration.ofSeconds(60));
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    @Test
    void verdictsAreWrittenToTheirRows() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        Settled written = journal.settle(
                claim(),
                List.of(
                        new Verdict.Dead(ids.get(2), 0, "too large"),
                        new Verdict.Published(ids.get(0), 0),
                        new Verdict.Retry(ids.get(1), 0, Duration.ofHours(1), "not now")));
        assertThat(written).isEqualTo(new Settled(3, Set.of()));
        assertThat(statuses()).containsExactly("published", "pending", "dead", "pending");
        assertThat(query("select " + column(Column.ATTEMPTS) + ", " + column(Column.LAST_ERROR) + " from " + table()
                        + " order by " + column(Column.ID)))
                .containsExactly("0|null", "1|not now", "1|too large", "0|null");
        List<PendingEvent> pending = fetch();
        assertThat(pending).extracting(PendingEvent::id).containsExactly(ids.get(1), ids.get(3));
        assertThat(Duration.ofNanos(pending.get(0).waitNanos())).isGreaterThan(Duration.ofMinutes(59));
        assertThat(journal.counts())
                .containsEntry(Status.PUBLISHED, 1L)
                .containsEntry(Status.PENDING, 2L)
                .containsEntry(Status.DEAD, 1L)
                .containsEntry(Status.CONSUMED, 0L);
        assertThat(journal.backlog().pending()).isEqualTo(2);
        assertThat(journal.backlog().dead()).isEqualTo(1);
        if (layout.has(Column.PUBLISHED_AT)) {
            assertThat(query("select " + column(Column.PUBLISHED_AT) + " from " + table() + " order by "
                            + column(Column.ID)))
                    .satisfiesExactly(
                            first -> assertThat(first).isNotEqualTo("null"),
                            second -> assertThat(second).isEqualTo("null"),
                            third -> assertThat(third).isEqualTo("null"),
                            fourth -> assertThat(fourth).isEqualTo("null"));
        }
    }

    @Test
    void H08_withoutTheLeaseNothingIsSettled() throws Exception {
        write("a", "1");
        long id = fetch().get(0).id();
        Claim old = claim();
        leases().release(old);
        LeaseTable.Row released = leases().leases().get(0);
        Claim taken = Objects.requireNonNull(leases().take("orders", "other", released, Duration.ofMinutes(1)));
        assertThat(taken.epoch()).isEqualTo(old.epoch() + 1);
        assertThatThrownBy(() -> journal.settle(old, List.of(new Verdict.Published(id, 0))))
                .isInstanceOf(LeaseLostException.class);
        assertThat(statuses()).containsExactly("pending");
        assertThat(journal.settle(taken, List.of(new Verdict.Published(id, 0))).written())
                .isEqualTo(1);
    }

    @Test
    void H09_whatIsNoLongerPendingIsLeftAloneAndCounted() throws Exception {
        write("a", "1");
        long id = fetch().get(0).id();
        execute("update " + table() + " set " + column(Column.STATUS) + " = " + code(Status.DEAD));
        assertThat(journal.settle(claim(), List.of(new Verdict.Published(id, 0)))
                        .written())
                .isZero();
        assertThat(statuses()).containsExactly("dead");
    }

    @Test
    void whatAnotherProgramHasChangedMeanwhileIsNotOverwritten() throws Exception {
        for (String each : List.of("1", "2", "3")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        execute("update " + table() + " set " + column(Column.ATTEMPTS) + " = 5");
        assertThat(journal.settle(
                                claim(),
                                List.of(
                                        new Verdict.Published(ids.get(0), 0),
                                        new Verdict.Retry(ids.get(1), 0, Duration.ZERO, "no"),
                                        new Verdict.Dead(ids.get(2), 0, "no")))
                        .written())
                .isZero();
        assertThat(statuses()).containsExactly("pending", "pending", "pending");
        assertThat(query("select " + column(Column.ATTEMPTS) + ", " + column(Column.LAST_ERROR) + " from " + table()))
                .containsOnly("5|null");
    }

    @Test
    void aLongErrorIsCutButNeverInsideACharacter() throws Exception {
        write("a", "1");
        journal.settle(
                claim(),
                List.of(new Verdict.Dead(fetch().get(0).id(), 0, "x".repeat(1999) + "\uD83D\uDE00" + "\0 tail")));
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table())
                        .get(0))
                .isEqualTo("x".repeat(1999));
    }

    @Test
    void deadEventsBlockTheirKeysAndCanBeRequeued() throws Exception {
        write("a", "1");
        write("a", "2");
        write("b", "3");
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        Claim claim = claim();
        journal.settle(
                claim,
                List.of(
                        new Verdict.Dead(ids.get(0), 0, "no"),
                        new Verdict.Dead(ids.get(1), 0, "no"),
                        new Verdict.Published(ids.get(2), 0)));
        assertThat(journal.dead(0, 10))
                .isEqualTo(
                        layout.has(Column.KEY)
                                ? List.of(new DeadEvent(ids.get(0), "a"), new DeadEvent(ids.get(1), "a"))
                                : List.of());
        assertThat(journal.dead(ids.get(0), 10)).hasSize(layout.has(Column.KEY) ? 1 : 0);
        assertThat(journal.requeue(ids)).isEqualTo(2);
        assertThat(journal.dead(0, 10)).isEmpty();
        assertThat(statuses()).containsExactly("pending", "pending", "published");
        assertThat(query("select " + column(Column.ATTEMPTS) + " from " + table()))
                .containsOnly("0");
    }

    // --- Retention ---------------------------------------------------------------------------------------------------

    @Test
    void H31_onlyOldFinishedEventsAreDeletedInSmallBatches() throws Exception {
        for (int i = 0; i < 6; i++) {
            write("k" + i, "" + i);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        journal.settle(
                claim(),
                List.of(
                        new Verdict.Published(ids.get(0), 0),
                        new Verdict.Dead(ids.get(1), 0, "no"),
                        new Verdict.Published(ids.get(3), 0),
                        new Verdict.Published(ids.get(4), 0)));
        Set<Status> done = Set.of(Status.PUBLISHED, Status.CONSUMED);
        assertThat(journal.purge(0, Duration.ofDays(1), done, 2).deleted()).isZero();
        AtomicInteger deleted = new AtomicInteger();
        until(
                "the times that are kept in seconds have passed",
                () -> deleted.addAndGet(purgeOnce(done)),
                () -> deleted.get() >= 3);
        assertThat(deleted).hasValue(3);
        assertThat(statuses()).containsExactly("dead", "pending", "pending");
    }

    private int purgeOnce(Set<Status> done) {
        int deleted = 0;
        Purged last = new Purged(0, 0, true);
        while (last.more()) {
            last = journal.purge(last.next(), Duration.ZERO, done, 2);
            assertThat(last.deleted()).isLessThanOrEqualTo(2);
            deleted += last.deleted();
        }
        return deleted;
    }

    @Test
    void H11_anIdThatTheDatabaseGivesOutAgainIsAnotherEvent() throws Exception {
        write("a", "1");
        String first = fetch().get(0).event().eventId();
        execute("delete from " + table());
        execute(
                dialect == Dialect.POSTGRESQL || dialect == Dialect.H2
                        ? "alter table " + table() + " alter column " + column(Column.ID) + " restart with 1"
                        : dialect == Dialect.SQLITE
                                ? "update sqlite_sequence set seq = 0 where name = '" + layout.simpleName() + "'"
                                : "alter table " + table() + " auto_increment = 1");
        write("a", "2");
        PendingEvent second = fetch().get(0);
        assertThat(second.id()).isEqualTo(1);
        assertThat(second.event().eventId()).isNotEqualTo(first);
    }

    // --- Leases ------------------------------------------------------------------------------------------------------

    @Test
    void oneOfManyTakesAFreeLease() {
        LeaseTable leases = leases();
        Claim first = leases.take("orders", "a", null, Duration.ofMinutes(1));
        assertThat(first).isEqualTo(new Claim("orders", "a", 1));
        assertThat(leases.take("orders", "b", null, Duration.ofMinutes(1))).isNull();
        LeaseTable.Row row = leases.leases().get(0);
        assertThat(row).isEqualTo(new LeaseTable.Row("orders", "a", 1, true, false, row.expiresAt()));
        assertThat(leases.take("orders", "b", row, Duration.ofMinutes(1))).isNull();
    }

    @Test
    void anExpiredLeaseIsTakenWithTheNextEpochAndTheOldOwnerCannotRenew() throws Exception {
        LeaseTable leases = leases();
        Claim old = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMillis(1)));
        until("the lease expires", () -> {}, () -> leases.leases().get(0).free());
        Claim taken = leases.take("orders", "b", leases.leases().get(0), Duration.ofMinutes(1));
        assertThat(taken).isEqualTo(new Claim("orders", "b", 2));
        assertThat(leases.renew(old, Duration.ofMinutes(1))).isFalse();
        assertThat(leases.renew(Objects.requireNonNull(taken), Duration.ofMinutes(1)))
                .isTrue();
        leases.release(old);
        assertThat(leases.leases().get(0).owner()).isEqualTo("b");
    }

    @Test
    void anExpiredLeaseThatNobodyTookCanStillBeRenewed() {
        LeaseTable leases = leases();
        Claim claim = Objects.requireNonNull(leases.take("orders", "a", null, Duration.ofMillis(1)));
        until("the lease expires", () -> {}, () -> leases.leases().get(0).free());
        assertThat(leases.renew(claim, Duration.ofMinutes(1))).isTrue();
    }

    @Test
    void relaysThatFallSilentAreNoCandidatesAnyMore() {
        LeaseTable leases = leases();
        leases.announce("a", Map.of("orders", "old", "bills", "b"), Duration.ofMinutes(1));
        leases.announce("b", Map.of("orders", "new"), Duration.ofMillis(1));
        leases.announce("a", Map.of("orders", "new", "bills", "b"), Duration.ofMinutes(1));
        until("b is silent", () -> {}, () -> live(leases).equals(Set.of("a: b", "a: new")));
        leases.withdraw("a");
        assertThat(live(leases)).isEmpty();
        assertThat(leases.candidates())
                .as("what an outbox was to them stays known for a while")
                .hasSize(3);
    }

    private static Set<String> live(LeaseTable leases) {
        return leases.candidates().stream()
                .filter(LeaseTable.Candidate::live)
                .map(each -> each.relay() + ": " + each.definition())
                .collect(Collectors.toSet());
    }

    // --- Schema ------------------------------------------------------------------------------------------------------

    @Test
    void theSchemaIsCreatedOnceAndChecked() throws Exception {
        Schema.create(dataSource, catalog.outboxes());
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors()).isEmpty();
        assertThat(Schema.checkInbox(dataSource).errors()).isEmpty();
        execute("alter table posthaste_relay drop column definition"); // as an earlier version created it
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors())
                .singleElement()
                .asString()
                .contains("posthaste_relay has no column definition");
        Schema.create(dataSource, catalog.outboxes());
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors()).isEmpty();
        OutboxDefinition missing = OutboxDefinition.of("missing", Route.to("t"), "x");
        assertThat(Schema.check(dataSource, List.of(missing)).errors())
                .singleElement()
                .asString()
                .contains("table missing of outbox missing is missing");
        execute("alter table " + table() + " drop column " + column(Column.LAST_ERROR));
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors())
                .containsExactly("table " + layout.table() + " has no column " + layout.column(Column.LAST_ERROR));
        assertThatThrownBy(() -> Schema.check(dataSource, List.of(missing)).orThrow())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Schema.create");
    }

    @Test
    void aBinaryLayoutKeepsBytes() throws Exception {
        OutboxDefinition binary = new OutboxDefinition(
                "raw",
                TableLayout.standard("raw_events").withBinaryPayload(),
                Route.to("t"),
                Set.of("raw"),
                Set.of(),
                false);
        Schema.create(dataSource, List.of(binary));
        byte[] bytes = {0, 1, (byte) 0xff, 'x'};
        try (Connection connection = begin()) {
            new dev.posthaste.Outbox(dev.posthaste.Catalog.of(binary)).write(connection, Event.of("raw", null, bytes));
            connection.commit();
        }
        var raw = new dev.posthaste.jdbc.StatusJournal(dataSource, dialect, binary);
        assertThat(((PendingEvent) raw.fetch(0, 1, ALL).get(0)).event().payload())
                .isEqualTo(bytes);
    }
}
