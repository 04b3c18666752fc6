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
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal.Purged;
import dev.posthaste.journal.LeaseLostException;
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
import org.junit.jupiter.api.Test;

/** What every database must do for outboxes and leases. */
public abstract class StoreContract extends DatabaseContract {
    private static final long ALL = Long.MAX_VALUE;

    private List<PendingEvent> fetch() {
        return journal.fetch(0, 1000, ALL);
    }

    private LeaseTable leases() {
        return new LeaseTable(dataSource, dialect);
    }

    private Claim claim() {
        return Objects.requireNonNull(leases().take("orders", "me", null, Duration.ofMinutes(1)));
    }

    private List<String> payloads() {
        return fetch().stream()
                .map(event -> new String(event.event().payload(), StandardCharsets.UTF_8))
                .toList();
    }

    // --- Writing -----------------------------------------------------------------------------------------------------

    @Test
    void anEventComesBackAsItWasWritten() throws Exception {
        Event event = Event.builder(TYPE)
                .key("key 'with' \"quotes\"")
                .payload("{\"text\":\"späße 漢字 \uD83D\uDE00 \\u0000\"}")
                .header("tenant", "a'; drop table orders; --")
                .version("v2")
                .routingKey("a.b")
                .maxAttempts(3)
                .build();
        write(event);
        PendingEvent read = fetch().get(0);
        assertThat(read.event().eventId()).isEqualTo(event.id());
        assertThat(read.event().type()).isEqualTo(TYPE);
        assertThat(read.event().version()).isEqualTo("v2");
        assertThat(read.event().key()).isEqualTo("key 'with' \"quotes\"");
        assertThat(read.event().routingKey()).isEqualTo("a.b");
        assertThat(read.event().headers()).contains("drop table");
        assertThat(new String(read.event().payload(), StandardCharsets.UTF_8)).isEqualTo(event.payload());
        assertThat(read.maxAttempts()).isEqualTo(3);
        assertThat(read.attempts()).isZero();
        assertThat(read.waitNanos()).isLessThanOrEqualTo(0);
    }

    @Test
    void objectsBecomeJson() throws Exception {
        write(Event.of(TYPE, "k", Map.of("amount", 3)));
        assertThat(payloads()).containsExactly("{\"amount\":3}");
    }

    @Test
    void aRolledBackEventNeverWas() throws Exception {
        try (Connection connection = begin()) {
            outbox.write(connection, Event.of(TYPE, "k", "never"));
            connection.rollback();
        }
        assertThat(fetch()).isEmpty();
    }

    @Test
    void H13_aSecondWriteWithTheSameIdIsRefused() throws Exception {
        String id = EventId.next();
        write(Event.builder(TYPE).id(id).payload("first").build());
        assertThatThrownBy(
                        () -> write(Event.builder(TYPE).id(id).payload("second").build()))
                .isInstanceOf(DuplicateEventException.class)
                .hasMessageContaining(id);
        assertThat(payloads()).containsExactly("first");
    }

    @Test
    void H13_aDuplicateInABatchWritesNothingOfIt() throws Exception {
        String id = EventId.next();
        write(Event.builder(TYPE).id(id).payload("first").build());
        assertThatThrownBy(() -> write(
                        Event.of(TYPE, "k", "other"),
                        Event.builder(TYPE).id(id).payload("second").build()))
                .isInstanceOf(DuplicateEventException.class);
        assertThat(payloads()).containsExactly("first");
    }

    @Test
    void whatCanNeverBeStoredIsRefusedBeforeAnySql() throws Exception {
        try (Connection connection = begin()) {
            assertThatThrownBy(() -> outbox.write(connection, Event.of("order.unknown", "k", "x")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("order.unknown");
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k".repeat(129), "x")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("128");
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k", "x".repeat(1_000_001))))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("1000000");
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k", new byte[] {(byte) 0xff})))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("UTF-8");
            assertThatThrownBy(() -> outbox.write(
                            connection,
                            Event.builder(TYPE)
                                    .payload("x")
                                    .destination("elsewhere")
                                    .build()))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("elsewhere");
            outbox.write(connection, Event.of(TYPE, "\uD83D\uDE00".repeat(64), "the transaction is still good"));
            connection.commit();
        }
        assertThat(payloads()).containsExactly("the transaction is still good");
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(true);
            assertThatThrownBy(() -> outbox.write(connection, Event.of(TYPE, "k", "x")))
                    .isInstanceOf(InvalidEventException.class)
                    .hasMessageContaining("auto-commit");
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    @Test
    void H01_anEventThatCommitsLateIsFoundBehind() throws Exception {
        try (Connection slow = begin()) {
            outbox.write(slow, Event.of(TYPE, "a", "late"));
            write("b", "early");
            long highest = fetch().get(0).id();
            assertThat(journal.fetch(highest, 10, ALL)).isEmpty();
            slow.commit();
            assertThat(journal.fetch(highest, 10, ALL)).isEmpty();
            List<PendingMark> behind = journal.scan(0, highest, 10);
            assertThat(behind).extracting(PendingMark::key).containsExactly("a", "b");
            assertThat(journal.load(List.of(behind.get(0).id()), ALL)).hasSize(1);
        }
    }

    @Test
    void fetchStopsAtItsLimitsAndGoesOn() throws Exception {
        for (int i = 0; i < 300; i++) {
            write("k", "x".repeat(1000) + i);
        }
        List<PendingEvent> first = journal.fetch(0, 200, ALL);
        assertThat(first).hasSize(200);
        assertThat(journal.fetch(first.get(199).id(), 200, ALL)).hasSize(100);
        assertThat(journal.fetch(0, 200, 5000).size()).isBetween(5, 5);
        assertThat(journal.fetch(0, 64, 1)).hasSize(1);
    }

    @Test
    void H30_aDelayIsKeptToTheMicrosecondByTheDatabasesClock() throws Exception {
        write(Event.builder(TYPE)
                .payload("later")
                .delay(Duration.ofSeconds(100))
                .build());
        long wait = fetch().get(0).waitNanos();
        assertThat(Duration.ofNanos(wait)).isBetween(Duration.ofSeconds(90), Duration.ofSeconds(100));
        execute("update " + table() + " set next_attempt_at = "
                + (dialect == Dialect.POSTGRESQL || dialect == Dialect.H2
                        ? "timestamp with time zone '2020-01-01 00:00:00.9996+00'"
                        : "'2020-01-01 00:00:00.9996'"));
        assertThat(query("select next_attempt_at from " + table()).get(0)).contains("00.9996");
        assertThat(fetch().get(0).waitNanos()).isNegative();
    }

    @Test
    void H30_sessionsInOtherTimeZonesAgreeOnWhatIsDue() throws Exception {
        String zone = dialect == Dialect.MYSQL || dialect == Dialect.MARIADB
                ? "set time_zone = '+09:00'"
                : "set time zone 'Asia/Tokyo'";
        try (Connection connection = begin();
                Statement statement = connection.createStatement()) {
            statement.execute(zone);
            outbox.write(
                    connection,
                    List.of(
                            Event.of(TYPE, "now", "now"),
                            Event.builder(TYPE)
                                    .payload("later")
                                    .delay(Duration.ofSeconds(100))
                                    .build()));
            connection.commit();
            statement.execute(zone.replace("+09:00", "+00:00").replace("Asia/Tokyo", "UTC"));
        }
        assertThat(fetch())
                .satisfiesExactly(
                        now -> assertThat(now.waitNanos()).isLessThanOrEqualTo(0),
                        later -> assertThat(Duration.ofNanos(later.waitNanos()))
                                .isBetween(Duration.ofSeconds(90), Duration.ofSeconds(100)));
        assertThat(Duration.ofNanos(fetch().get(0).ageNanos())).isLessThan(Duration.ofSeconds(60));
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    @Test
    void verdictsAreWrittenToTheirRows() throws Exception {
        write(Event.of(TYPE, "a", "1"), Event.of(TYPE, "b", "2"), Event.of(TYPE, "c", "3"), Event.of(TYPE, "d", "4"));
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        int written = journal.settle(
                claim(),
                List.of(
                        new Verdict.Dead(ids.get(2), 8, "too large"),
                        new Verdict.Published(ids.get(0)),
                        new Verdict.Retry(ids.get(1), 1, Duration.ofHours(1), "not now")));
        assertThat(written).isEqualTo(3);
        assertThat(query("select status, attempts, last_error from " + table() + " order by id"))
                .containsExactly("published|0|null", "pending|1|not now", "dead|8|too large", "pending|0|null");
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
        assertThat(query("select published_at from " + table() + " where status = 'published'"))
                .doesNotContain("null");
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
        assertThatThrownBy(() -> journal.settle(old, List.of(new Verdict.Published(id))))
                .isInstanceOf(LeaseLostException.class);
        assertThat(statuses()).containsExactly("pending");
        assertThat(journal.settle(taken, List.of(new Verdict.Published(id)))).isEqualTo(1);
    }

    @Test
    void H09_whatIsNoLongerPendingIsLeftAloneAndCounted() throws Exception {
        write("a", "1");
        long id = fetch().get(0).id();
        execute("update " + table() + " set status = 'consumed'");
        assertThat(journal.settle(claim(), List.of(new Verdict.Published(id)))).isZero();
        assertThat(statuses()).containsExactly("consumed");
    }

    @Test
    void aLongErrorIsCutButNeverInsideACharacter() throws Exception {
        write("a", "1");
        journal.settle(
                claim(),
                List.of(new Verdict.Dead(fetch().get(0).id(), 1, "x".repeat(1999) + "\uD83D\uDE00" + "\0 tail")));
        assertThat(query("select last_error from " + table()).get(0)).isEqualTo("x".repeat(1999));
    }

    @Test
    void deadEventsBlockTheirKeysAndCanBeRequeued() throws Exception {
        write(Event.of(TYPE, "a", "1"), Event.of(TYPE, "a", "2"), Event.of(TYPE, "b", "3"));
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        Claim claim = claim();
        journal.settle(
                claim,
                List.of(
                        new Verdict.Dead(ids.get(0), 1, "no"),
                        new Verdict.Dead(ids.get(1), 1, "no"),
                        new Verdict.Published(ids.get(2))));
        assertThat(journal.deadKeys(10)).containsExactly(Map.entry("a", ids.get(0)));
        assertThat(journal.requeue(ids)).isEqualTo(2);
        assertThat(journal.deadKeys(10)).isEmpty();
        assertThat(query("select status, attempts from " + table() + " order by id"))
                .containsExactly("pending|0", "pending|0", "published|0");
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
                        new Verdict.Published(ids.get(0)),
                        new Verdict.Dead(ids.get(1), 1, "no"),
                        new Verdict.Published(ids.get(3)),
                        new Verdict.Published(ids.get(4))));
        Set<Status> done = Set.of(Status.PUBLISHED, Status.CONSUMED);
        assertThat(journal.purge(0, Duration.ofDays(1), done, 2).deleted()).isZero();
        int deleted = 0;
        Purged last = new Purged(0, 0, true);
        while (last.more()) {
            last = journal.purge(last.next(), Duration.ZERO, done, 2);
            assertThat(last.deleted()).isLessThanOrEqualTo(2);
            deleted += last.deleted();
        }
        assertThat(deleted).isEqualTo(3);
        assertThat(statuses()).containsExactly("dead", "pending", "pending");
    }

    @Test
    void H11_anIdThatTheDatabaseGivesOutAgainIsAnotherEvent() throws Exception {
        write("a", "1");
        String first = fetch().get(0).event().eventId();
        execute("delete from " + table());
        execute(
                dialect == Dialect.POSTGRESQL
                        ? "alter table " + table() + " alter column id restart with 1"
                        : dialect == Dialect.H2
                                ? "alter table " + table() + " alter column id restart with 1"
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
        assertThat(row).isEqualTo(new LeaseTable.Row("orders", "a", 1, true));
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
        leases.announce("a", List.of("orders", "bills"), Duration.ofMinutes(1));
        leases.announce("b", List.of("orders"), Duration.ofMillis(1));
        leases.announce("a", List.of("orders", "bills"), Duration.ofMinutes(1));
        until("b is silent", () -> {}, () -> leases.candidates().size() == 2);
        assertThat(leases.candidates()).allMatch(candidate -> candidate.relay().equals("a"));
        leases.withdraw("a");
        assertThat(leases.candidates()).isEmpty();
    }

    // --- Schema ------------------------------------------------------------------------------------------------------

    @Test
    void theSchemaIsCreatedOnceAndChecked() throws Exception {
        Schema.create(dataSource, catalog.outboxes());
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors()).isEmpty();
        assertThat(Schema.checkInbox(dataSource).errors()).isEmpty();
        OutboxDefinition missing = OutboxDefinition.of("missing", Route.to("t"), "x");
        assertThat(Schema.check(dataSource, List.of(missing)).errors())
                .singleElement()
                .asString()
                .contains("table missing of outbox missing is missing");
        execute("alter table " + table() + " drop column last_error");
        assertThat(Schema.check(dataSource, catalog.outboxes()).errors())
                .containsExactly("table orders has no column last_error");
        assertThatThrownBy(() -> Schema.check(dataSource, List.of(missing)).orThrow())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Schema.create");
    }

    @Test
    void aBinaryLayoutKeepsBytes() throws Exception {
        OutboxDefinition binary = new OutboxDefinition(
                "raw",
                dev.posthaste.jdbc.TableLayout.standard("raw_events").withBinaryPayload(),
                Route.to("t"),
                Set.of("raw"),
                Set.of());
        Schema.create(dataSource, List.of(binary));
        byte[] bytes = {0, 1, (byte) 0xff, 'x'};
        try (Connection connection = begin()) {
            new dev.posthaste.Outbox(dev.posthaste.Catalog.of(binary)).write(connection, Event.of("raw", null, bytes));
            connection.commit();
        }
        var raw = new dev.posthaste.jdbc.StatusJournal(dataSource, dialect, binary);
        assertThat(raw.fetch(0, 1, ALL).get(0).event().payload()).isEqualTo(bytes);
    }
}
