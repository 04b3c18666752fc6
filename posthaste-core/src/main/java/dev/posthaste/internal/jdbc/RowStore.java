package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.IdRange;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.RetentionRule;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.internal.store.Writers;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The store that keeps an event's status in the event's own row. Thread-safe. */
public final class RowStore implements OutboxStore, ReceiptStore {
    /** Up to this many rows are read without a transaction around them, so that an idle poll costs one statement. */
    private static final int SMALL_READ = 64;

    private final OutboxDefinition outbox;
    private final JdbcTransactions transactions;
    private final Dialect dialect;
    private final RowReads reads;
    private final RowScan scan;
    private final RowVerdicts verdicts;
    private final RowReceipts receipts;
    private final UnconsumedRows unconsumed;
    private final DeadRows dead;
    private final RowRetention retention;
    private final RowCounts counts;
    private final LeaseTable leases;
    private final WriteLocks writeLocks;

    /** @param dataSource the relay's own small pool; every call borrows one connection and gives it back */
    public RowStore(DataSource dataSource, Dialect dialect, OutboxDefinition outbox) {
        this(dataSource, dialect, outbox, new LeaseTable(dataSource, dialect));
    }

    /** @param leases where claims are checked; on the same server, so that the settling transaction itself checks */
    public RowStore(DataSource dataSource, Dialect dialect, OutboxDefinition outbox, LeaseTable leases) {
        this.outbox = outbox;
        this.transactions = new JdbcTransactions(dataSource, dialect);
        this.dialect = dialect;
        RowSql sql = new RowSql(dialect, outbox);
        PlanChoice plan = new PlanChoice(sql);
        RowLocks locks = new RowLocks(sql, outbox.tracked());
        this.reads = new RowReads(sql, plan);
        this.scan = new RowScan(sql, plan);
        this.verdicts = new RowVerdicts(sql, locks);
        this.receipts = new RowReceipts(sql, locks);
        this.counts = new RowCounts(sql);
        this.unconsumed = new UnconsumedRows(sql, locks, counts);
        this.dead = new DeadRows(sql);
        this.retention = new RowRetention(sql);
        this.leases = leases;
        this.writeLocks = new WriteLocks(transactions, sql);
    }

    @Override
    public List<Pending> fetch(long after, int limit, long maxBytes) {
        return read("fetch events", limit, connection -> reads.fetch(connection, after, limit, maxBytes));
    }

    @Override
    public List<PendingRef> scan(long after, long through, int limit) {
        return transactions.query(
                what("look for pending events"), connection -> scan.scan(connection, after, through, limit));
    }

    @Override
    public List<PendingRef> scan(List<IdRange> ranges, int limit) {
        if (ranges.isEmpty() || limit <= 0) {
            return List.of();
        }
        List<IdRange> inOrder =
                ranges.stream().sorted(Comparator.comparingLong(IdRange::first)).toList();
        return transactions.query(
                what("look for pending events in ranges"), connection -> scan.scan(connection, inOrder, limit));
    }

    @Override
    public @Nullable Writers writers() {
        return writeLocks.list();
    }

    @Override
    public List<PendingEvent> load(Collection<Long> ids, long maxBytes) {
        return read("load events", ids.size(), connection -> reads.load(connection, ids, maxBytes));
    }

    private <T> List<T> read(String what, int limit, JdbcTransactions.Work<List<T>> work) {
        return limit > SMALL_READ && dialect.streamsInTransactionOnly()
                ? transactions.transaction(what(what), work)
                : transactions.query(what(what), work);
    }

    @Override
    public Settled settle(Claim claim, List<Verdict> verdicts) {
        return write("settle events", (connection, rowByRow) -> {
            if (!leases.holds(connection, claim)) {
                throw new LeaseLostException(claim);
            }
            return this.verdicts.write(connection, verdicts, rowByRow);
        });
    }

    @Override
    public Received receive(List<Receipt> receipts, RefusalPolicy policy) {
        return receipts.isEmpty()
                ? new Received(0, Set.of(), Map.of())
                : write(
                        "write receipts",
                        (connection, rowByRow) -> this.receipts.receive(connection, receipts, policy, rowByRow));
    }

    @Override
    public Set<Long> republish(Collection<Long> ids) {
        return ids.isEmpty()
                ? Set.of()
                : transactions.transaction(
                        what("publish events again"), connection -> unconsumed.republish(connection, ids));
    }

    @FunctionalInterface
    private interface Writing<T> {
        T run(Connection connection, boolean rowByRow) throws SQLException;
    }

    /** In batches; if the table refuses anything, all again, row by row. */
    private <T> T write(String what, Writing<T> work) {
        try {
            return transactions.transaction(what(what), connection -> work.run(connection, false));
        } catch (StoreException e) {
            if (!SqlErrors.isRefused(e.getCause())) {
                throw e;
            }
            return transactions.transaction(what(what), connection -> work.run(connection, true));
        }
    }

    @Override
    public Unconsumed unconsumed(Duration limit) {
        return transactions.query(what("count unconsumed events"), connection -> {
            UnconsumedRows.Count found = unconsumed.count(connection, limit);
            return new Unconsumed(found.events(), Duration.ofNanos(Math.max(0, found.oldestNanos())));
        });
    }

    @Override
    public List<Long> passedOver(Duration limit, long after, int most) {
        return transactions.query(
                what("read unconsumed events"), connection -> unconsumed.passedOver(connection, limit, after, most));
    }

    @Override
    public List<DeadEvent> dead(long after, int limit) {
        return transactions.query(what("read dead events"), connection -> dead.read(connection, after, limit));
    }

    @Override
    public OptionalLong lastId() {
        return transactions.query(what("read the last id"), counts::lastId);
    }

    /** How many events there are in each status. Reads the whole outbox. */
    public Map<Status, Long> counts() {
        return transactions.query(what("count events"), counts::byStatus);
    }

    @Override
    public Backlog backlog() {
        return transactions.query(what("count the backlog"), connection -> {
            RowCounts.Backlog found = counts.backlog(connection);
            return new Backlog(
                    found.pending(),
                    found.dead(),
                    Duration.ofNanos(Math.max(0, found.oldestNanos())),
                    dialect.oldestTransaction(connection));
        });
    }

    /**
     * Puts dead events back to pending, due now, with their attempts reset to zero, as other programs do by hand;
     * {@link RowOperatorStore} does it with an audit.
     *
     * @return how many were dead
     */
    public int requeue(Collection<Long> ids) {
        return ids.isEmpty()
                ? 0
                : transactions.transaction(what("requeue events"), connection -> dead.requeue(connection, ids));
    }

    @Override
    public Forgotten forget(RetentionRule rule, long after, int limit) {
        Set<Status> statuses =
                outbox.tracked() ? EnumSet.of(Status.CONSUMED) : EnumSet.of(Status.PUBLISHED, Status.CONSUMED);
        if (rule.deadToo()) {
            statuses.add(Status.DEAD);
        }
        return transactions.transaction(
                what("delete old events"),
                connection -> delete(
                        connection,
                        after,
                        rule.keep(),
                        statuses,
                        limit,
                        (each, old) -> retention.delete(each, old, statuses)));
    }

    @FunctionalInterface
    interface Deletion {
        int delete(Connection connection, List<Long> ids) throws SQLException;
    }

    /**
     * Deletes rows that reached {@code statuses} longer ago than {@code keep}, looking only at the next {@code limit}.
     */
    Forgotten delete(
            Connection connection, long after, Duration keep, Collection<Status> statuses, int limit, Deletion deletion)
            throws SQLException {
        List<RowRetention.Aged> rows = retention.aged(connection, after, limit);
        if (rows.isEmpty()) {
            return new Forgotten(0, after, false);
        }
        long keepNanos = keep.toNanos();
        List<Long> old = rows.stream()
                .filter(row -> row.status() != null && statuses.contains(row.status()) && row.restNanos() > keepNanos)
                .map(RowRetention.Aged::id)
                .toList();
        int deleted = old.isEmpty() ? 0 : deletion.delete(connection, old);
        RowRetention.Aged last = rows.get(rows.size() - 1);
        boolean more = rows.size() == limit && last.ageNanos() > keepNanos;
        return new Forgotten(deleted, last.id(), more);
    }

    private String what(String what) {
        return what + " of outbox " + outbox.name();
    }
}
