package dev.posthaste.testkit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Route;
import dev.posthaste.Schema;
import dev.posthaste.SchemaException;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.DatabaseSchema;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.internal.store.Writers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** What the store that keeps statuses in rows must write into them, on every database. */
public abstract class RowStoreContract extends RowHazardsContract {
    protected RowStoreContract(DatabaseSource source) {
        super(source);
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    @Test
    void H30_aDelayIsKeptToTheMicrosecondByTheDatabasesClock() throws Exception {
        write(event("later", "later").delay(Duration.ofSeconds(100)));
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

    @Test
    void A03_whoWritesElsewhereIsNotListed() throws Exception {
        Writers before = store.writers();
        if (dialect == Dialect.H2) {
            assertThat(before).isNull();
            return;
        }
        assertThat(before).isNotNull();
        if (hasOneWriter()) {
            return; // then no transaction is ever listed
        }
        try (Connection first = begin();
                Connection second = begin();
                Connection third = begin();
                Statement other = third.createStatement()) {
            outbox.write(first, event("a", "1"));
            outbox.write(second, event("b", "2"));
            other.executeUpdate("update posthaste_lease set epoch = epoch where outbox = 'none'");
            Set<String> both = writing();
            assertThat(both).hasSizeGreaterThanOrEqualTo(2);
            first.commit();
            Set<String> one = new HashSet<>(both);
            until("the first has ended", () -> one.retainAll(writing()), () -> one.size() == both.size() - 1);
            second.rollback();
            until("the second has ended", () -> one.retainAll(writing()), one::isEmpty);
        }
        assertThat(Objects.requireNonNull(store.writers()).server())
                .isEqualTo(Objects.requireNonNull(before).server());
    }

    private Set<String> writing() {
        return Objects.requireNonNull(store.writers()).transactions();
    }

    @Test
    void A03_aPreparedTransactionIsListedThoughItsSessionIsGone() throws Exception {
        if (dialect != Dialect.MYSQL && dialect != Dialect.MARIADB) {
            return; // PostgreSQL prepares only where max_prepared_transactions is set; it keeps the name
        }
        String xid = "'contract-" + System.nanoTime() + "'";
        store.writers();
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

    // --- Settling ----------------------------------------------------------------------------------------------------

    @Test
    void verdictsAreWrittenToTheirRows() throws Exception {
        for (String each : List.of("1", "2", "3", "4")) {
            write("key-" + each, each);
        }
        List<Long> ids = fetch().stream().map(PendingEvent::id).toList();
        Settled written = store.settle(
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
        assertThat(rows.counts())
                .containsEntry(Status.PUBLISHED, 1L)
                .containsEntry(Status.PENDING, 2L)
                .containsEntry(Status.DEAD, 1L)
                .containsEntry(Status.CONSUMED, 0L);
        assertThat(store.backlog().pending()).isEqualTo(2);
        assertThat(store.backlog().dead()).isEqualTo(1);
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
    void H09_aRowThatIsNoLongerPendingIsLeftAloneAndCounted() throws Exception {
        write("a", "1");
        long id = fetch().get(0).id();
        execute("update " + table() + " set " + column(Column.STATUS) + " = " + code(Status.DEAD));
        assertThat(store.settle(claim(), List.of(new Verdict.Published(id, 0))).written())
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
        assertThat(store.settle(
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
        store.settle(
                claim(),
                List.of(new Verdict.Dead(fetch().get(0).id(), 0, "x".repeat(1999) + "\uD83D\uDE00" + "\0 tail")));
        assertThat(query("select " + column(Column.LAST_ERROR) + " from " + table())
                        .get(0))
                .isEqualTo("x".repeat(1999));
    }

    @Test
    void aRequeuedRowCountsNoAttempts() throws Exception {
        write("a", "1");
        long id = fetch().get(0).id();
        store.settle(claim(), List.of(new Verdict.Dead(id, 0, "no")));
        assertThat(rows.requeue(List.of(id))).isEqualTo(1);
        assertThat(statuses()).containsExactly("pending");
        assertThat(query("select " + column(Column.ATTEMPTS) + " from " + table()))
                .containsOnly("0");
    }

    // --- Connections and tables --------------------------------------------------------------------------------------

    @Test
    void S08_connectionsComeBackAsTheyWere() throws Exception {
        write("a", "1");
        try (Connection connection = dataSource.getConnection()) {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setAutoCommit(false);
            var own = new dev.posthaste.internal.jdbc.RowStore(only(connection), dialect, orders);
            assertThat(own.fetch(Long.MIN_VALUE, 1, ALL)).hasSize(1);
            assertThat(own.requeue(List.of(1L))).isZero();
            connection.rollback();
            assertThat(connection.getAutoCommit()).isFalse();
            assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
            connection.rollback();
        }
    }

    /** A source of one connection, which is never closed. */
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

    @Test
    void theSchemaIsCreatedOnceAndChecked() throws Exception {
        Schema.create(dataSource, catalog);
        assertThat(DatabaseSchema.check(dataSource, catalog.outboxes()).errors())
                .isEmpty();
        assertThat(DatabaseSchema.checkInbox(dataSource).errors()).isEmpty();
        execute("alter table posthaste_relay drop column definition"); // as an earlier version created it
        assertThat(DatabaseSchema.check(dataSource, catalog.outboxes()).errors())
                .singleElement()
                .asString()
                .contains("posthaste_relay has no column definition");
        Schema.create(dataSource, catalog);
        assertThat(DatabaseSchema.check(dataSource, catalog.outboxes()).errors())
                .isEmpty();
        OutboxDefinition missing =
                OutboxDefinition.named("missing").route(Route.to("t")).types("x");
        assertThat(DatabaseSchema.check(dataSource, List.of(missing)).errors())
                .singleElement()
                .asString()
                .contains("table missing_outbox of outbox missing is missing");
        execute("alter table " + table() + " drop column " + column(Column.LAST_ERROR));
        assertThat(DatabaseSchema.check(dataSource, catalog.outboxes()).errors())
                .containsExactly("table " + layout.table() + " has no column " + layout.column(Column.LAST_ERROR));
        assertThatThrownBy(
                        () -> DatabaseSchema.check(dataSource, List.of(missing)).orThrow())
                .isInstanceOf(SchemaException.class)
                .hasMessageContaining("Schema.create");
    }
}
