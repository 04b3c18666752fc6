package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.LeaseTable.Renewal;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.OutboxStore.DeadEvent;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore.Received;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What the store that keeps statuses in rows must do with broken, locked and refusing rows. */
public abstract class RowHazardsContract extends RowContract {
    protected RowHazardsContract(DatabaseSource source) {
        super(source);
    }

    // --- Broken and odd rows -----------------------------------------------------------------------------------------

    @Test
    void A07_aRowThatCannotBeReadIsOneDefectiveEvent() throws Exception {
        write("a", "good");
        write("b", "bad");
        write("c", "far away");
        write("d", "good too");
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        String attempts = column(Column.ATTEMPTS);
        if (dialect != Dialect.SQLITE) { // whose integers are large
            execute("alter table " + table()
                    + (dialect == Dialect.MYSQL || dialect == Dialect.MARIADB
                            ? " modify " + attempts + " bigint not null"
                            : " alter column " + attempts + " set data type bigint"));
        }
        execute("update " + table() + " set " + attempts + " = 3000000000 where " + column(Column.ID) + " = "
                + ids.get(1));
        execute("update " + table() + " set " + column(Column.NEXT_ATTEMPT_AT) + " = "
                + (dialect == Dialect.POSTGRESQL
                        ? "'infinity'"
                        : dialect == Dialect.SQLITE ? Long.toString(Long.MAX_VALUE) : "'9999-12-31 00:00:00'")
                + " where "
                + column(Column.ID) + " = " + ids.get(2));
        List<Pending> all = store.fetch(Long.MIN_VALUE, 10, ALL);
        assertThat(all).extracting(Pending::id).isEqualTo(ids);
        assertThat(all.get(2)).isInstanceOf(PendingRef.class);
        assertThat(all.get(2).waitNanos()).isGreaterThan(Duration.ofDays(365).toNanos());
        assertThat(((PendingEvent) all.get(1)).event().defect()).contains("cannot be read");
        assertThat(((PendingEvent) all.get(0)).event().defect()).isNull();
        assertThat(((PendingEvent) all.get(3)).event().defect()).isNull();
    }

    @Test
    void A18_idsBelowOneAreFoundToo() throws Exception {
        if (!layout.isStandard()) {
            return; // their ids may be unsigned
        }
        write("a", "1");
        write("b", "2");
        write("c", "3");
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        execute("update " + table() + " set id = -7 where id = " + ids.get(0));
        execute("update " + table() + " set id = 0 where id = " + ids.get(1));
        List<Long> expected = List.of(-7L, 0L, ids.get(2));
        assertThat(store.fetch(Long.MIN_VALUE, 10, ALL)).extracting(Pending::id).isEqualTo(expected);
        assertThat(store.scan(List.of(new IdRange(Long.MIN_VALUE, Long.MAX_VALUE)), 10))
                .extracting(PendingRef::id)
                .isEqualTo(expected);
        assertThat(store.load(expected, ALL)).hasSize(3);
        List<Verdict> verdicts = expected.stream()
                .<Verdict>map(id -> new Verdict.Dead(id, 0, "no"))
                .toList();
        assertThat(store.settle(claim(), verdicts).written()).isEqualTo(3);
        assertThat(store.dead(Long.MIN_VALUE, 10)).extracting(DeadEvent::id).isEqualTo(expected);
        assertThat(rows.requeue(expected)).isEqualTo(3);
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

    /** An application takes a duplicate for the event that it wrote before, and then there is none at all. */
    @Test
    void C25_aPositionThatIsTakenIsNotADuplicateOfTheEvent() throws Exception {
        String clash = switch (dialect.name()) {
            case "postgresql", "h2" -> "alter table " + table() + " alter column id restart with 1";
            case "sqlite" -> ""; // which assigns no number twice
            default -> "create trigger clash before insert on " + table() + " for each row set new.id = 1";
        };
        if (!layout.isStandard() || clash.isEmpty()) {
            return;
        }
        execute("delete from " + table());
        write("a", "makes sure that there is a row");
        execute("update " + table() + " set id = 1");
        execute(clash);
        assertThatThrownBy(() -> write("b", "another"))
                .isInstanceOf(SQLException.class)
                .isNotInstanceOf(DuplicateEventException.class)
                .hasMessageContaining("position");
    }

    // --- Locked rows -------------------------------------------------------------------------------------------------

    @Test
    void A11_aLockedRowIsLeftOutAndSaidToBe() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        execute("update " + table() + " set " + column(Column.STATUS) + " = " + code(Status.DEAD) + " where "
                + column(Column.ID) + " = " + ids.get(3));
        Claim claim = claim();
        List<Verdict> verdicts = List.of(
                new Verdict.Published(ids.get(0), 0),
                new Verdict.Published(ids.get(1), 0),
                new Verdict.Retry(ids.get(2), 0, Duration.ZERO, "no"),
                new Verdict.Published(ids.get(3), 0));
        try (Connection other = begin();
                Statement statement = other.createStatement()) {
            statement.executeUpdate("update " + table() + " set " + column(Column.ATTEMPTS) + " = 0 where "
                    + column(Column.ID) + " in (" + ids.get(1) + ", " + ids.get(2) + ")");
            if (hasOneWriter()) {
                giveUpInTime(() -> store.settle(claim, verdicts));
                giveUpInTime(() -> leases().renew(claim, Duration.ofMinutes(1)));
                assertThat(fetch()).as("who reads waits for nobody").hasSize(3);
                assertThat(behind(other, false, () -> store.settle(claim, verdicts)))
                        .isEqualTo(new Settled(3, Set.of()));
                assertThat(statuses()).containsExactly("published", "published", "pending", "dead");
                return;
            }
            assertThat(store.settle(claim, verdicts)).isEqualTo(new Settled(1, Set.of(ids.get(1), ids.get(2))));
            long start = System.nanoTime();
            assertThat(store.settle(claim, verdicts.subList(1, 3)).locked()).hasSize(2);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .as("it is known that there are locks: nobody waits again")
                    .isLessThan(Duration.ofMillis(900));
            assertThat(leases().renew(claim, Duration.ofMinutes(1))).isEqualTo(Renewal.RENEWED);
            other.rollback();
        }
        assertThat(store.settle(claim, verdicts)).isEqualTo(new Settled(2, Set.of()));
        assertThat(statuses()).containsExactly("published", "published", "pending", "dead");
    }

    /** Nothing is written, and a relay learns that before its lease is over. */
    private static void giveUpInTime(ThrowingCallable work) {
        long start = System.nanoTime();
        assertThatThrownBy(work).isInstanceOf(StoreException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(9));
    }

    @Test
    void A11_aReceiptForALockedRowIsHandedBack() throws Exception {
        if (!layout.canBeTracked()) {
            return;
        }
        write("a", "1");
        write("b", "2");
        write("c", "3");
        List<Receipt> receipts = new ArrayList<>();
        for (PendingEvent each : fetch()) {
            String id = each.event().eventId();
            receipts.add(
                    receipts.isEmpty()
                            ? new Receipt.Rejected("orders", each.id(), id, null, null, "no")
                            : new Receipt.Consumed("orders", each.id(), id));
        }
        try (Connection other = begin();
                Statement statement = other.createStatement()) {
            statement.executeUpdate("update " + table() + " set " + column(Column.ATTEMPTS) + " = 0 where "
                    + column(Column.ID) + " in (" + receipts.get(0).row() + ", "
                    + receipts.get(1).row() + ")");
            if (hasOneWriter()) {
                giveUpInTime(() -> rows.receive(receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1))));
                assertThat(behind(
                                        other,
                                        false,
                                        () -> rows.receive(
                                                receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1))))
                                .changed())
                        .isEqualTo(3);
                assertThat(statuses()).containsExactly("dead", "consumed", "consumed");
                return;
            }
            Received received = rows.receive(receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)));
            assertThat(received.locked()).containsExactlyInAnyOrderElementsOf(receipts.subList(0, 2));
            assertThat(received.unmatched()).isEmpty();
            other.rollback();
        }
        assertThat(statuses()).containsExactly("pending", "pending", "consumed");
        assertThat(rows.receive(receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)))
                        .changed())
                .isEqualTo(2);
        assertThat(statuses()).containsExactly("dead", "consumed", "consumed");
    }

    // --- Refusing rows -----------------------------------------------------------------------------------------------

    @Test
    void B04_aVerdictWhoseErrorTheTableRefusesIsWrittenWithoutIt() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        narrowErrors(100);
        Settled settled = store.settle(
                claim(),
                List.of(
                        new Verdict.Published(ids.get(0), 0),
                        new Verdict.Dead(ids.get(1), 0, "x".repeat(2000)),
                        new Verdict.Retry(ids.get(2), 0, Duration.ofHours(1), "short"),
                        new Verdict.Retry(ids.get(3), 0, Duration.ofHours(1), "y".repeat(150))));
        assertThat(settled).isEqualTo(new Settled(4, Set.of()));
        assertThat(statuses()).containsExactly("published", "dead", "pending", "pending");
        assertThat(query("select " + column(Column.ATTEMPTS) + ", " + column(Column.LAST_ERROR) + " from " + table()
                        + " order by " + column(Column.ID)))
                .containsExactly("0|null", "1|null", "1|short", "1|null");
    }

    @Test
    void B04_aReceiptWhoseErrorTheTableRefusesIsWrittenWithoutIt() throws Exception {
        write("a", "1");
        write("b", "2");
        List<PendingEvent> events = fetch();
        narrowErrors(300);
        List<Receipt> receipts = List.of(
                new Receipt.Rejected(
                        "orders",
                        events.get(0).id(),
                        events.get(0).event().eventId(),
                        0,
                        null,
                        "\uD83D\uDE00" + "x".repeat(1999)),
                new Receipt.Failed(
                        "orders", events.get(1).id(), events.get(1).event().eventId(), 0, null, "short"));
        assertThat(rows.receive(receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)))
                        .changed())
                .isEqualTo(2);
        assertThat(statuses()).containsExactly("dead", "pending");
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table() + " order by " + column(Column.ID)))
                .containsExactly("?" + "x".repeat(199), "short");
    }

    private void narrowErrors(int length) throws SQLException {
        String column = column(Column.LAST_ERROR);
        execute("alter table " + table()
                + switch (dialect.name()) {
                    case "mysql", "mariadb" -> " modify " + column + " varchar(" + length + ")";
                    case "sqlite" ->
                        " add constraint short check (coalesce(length(" + column + "), 0) <= " + length + ")";
                    default -> " alter column " + column + " set data type varchar(" + length + ")";
                });
    }

    @Test
    void B04_whatTheTableRefusesForGoodIsNamedAndTheOthersAreWritten() throws Exception {
        if (dialect == Dialect.MYSQL) {
            return; // this version has no checks
        }
        write("a", "1");
        write("b", "2");
        List<PendingEvent> events = fetch();
        String attempts = column(Column.ATTEMPTS);
        execute("update " + table() + " set " + attempts + " = 5 where " + column(Column.ID) + " = "
                + events.get(0).id());
        execute("alter table " + table() + " add constraint not_dead check (" + column(Column.STATUS) + " <> "
                + code(Status.DEAD) + " or " + attempts + " < 5)");
        List<Receipt> receipts = events.stream()
                .<Receipt>map(each ->
                        new Receipt.Rejected("orders", each.id(), each.event().eventId(), null, null, "no"))
                .toList();
        Received received = rows.receive(receipts, RefusalPolicy.of(RetryPolicy.exponential(), new Random(1)));
        assertThat(received.unmatched()).containsOnlyKeys(receipts.get(0));
        assertThat(received.locked()).isEmpty();
        assertThat(statuses()).containsExactly("pending", "dead");
        assertThat(store.settle(claim(), List.of(new Verdict.Dead(events.get(0).id(), 5, "no"))))
                .as("the verdict is to be kept")
                .isEqualTo(new Settled(0, Set.of(events.get(0).id())));
    }
}
