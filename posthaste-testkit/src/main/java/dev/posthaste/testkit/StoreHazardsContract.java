package dev.posthaste.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.Event;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.LeaseTable;
import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.IdRange;
import dev.posthaste.journal.Journal.DeadEvent;
import dev.posthaste.journal.Journal.Received;
import dev.posthaste.journal.Journal.Settled;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import dev.posthaste.journal.Writers;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What every database must do with large, broken, locked and refusing rows, and what it must say about its writers. */
public abstract class StoreHazardsContract extends DatabaseContract {
    static final long ALL = Long.MAX_VALUE;

    List<PendingEvent> fetch() {
        return pending();
    }

    LeaseTable leases() {
        return new LeaseTable(dataSource, dialect);
    }

    Claim claim() {
        return Objects.requireNonNull(leases().take("orders", "me", null, Duration.ofMinutes(1)));
    }

    final TableLayout layout = orders.table();

    static String json(String text) {
        return '"' + text + '"';
    }

    /** With the key, where the table has room for one. */
    protected Event.Builder event(String key, String text) {
        return Event.builder(TYPE).key(layout.has(Column.KEY) ? key : null).payload(json(text));
    }

    @Override
    protected void write(String key, String text) throws SQLException {
        write(event(key, text).build());
    }

    /** How far a time in the table may be after the one that was meant: other tables may keep seconds. */
    Duration rounding() {
        return Duration.ofSeconds(layout.isStandard() ? 0 : 1);
    }

    // --- Large and broken rows ---------------------------------------------------------------------------------------

    @Test
    void A07_contentsAreReadOnlyWhenTheyAreDueAndFit() throws Exception {
        String large = "x".repeat(50_000);
        write(event("a", "small").build());
        write(event("b", large + 1).build());
        write(event("c", large).delay(Duration.ofHours(1)).build());
        write(event("d", large + 2).build());
        write(event("e", "last").build());
        List<Pending> all = journal.fetch(Long.MIN_VALUE, 100, ALL);
        assertThat(all).hasSize(5);
        assertThat(all.get(2)).isInstanceOf(PendingMark.class);
        assertThat(all.get(2).waitNanos()).isPositive();
        assertThat(texts(all)).containsExactly("small", large + 1, large + 2, "last");
        assertThat(journal.fetch(Long.MIN_VALUE, 100, 60_000))
                .as("the next due one does not fit")
                .hasSize(3);
        assertThat(journal.fetch(Long.MIN_VALUE, 2, ALL)).hasSize(2);
        assertThat(texts(journal.fetch(all.get(2).id(), 100, 10)))
                .as("at least one")
                .containsExactly(large + 2);
        List<Long> ids = all.stream().map(Pending::id).toList();
        assertThat(texts(journal.load(ids, ALL))).containsExactly("small", large + 1, large, large + 2, "last");
        assertThat(texts(journal.load(ids, 120_000))).containsExactly("small", large + 1, large);
        assertThat(journal.load(List.of(ids.get(1), -1L), 1)).hasSize(1);
    }

    private List<String> texts(List<? extends Pending> events) {
        return events.stream()
                .filter(PendingEvent.class::isInstance)
                .map(each -> new String(((PendingEvent) each).event().payload(), StandardCharsets.UTF_8))
                .map(json -> json.replaceAll("^\"|\"$", ""))
                .toList();
    }

    @Test
    void A07_largeHeadersCountToo() throws Exception {
        if (!layout.has(Column.HEADERS)) {
            return;
        }
        for (int i = 0; i < 3; i++) {
            Event.Builder builder = event("k" + i, "small");
            for (int j = 0; j < 10; j++) {
                builder.header("header-" + j, "x".repeat(4_000));
            }
            write(builder.build());
        }
        List<Pending> two = journal.fetch(Long.MIN_VALUE, 10, 100_000);
        assertThat(two)
                .hasSize(2)
                .allSatisfy(each -> assertThat(Objects.requireNonNull(
                                ((PendingEvent) each).event().headers()))
                        .hasSizeGreaterThan(40_000));
    }

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
        List<Pending> all = journal.fetch(Long.MIN_VALUE, 10, ALL);
        assertThat(all).extracting(Pending::id).isEqualTo(ids);
        assertThat(all.get(2)).isInstanceOf(PendingMark.class);
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
        assertThat(journal.fetch(Long.MIN_VALUE, 10, ALL))
                .extracting(Pending::id)
                .isEqualTo(expected);
        assertThat(journal.scan(List.of(new IdRange(Long.MIN_VALUE, Long.MAX_VALUE)), 10))
                .extracting(PendingMark::id)
                .isEqualTo(expected);
        assertThat(journal.load(expected, ALL)).hasSize(3);
        List<Verdict> verdicts = expected.stream()
                .<Verdict>map(id -> new Verdict.Dead(id, 0, "no"))
                .toList();
        assertThat(journal.settle(claim(), verdicts).written()).isEqualTo(3);
        assertThat(journal.dead(Long.MIN_VALUE, 10)).extracting(DeadEvent::id).isEqualTo(expected);
        assertThat(journal.requeue(expected)).isEqualTo(3);
    }

    // --- Looking behind ----------------------------------------------------------------------------------------------

    @Test
    void A03_manyRangesAreLookedIntoAtOnce() throws Exception {
        for (int i = 0; i < 40; i++) {
            write(event("key-" + i, "x").delay(Duration.ofHours(i % 2)).build());
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        journal.settle(claim(), List.of(new Verdict.Published(ids.get(20), 0)));
        List<IdRange> ranges = new ArrayList<>();
        for (int i = 39; i >= 10; i -= 3) {
            ranges.add(new IdRange(ids.get(i), ids.get(i)));
        }
        for (int i = 0; i < 600; i++) {
            ranges.add(new IdRange(1_000_000 + i * 2, 1_000_000 + i * 2));
        }
        ranges.add(new IdRange(ids.get(2), ids.get(5)));
        List<Long> expected = List.of(2, 3, 4, 5, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39).stream()
                .map(ids::get)
                .toList();
        List<PendingMark> found = journal.scan(ranges, 100);
        assertThat(found).extracting(PendingMark::id).isEqualTo(expected);
        if (layout.has(Column.KEY)) {
            assertThat(found.get(0).key()).isEqualTo("key-2");
        }
        assertThat(found.get(0).waitNanos()).isLessThanOrEqualTo(rounding().toNanos());
        assertThat(found.get(1).waitNanos()).isPositive();
        assertThat(journal.scan(ranges, 3)).extracting(PendingMark::id).isEqualTo(expected.subList(0, 3));
        assertThat(journal.scan(List.of(), 3)).isEmpty();
    }

    @Test
    void A03_whoWritesIsListedUntilItEnds() throws Exception {
        Writers before = journal.writers();
        if (dialect == Dialect.H2) {
            assertThat(before).isNull();
            return;
        }
        assertThat(before).isNotNull();
        if (hasOneWriter()) {
            aGapIsFinalAtOnce();
            return;
        }
        try (Connection first = begin();
                Connection second = begin();
                Connection third = begin();
                Statement other = third.createStatement()) {
            outbox.write(first, event("a", "1").build());
            outbox.write(second, event("b", "2").build());
            other.executeUpdate("update posthaste_lease set epoch = epoch where outbox = 'none'");
            Set<String> both = writing();
            assertThat(both).hasSizeGreaterThanOrEqualTo(2);
            first.commit();
            Set<String> one = new HashSet<>(both);
            until("the first has ended", () -> one.retainAll(writing()), () -> one.size() == both.size() - 1);
            second.rollback();
            until("the second has ended", () -> one.retainAll(writing()), one::isEmpty);
        }
        assertThat(Objects.requireNonNull(journal.writers()).server())
                .isEqualTo(Objects.requireNonNull(before).server());
    }

    /** Whoever takes a lower id commits before a higher one can be taken, so nobody is listed. */
    private void aGapIsFinalAtOnce() throws Exception {
        Connection first = begin();
        outbox.write(first, event("a", "rolled back").build());
        assertThat(writing()).isEmpty();
        behind(first, false, () -> {
            write("b", "kept");
            return true;
        });
        assertThat(fetch()).hasSize(1);
        assertThat(writing()).isEmpty();
    }

    private Set<String> writing() {
        return Objects.requireNonNull(journal.writers()).transactions();
    }

    @Test
    void A03_aPreparedTransactionIsListedThoughItsSessionIsGone() throws Exception {
        if (dialect != Dialect.MYSQL && dialect != Dialect.MARIADB) {
            return; // PostgreSQL prepares only where max_prepared_transactions is set; it keeps the name
        }
        String xid = "'contract-" + System.nanoTime() + "'";
        journal.writers();
        Connection writer = dataSource.getConnection();
        try (Statement statement = writer.createStatement()) {
            statement.execute("xa start " + xid);
            statement.execute("update " + table() + " set " + column(Column.ATTEMPTS) + " = 0 where "
                    + column(Column.ID) + " = 0");
            Set<String> held = new HashSet<>(writing());
            assertThat(held).isNotEmpty();
            statement.execute("insert into posthaste_lease (outbox, owner, epoch, expires_at)"
                    + " values ('xa', '', 0, utc_timestamp(6))");
            statement.execute("xa end " + xid);
            statement.execute("xa prepare " + xid);
            writer.abort(Runnable::run);
            for (int i = 0; i < 5; i++) {
                held.retainAll(writing());
                assertThat(held).isNotEmpty();
            }
            until("the session is known to be gone", () -> {}, () -> rolledBack(xid));
            until("the transaction has ended", () -> held.retainAll(writing()), held::isEmpty);
        }
    }

    private boolean rolledBack(String xid) {
        try {
            execute("xa rollback " + xid);
            return true;
        } catch (SQLException e) {
            return false; // its session is about to end
        }
    }

    // --- Locked and refusing rows ------------------------------------------------------------------------------------

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
                giveUpInTime(() -> journal.settle(claim, verdicts));
                giveUpInTime(() -> leases().renew(claim, Duration.ofMinutes(1)));
                assertThat(fetch()).as("who reads waits for nobody").hasSize(3);
                assertThat(behind(other, false, () -> journal.settle(claim, verdicts)))
                        .isEqualTo(new Settled(3, Set.of()));
                assertThat(statuses()).containsExactly("published", "published", "pending", "dead");
                return;
            }
            assertThat(journal.settle(claim, verdicts)).isEqualTo(new Settled(1, Set.of(ids.get(1), ids.get(2))));
            long start = System.nanoTime();
            assertThat(journal.settle(claim, verdicts.subList(1, 3)).locked()).hasSize(2);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .as("it is known that there are locks: nobody waits again")
                    .isLessThan(Duration.ofMillis(900));
            assertThat(leases().renew(claim, Duration.ofMinutes(1))).isTrue();
            other.rollback();
        }
        assertThat(journal.settle(claim, verdicts)).isEqualTo(new Settled(2, Set.of()));
        assertThat(statuses()).containsExactly("published", "published", "pending", "dead");
    }

    /** Nothing is written, and a relay hears of it before its lease is over. */
    private static void giveUpInTime(ThrowingCallable work) {
        long start = System.nanoTime();
        assertThatThrownBy(work).isInstanceOf(JournalException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(9));
    }

    @Test
    void A11_aReceiptForALockedRowIsHandedBack() throws Exception {
        if (!layout.tracksConsumption()) {
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
                giveUpInTime(() -> journal.receive(receipts, RetryPolicy.exponential()));
                assertThat(behind(other, false, () -> journal.receive(receipts, RetryPolicy.exponential()))
                                .changed())
                        .isEqualTo(3);
                assertThat(statuses()).containsExactly("dead", "consumed", "consumed");
                return;
            }
            Received received = journal.receive(receipts, RetryPolicy.exponential());
            assertThat(received.locked()).containsExactlyInAnyOrderElementsOf(receipts.subList(0, 2));
            assertThat(received.unmatched()).isEmpty();
            other.rollback();
        }
        assertThat(statuses()).containsExactly("pending", "pending", "consumed");
        assertThat(journal.receive(receipts, RetryPolicy.exponential()).changed())
                .isEqualTo(2);
        assertThat(statuses()).containsExactly("dead", "consumed", "consumed");
    }

    @Test
    void B04_aVerdictWhoseErrorTheTableRefusesIsWrittenWithoutIt() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        narrowErrors(100);
        Settled settled = journal.settle(
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
        assertThat(journal.receive(receipts, RetryPolicy.exponential()).changed())
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
        Received received = journal.receive(receipts, RetryPolicy.exponential());
        assertThat(received.unmatched()).containsOnlyKeys(receipts.get(0));
        assertThat(received.locked()).isEmpty();
        assertThat(statuses()).containsExactly("pending", "dead");
        assertThat(journal.settle(
                        claim(), List.of(new Verdict.Dead(events.get(0).id(), 5, "no"))))
                .as("the verdict is to be kept")
                .isEqualTo(new Settled(0, Set.of(events.get(0).id())));
    }

    @Test
    void S08_connectionsComeBackAsTheyWere() throws Exception {
        write("a", "1");
        try (Connection connection = dataSource.getConnection()) {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setAutoCommit(false);
            var own = new dev.posthaste.jdbc.StatusJournal(only(connection), dialect, orders);
            assertThat(own.fetch(Long.MIN_VALUE, 1, ALL)).hasSize(1);
            assertThat(own.requeue(List.of(1L))).isZero();
            connection.rollback();
            assertThat(connection.getAutoCommit()).isFalse();
            assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
            connection.rollback();
        }
    }

    /** A source of one connection, which nobody closes. */
    private static DataSource only(Connection connection) {
        Connection open = proxy(
                Connection.class,
                (self, method, arguments) ->
                        method.getName().equals("close") ? null : method.invoke(connection, arguments));
        return proxy(DataSource.class, (self, method, arguments) -> open);
    }

    private static <T> T proxy(Class<T> type, java.lang.reflect.InvocationHandler handler) {
        return type.cast(
                java.lang.reflect.Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
