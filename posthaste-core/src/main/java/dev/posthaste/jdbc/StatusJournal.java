package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.IdRange;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import dev.posthaste.journal.Writers;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The journal that keeps an event's status in the event's own row. Thread-safe. */
public final class StatusJournal implements Journal {
    /** This many rows are read without a transaction around them: then an idle poll costs one statement. */
    private static final int SMALL_READ = 64;

    private final String name;
    private final Transactions transactions;
    private final Dialect dialect;
    private final OutboxTable table;
    private final OutboxMarks marks;
    private final LeaseTable leases;
    private final WriteLocks writeLocks;

    /** @param dataSource the relay's own small pool; every call borrows one connection and gives it back */
    public StatusJournal(DataSource dataSource, Dialect dialect, OutboxDefinition outbox) {
        this(dataSource, dialect, outbox, new LeaseTable(dataSource, dialect));
    }

    /** @param leases where claims are checked; on the same server, so that it is the settling transaction that checks */
    public StatusJournal(DataSource dataSource, Dialect dialect, OutboxDefinition outbox, LeaseTable leases) {
        this.name = outbox.name();
        this.transactions = new Transactions(dataSource, dialect);
        this.dialect = dialect;
        this.table = new OutboxTable(dialect, outbox);
        this.marks = new OutboxMarks(dialect, outbox);
        this.leases = leases;
        this.writeLocks = new WriteLocks(transactions, dialect, name, outbox.table());
    }

    @Override
    public List<Pending> fetch(long after, int limit, long maxBytes) {
        return read("fetch events", limit, connection -> table.fetch(connection, after, limit, maxBytes));
    }

    @Override
    public List<PendingMark> scan(long after, long through, int limit) {
        return transactions.statement(
                what("look for pending events"), connection -> table.scan(connection, after, through, limit));
    }

    @Override
    public List<PendingMark> scan(List<IdRange> ranges, int limit) {
        if (ranges.isEmpty() || limit <= 0) {
            return List.of();
        }
        List<IdRange> inOrder =
                ranges.stream().sorted(Comparator.comparingLong(IdRange::first)).toList();
        return transactions.statement(
                what("look for pending events in ranges"), connection -> table.scan(connection, inOrder, limit));
    }

    @Override
    public @Nullable Writers writers() {
        return writeLocks.list();
    }

    @Override
    public List<PendingEvent> load(Collection<Long> ids, long maxBytes) {
        return read("load events", ids.size(), connection -> table.load(connection, ids, maxBytes));
    }

    private <T> List<T> read(String what, int limit, Transactions.Work<List<T>> work) {
        return limit > SMALL_READ && dialect.streamsInTransactionOnly()
                ? transactions.transaction(what(what), work)
                : transactions.statement(what(what), work);
    }

    @Override
    public Settled settle(Claim claim, List<Verdict> verdicts) {
        return write("settle events", (connection, rowByRow) -> {
            if (!leases.holds(connection, claim)) {
                throw new LeaseLostException(claim);
            }
            return marks.mark(connection, verdicts, rowByRow);
        });
    }

    @Override
    public Received receive(List<Receipt> receipts, RetryPolicy retry) {
        return receipts.isEmpty()
                ? new Received(0, Set.of(), Map.of())
                : write(
                        "write receipts",
                        (connection, rowByRow) -> marks.receive(connection, receipts, retry, rowByRow));
    }

    @Override
    public Set<Long> republish(Collection<Long> ids) {
        return ids.isEmpty()
                ? Set.of()
                : transactions.transaction(
                        what("publish events again"), connection -> marks.republish(connection, ids));
    }

    @FunctionalInterface
    private interface Writing<T> {
        T run(Connection connection, boolean rowByRow) throws SQLException;
    }

    /** All at once; and if the table refuses any of it, all again, row by row. */
    private <T> T write(String what, Writing<T> work) {
        try {
            return transactions.transaction(what(what), connection -> work.run(connection, false));
        } catch (JournalException e) {
            if (!Dialect.isRefused(e.getCause())) {
                throw e;
            }
            return transactions.transaction(what(what), connection -> work.run(connection, true));
        }
    }

    @Override
    public Unconsumed unconsumed(Duration limit) {
        return transactions.statement(what("count unconsumed events"), connection -> {
            long[] found = table.countUnconsumed(connection, limit);
            return new Unconsumed(found[0], Duration.ofNanos(Math.max(0, found[1])));
        });
    }

    @Override
    public List<Long> passedOver(Duration limit, long after, int most) {
        return transactions.statement(
                what("read unconsumed events"), connection -> table.passedOver(connection, limit, after, most));
    }

    @Override
    public List<DeadEvent> dead(long after, int limit) {
        return transactions.statement(what("read dead events"), connection -> table.dead(connection, after, limit));
    }

    @Override
    public OptionalLong lastId() {
        return transactions.statement(what("read the last id"), table::lastId);
    }

    @Override
    public Map<Status, Long> counts() {
        return transactions.statement(what("count events"), table::counts);
    }

    @Override
    public Backlog backlog() {
        return transactions.statement(what("count the backlog"), connection -> {
            long[] found = table.backlog(connection);
            return new Backlog(
                    found[0], found[1], Duration.ofNanos(Math.max(0, found[2])), dialect.oldestTransaction(connection));
        });
    }

    @Override
    public int requeue(Collection<Long> ids) {
        return ids.isEmpty()
                ? 0
                : transactions.transaction(what("requeue events"), connection -> marks.requeue(connection, ids));
    }

    @Override
    public Purged purge(long after, Duration keep, Collection<Status> statuses, int batch) {
        return transactions.transaction(
                what("delete old events"),
                connection -> purge(
                        connection, after, keep, statuses, batch, (each, old) -> marks.delete(each, old, statuses)));
    }

    @FunctionalInterface
    interface Deletion {
        int delete(Connection connection, List<Long> ids) throws SQLException;
    }

    Purged purge(
            Connection connection, long after, Duration keep, Collection<Status> statuses, int batch, Deletion deletion)
            throws SQLException {
        List<OutboxTable.Aged> rows = table.aged(connection, after, batch);
        if (rows.isEmpty()) {
            return new Purged(0, after, false);
        }
        long keepNanos = keep.toNanos();
        List<Long> old = rows.stream()
                .filter(row -> row.status() != null && statuses.contains(row.status()) && row.restNanos() > keepNanos)
                .map(OutboxTable.Aged::id)
                .toList();
        int deleted = old.isEmpty() ? 0 : deletion.delete(connection, old);
        OutboxTable.Aged last = rows.get(rows.size() - 1);
        boolean more = rows.size() == batch && last.ageNanos() > keepNanos;
        return new Purged(deleted, last.id(), more);
    }

    private String what(String what) {
        return what + " of outbox " + name;
    }
}
