package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/** The journal that keeps an event's status in the event's own row. Thread-safe. */
public final class StatusJournal implements Journal {
    /** Up to so many rows are read without a transaction around them: one statement is all that an idle poll costs. */
    private static final int SMALL_READ = 64;

    private final String name;
    private final Transactions transactions;
    private final Dialect dialect;
    private final OutboxTable table;
    private final OutboxMarks marks;
    private final LeaseTable leases;

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
    }

    @Override
    public List<PendingEvent> fetch(long after, int limit, long maxBytes) {
        return read("fetch events", limit, connection -> table.fetch(connection, after, limit, maxBytes));
    }

    @Override
    public List<PendingMark> scan(long after, long through, int limit) {
        return transactions.statement(
                what("look for pending events"), connection -> table.scan(connection, after, through, limit));
    }

    @Override
    public List<PendingEvent> load(Collection<Long> ids, long maxBytes) {
        return read("load events", ids.size(), connection -> table.load(connection, ids, maxBytes));
    }

    private List<PendingEvent> read(String what, int limit, Transactions.Work<List<PendingEvent>> work) {
        return limit > SMALL_READ && dialect.streamsInTransactionOnly()
                ? transactions.transaction(what(what), work)
                : transactions.statement(what(what), work);
    }

    @Override
    public int settle(Claim claim, List<Verdict> verdicts) {
        return transactions.transaction(what("settle events"), connection -> {
            if (!leases.holds(connection, claim)) {
                throw new LeaseLostException(claim);
            }
            return marks.mark(connection, verdicts);
        });
    }

    @Override
    public int receive(List<Receipt> receipts, RetryPolicy retry) {
        return receipts.isEmpty()
                ? 0
                : transactions.transaction(
                        what("write receipts"), connection -> marks.receive(connection, receipts, retry));
    }

    @Override
    public Unconsumed unconsumed(Duration limit) {
        return transactions.statement(what("count unconsumed events"), connection -> {
            long[] found = table.countUnconsumed(connection, limit);
            return new Unconsumed(found[0], Duration.ofNanos(Math.max(0, found[1])));
        });
    }

    @Override
    public List<PendingEvent> unconsumed(Duration limit, int most) {
        return read("read unconsumed events", most, connection -> table.unconsumed(connection, limit, most));
    }

    @Override
    public Map<String, Long> deadKeys(int limit) {
        return transactions.statement(what("read dead keys"), connection -> table.deadKeys(connection, limit));
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
                what("delete old events"), connection -> purge(connection, after, keep, statuses, batch));
    }

    Purged purge(Connection connection, long after, Duration keep, Collection<Status> statuses, int batch)
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
        int deleted = old.isEmpty() ? 0 : marks.delete(connection, old, statuses);
        OutboxTable.Aged last = rows.get(rows.size() - 1);
        boolean more = rows.size() == batch && last.ageNanos() > keepNanos;
        return new Purged(deleted, last.id(), more);
    }

    private String what(String what) {
        return what + " of outbox " + name;
    }
}
