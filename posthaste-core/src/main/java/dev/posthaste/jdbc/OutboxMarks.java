package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Journal.Received;
import dev.posthaste.journal.Journal.Settled;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Marks what became of an outbox's events in its table, on the connection it is given: what a relay decided, what a
 * consumer said, what an operator or retention wants. Thread-safe.
 *
 * <p>A row that another transaction has locked is left out, for whoever waited for it would hold up all other events. Locks
 * are looked for only when there is reason to: in an outbox whose consumers mark its rows in transactions of their own, and
 * for a while after a statement had to give up waiting for a lock. Otherwise rows are changed at once, which costs nothing,
 * and Posthaste's transactions wait for a lock no longer than a second.
 */
public final class OutboxMarks {
    private static final Logger log = LoggerFactory.getLogger(OutboxMarks.class);
    private static final long LOOK_FOR_LOCKS_NANOS = 30_000_000_000L;
    /** Each lasts a second, in which the lease cannot be renewed. */
    private static final int MAX_WAITS = 3;
    /** The savepoint before one change. */
    private static final String CHANGE = "posthaste_change";

    private final Dialect dialect;
    private final TableLayout layout;
    private final String outbox;
    private final boolean looksForLocks;
    private final boolean locksRows;
    private final OutboxStatements statements;
    private final IdIndex idIndex;
    private final String published;
    private final String publishedAndConsumed;
    private final String retry;
    private final String dead;
    private final String consumedOne;
    private final String lockPending;
    private volatile boolean mayLock = true;
    private volatile @Nullable Long metLocksAt;

    public OutboxMarks(Dialect dialect, OutboxDefinition outbox) {
        this.dialect = dialect;
        this.layout = outbox.table();
        this.outbox = outbox.name();
        this.looksForLocks = outbox.tracked() || dialect.limitWaits(1, 1).isEmpty();
        this.locksRows = dialect.locksRows();
        this.statements = new OutboxStatements(dialect, layout);
        this.idIndex = new IdIndex(dialect, layout);
        this.published = statements.published();
        this.publishedAndConsumed = layout.tracksConsumption() ? statements.publishedAndConsumed() : "";
        this.retry = statements.retry(false);
        this.dead = statements.dead(false);
        this.lockPending = statements.lockPending();
        this.consumedOne = layout.tracksConsumption() ? statements.consumedOne() : "";
    }

    // --- Locks -------------------------------------------------------------------------------------------------------

    private boolean looksForLocks() {
        Long at = metLocksAt;
        return locksRows && (looksForLocks || (at != null && System.nanoTime() - at < LOOK_FOR_LOCKS_NANOS));
    }

    /** The ids that the statement finds and locks; null where this user may not lock rows. */
    private @Nullable Set<Long> lock(Connection connection, String statement, List<Long> ids) throws SQLException {
        if (!mayLock) {
            return null;
        }
        try {
            return find(connection, statement, ids);
        } catch (SQLException e) {
            if (dialect.mayNotLock(e)) {
                mayLock = false;
                return null;
            }
            throw e;
        }
    }

    private Set<Long> find(Connection connection, String template, List<Long> ids) throws SQLException {
        Set<Long> found = new HashSet<>();
        try (PreparedStatement statement = prepareWithIds(connection, template, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                found.add(rows.getLong(1));
            }
        }
        return found;
    }

    private PreparedStatement prepareWithIds(Connection connection, String template, Collection<Long> ids)
            throws SQLException {
        return dialect.prepareWithIds(connection, idIndex.apply(connection, template), ids);
    }

    private PreparedStatement prepare(Connection connection, String sql) throws SQLException {
        return connection.prepareStatement(idIndex.apply(connection, sql));
    }

    /**
     * One transaction's changes to rows.
     *
     * <p>In the usual way rows are changed in batches, and whatever fails rolls the transaction back. Row by row, each
     * change is guarded by a savepoint: a row that refuses its error text gets a shorter one or none, and one that refuses
     * even that is left out.
     */
    private final class Changes {
        private final Connection connection;
        private final boolean rowByRow;
        private final boolean open;
        /** Whether rows may be locked, and this user cannot find out otherwise than by waiting. */
        private boolean waits;

        private int waited;
        private int changed;
        private final Set<Long> locked = new HashSet<>();
        private final Set<Long> refused = new HashSet<>();
        private @Nullable SQLException firstRefusal;

        /** @param open whether published events are meant too, and not only pending ones */
        Changes(Connection connection, boolean rowByRow, boolean open) {
            this.connection = connection;
            this.rowByRow = rowByRow;
            this.open = open;
        }

        /** Changes the rows that {@code template} means, all at once or, where some resist, in parts. */
        void update(String template, List<Long> ids) throws SQLException {
            if (ids.isEmpty()) {
                return;
            }
            if (!rowByRow && !waits) {
                changed += updateAll(connection, template, ids);
                return;
            }
            if (waited >= MAX_WAITS) {
                locked.addAll(ids);
                return;
            }
            SQLException failure = attempt(() -> updateAll(connection, template, ids));
            if (failure != null && ids.size() > 1) {
                int half = ids.size() / 2;
                update(template, ids.subList(0, half));
                update(template, ids.subList(half, ids.size()));
            } else if (failure != null) {
                leave(ids.get(0), failure);
            }
        }

        void refuse(List<Refusal> refusals) throws SQLException {
            if (refusals.isEmpty()) {
                return;
            }
            try (PreparedStatement retries = prepare(connection, open ? statements.retry(true) : retry);
                    PreparedStatement deaths = prepare(connection, open ? statements.dead(true) : dead)) {
                for (Refusal each : refusals) {
                    PreparedStatement statement = each.delay() == null ? deaths : retries;
                    if (rowByRow || waits) {
                        refuseOne(statement, each);
                    } else {
                        bind(statement, each, each.error());
                        statement.addBatch();
                    }
                }
                if (!rowByRow && !waits) {
                    changed += changed(retries.executeBatch()) + changed(deaths.executeBatch());
                }
            }
        }

        private void refuseOne(PreparedStatement statement, Refusal refusal) throws SQLException {
            if (waited >= MAX_WAITS) {
                locked.add(refusal.id());
                return;
            }
            List<Change> ways = new ArrayList<>();
            for (String error : Arrays.asList(refusal.error(), ErrorText.plain(refusal.error()), null)) {
                ways.add(() -> {
                    bind(statement, refusal, error);
                    return statement.executeUpdate();
                });
            }
            ways.add(() -> refuseOnly(refusal));
            SQLException failure = null;
            for (Change way : ways) {
                failure = attempt(way);
                if (failure == null || !Dialect.isRefused(failure)) {
                    break;
                }
            }
            if (failure != null) {
                leave(refusal.id(), failure);
            }
        }

        private int refuseOnly(Refusal refusal) throws SQLException {
            Duration delay = refusal.delay();
            try (PreparedStatement statement =
                    prepare(connection, delay == null ? statements.deadOnly(open) : statements.retryOnly(open))) {
                int next = 1;
                if (delay != null) {
                    statement.setLong(next++, delay.toNanos() / 1000);
                }
                statement.setInt(next++, refusal.seen());
                statement.setLong(next, refusal.id());
                return statement.executeUpdate();
            }
        }

        /** @return null if it was done; otherwise why not, and then the transaction is as it was before */
        private @Nullable SQLException attempt(Change change) throws SQLException {
            Transactions.execute(connection, "savepoint " + CHANGE);
            try {
                changed += change.run();
                Transactions.execute(connection, "release savepoint " + CHANGE);
                return null;
            } catch (SQLException e) {
                if (!(rowByRow && Dialect.isRefused(e)) && !(waits && Dialect.isLockWait(e))) {
                    throw e;
                }
                Transactions.execute(connection, "rollback to savepoint " + CHANGE);
                if (Dialect.isLockWait(e)) {
                    waited++;
                }
                return e;
            }
        }

        private void leave(long id, SQLException why) {
            if (Dialect.isLockWait(why)) {
                locked.add(id);
                return;
            }
            refused.add(id);
            if (firstRefusal == null) {
                firstRefusal = why;
                // Not the message, which may show the row.
                log.warn(
                        "Row {} of outbox {} cannot be marked: the table refuses the change, even without its error text"
                                + " (SQLSTATE {}, code {})",
                        id,
                        outbox,
                        why.getSQLState(),
                        why.getErrorCode());
            }
        }
    }

    @FunctionalInterface
    private interface Change {
        int run() throws SQLException;
    }

    /**
     * That an event was refused.
     *
     * @param delay until it is tried again; null if it is dead
     */
    private record Refusal(long id, int seen, @Nullable Duration delay, String error) {}

    private void bind(PreparedStatement statement, Refusal refusal, @Nullable String error) throws SQLException {
        int next = 1;
        statement.setInt(next++, Verdict.oneMore(refusal.seen()));
        if (layout.has(Column.LAST_ERROR)) {
            statement.setString(next++, error == null ? null : ErrorText.cut(error, layout.length(Column.LAST_ERROR)));
        }
        if (refusal.delay() != null) {
            statement.setLong(next++, refusal.delay().toNanos() / 1000);
        }
        statement.setInt(next++, refusal.seen());
        statement.setLong(next, refusal.id());
    }

    /** A driver that rewrites a batch no longer knows each count; it says so, and the statement did not fail. */
    private static int changed(int[] counts) {
        int changed = 0;
        for (int count : counts) {
            changed += count == Statement.SUCCESS_NO_INFO ? 1 : count;
        }
        return changed;
    }

    private <T> T noticingLocks(Transactions.Work<T> work, Connection connection) throws SQLException {
        try {
            return work.run(connection);
        } catch (SQLException e) {
            if (Dialect.isLockWait(e)) {
                metLocksAt = System.nanoTime();
            }
            throw e;
        }
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    /**
     * Writes verdicts. When this throws because of a lock, the same transaction run again leaves locked rows out; when it
     * throws because of a refused value ({@link Dialect#isRefused}), run it again row by row.
     */
    Settled mark(Connection connection, List<Verdict> verdicts, boolean rowByRow) throws SQLException {
        return noticingLocks(each -> markAll(each, verdicts, rowByRow), connection);
    }

    private Settled markAll(Connection connection, List<Verdict> verdicts, boolean rowByRow) throws SQLException {
        List<Verdict> inIdOrder = new ArrayList<>(verdicts);
        inIdOrder.sort(Comparator.comparingLong(Verdict::id));
        Changes changes = new Changes(connection, rowByRow, false);
        List<Verdict> free = inIdOrder;
        if (looksForLocks() && !inIdOrder.isEmpty()) {
            Set<Long> mine = lock(connection, lockPending, ids(inIdOrder, Verdict::id));
            changes.waits = mine == null;
            if (mine != null && mine.size() < inIdOrder.size()) {
                free = inIdOrder.stream()
                        .filter(each -> mine.contains(each.id()))
                        .toList();
                List<Verdict> others = inIdOrder.stream()
                        .filter(each -> !mine.contains(each.id()))
                        .toList();
                // Pending and not ours: somebody has it locked, or had a moment ago.
                changes.locked.addAll(find(connection, statements.pending(), ids(others, Verdict::id)));
                if (!changes.locked.isEmpty()) {
                    metLocksAt = System.nanoTime();
                }
            }
        }
        write(free, changes);
        if (changes.changed + changes.locked.size() < inIdOrder.size()) {
            publishConsumed(inIdOrder, changes);
        }
        changes.locked.addAll(changes.refused);
        return new Settled(changes.changed, Set.copyOf(changes.locked));
    }

    private static <T> List<Long> ids(List<T> of, Function<T, Long> id) {
        return of.stream().map(id).toList();
    }

    private void write(List<Verdict> inIdOrder, Changes changes) throws SQLException {
        Map<Integer, List<Long>> publishedByAttempts = new TreeMap<>();
        Map<Integer, List<Long>> consumedByAttempts = new TreeMap<>();
        List<Refusal> refusals = new ArrayList<>();
        for (Verdict verdict : inIdOrder) {
            if (verdict instanceof Verdict.Retry each) {
                refusals.add(new Refusal(each.id(), each.seenAttempts(), each.delay(), each.error()));
            } else if (verdict instanceof Verdict.Dead each) {
                refusals.add(new Refusal(each.id(), each.seenAttempts(), null, each.error()));
            } else {
                boolean consumed = verdict instanceof Verdict.Consumed;
                (consumed ? consumedByAttempts : publishedByAttempts)
                        .computeIfAbsent(verdict.seenAttempts(), attempts -> new ArrayList<>())
                        .add(verdict.id());
            }
        }
        changes.refuse(refusals);
        for (Map.Entry<Integer, List<Long>> each : publishedByAttempts.entrySet()) {
            changes.update(published.formatted(each.getKey(), "%s"), each.getValue());
        }
        for (Map.Entry<Integer, List<Long>> each : consumedByAttempts.entrySet()) {
            changes.update(publishedAndConsumed.formatted(each.getKey(), "%s"), each.getValue());
        }
    }

    /** Notes as published what its consumer was faster to mark as consumed. */
    private void publishConsumed(List<Verdict> verdicts, Changes changes) throws SQLException {
        if (!layout.tracksConsumption() || !layout.has(Column.PUBLISHED_AT)) {
            return;
        }
        List<Long> published = verdicts.stream()
                .filter(each -> each instanceof Verdict.Published || each instanceof Verdict.Consumed)
                .map(Verdict::id)
                .filter(id -> !changes.locked.contains(id) && !changes.refused.contains(id))
                .toList();
        if (published.isEmpty()) {
            return;
        }
        Set<Long> mine = lock(changes.connection, statements.lockConsumed(), published);
        changes.update(
                statements.publishedBeforeConsumed(),
                mine == null
                        ? published
                        : published.stream().filter(mine::contains).toList());
    }

    // --- Receipts ----------------------------------------------------------------------------------------------------

    /**
     * Says in the caller's transaction that an event was consumed, whether it was known to be published or not, or dead.
     *
     * @return false if it was consumed before, or is not there
     */
    public boolean markConsumed(Connection connection, Receipt.Consumed receipt) throws SQLException {
        try (PreparedStatement statement = prepare(connection, consumedOne)) {
            statement.setLong(1, receipt.row());
            if (layout.has(Column.EVENT_ID)) {
                dialect.bindText(statement, 2, receipt.eventId());
            }
            return statement.executeUpdate() == 1;
        }
    }

    /** Writes receipts; as {@link #mark} when it throws. */
    Received receive(Connection connection, List<Receipt> receipts, RetryPolicy policy, boolean rowByRow)
            throws SQLException {
        return noticingLocks(each -> receiveAll(each, receipts, policy, rowByRow), connection);
    }

    private Received receiveAll(Connection connection, List<Receipt> receipts, RetryPolicy policy, boolean rowByRow)
            throws SQLException {
        List<Long> ids = receipts.stream().map(Receipt::row).distinct().sorted().toList();
        Changes changes = new Changes(connection, rowByRow, true);
        Map<Long, ReceiptRow> rows = looksForLocks()
                ? lockReceiptRows(connection, ids, changes)
                : receiptRows(connection, statements.receiptRows(), ids);
        Map<Receipt, String> unmatched = new LinkedHashMap<>();
        Map<Receipt, ReceiptRow> changing = new LinkedHashMap<>();
        List<Receipt> inIdOrder = new ArrayList<>(receipts);
        inIdOrder.sort(Comparator.comparingLong(Receipt::row));
        for (Receipt receipt : inIdOrder) {
            ReceiptRow row = rows.get(receipt.row());
            ReceiptRow.Meaning meaning = ReceiptRow.meaning(receipt, row);
            if (meaning instanceof ReceiptRow.Meaning.Unmatched nothing) {
                unmatched.put(receipt, nothing.why());
            } else if (meaning instanceof ReceiptRow.Meaning.Change && row != null) {
                changing.put(receipt, row);
            }
        }
        Set<Receipt> locked = new LinkedHashSet<>();
        changing.keySet().stream()
                .filter(each -> changes.locked.contains(each.row()))
                .forEach(locked::add);
        changing.keySet().removeAll(locked);
        List<Refusal> refusals = refusals(changing, policy);
        changes.refuse(refusals);
        if (layout.tracksConsumption()) {
            changes.update(
                    statements.consumed(),
                    changing.keySet().stream()
                            .filter(Receipt.Consumed.class::isInstance)
                            .map(Receipt::row)
                            .distinct()
                            .toList());
        }
        Map<Long, ReceiptRow> now =
                changes.waits ? receiptRows(connection, statements.receiptRows(), ids(refusals, Refusal::id)) : rows;
        for (Map.Entry<Receipt, ReceiptRow> each : changing.entrySet()) {
            long row = each.getKey().row();
            if (changes.locked.contains(row)) {
                locked.add(each.getKey());
            } else if (changes.refused.contains(row)) {
                unmatched.put(each.getKey(), "the table refuses the change: " + changes.firstRefusal);
            } else if (each.getKey() instanceof Receipt.Refusal && overtaken(now.get(row), each.getValue())) {
                unmatched.put(each.getKey(), "the event was consumed or deleted at the same time");
            }
        }
        return new Received(changes.changed, locked, unmatched);
    }

    /** Whether somebody else was faster than a refusal whose row could not be locked. */
    private static boolean overtaken(@Nullable ReceiptRow now, ReceiptRow before) {
        return now == null || (now.status() == Status.CONSUMED && now.attempts() == before.attempts());
    }

    /** The rows, whatever their status; those that are locked by others are noted in {@code changes}. */
    private Map<Long, ReceiptRow> lockReceiptRows(Connection connection, List<Long> ids, Changes changes)
            throws SQLException {
        Map<Long, ReceiptRow> rows = new HashMap<>();
        if (mayLock) {
            try {
                rows.putAll(receiptRows(connection, statements.lockReceiptRows(), ids));
            } catch (SQLException e) {
                if (!dialect.mayNotLock(e)) {
                    throw e;
                }
                mayLock = false;
            }
        }
        changes.waits = !mayLock;
        List<Long> others = ids.stream().filter(id -> !rows.containsKey(id)).toList();
        if (!others.isEmpty()) {
            Map<Long, ReceiptRow> rest = receiptRows(connection, statements.receiptRows(), others);
            rows.putAll(rest);
            if (mayLock) {
                changes.locked.addAll(rest.keySet());
            }
        }
        return rows;
    }

    private static List<Refusal> refusals(Map<Receipt, ReceiptRow> receipts, RetryPolicy policy) {
        List<Refusal> refusals = new ArrayList<>();
        receipts.forEach((receipt, row) -> {
            if (receipt instanceof Receipt.Rejected rejected) {
                refusals.add(new Refusal(row.id(), row.attempts(), null, rejected.error()));
            } else if (receipt instanceof Receipt.Failed failed) {
                int attempts = Verdict.oneMore(row.attempts());
                boolean last = attempts >= (row.maxAttempts() == 0 ? policy.attempts() : row.maxAttempts());
                Duration delay = last ? null : policy.delay(attempts, ThreadLocalRandom.current());
                refusals.add(new Refusal(row.id(), row.attempts(), delay, failed.error()));
            }
        });
        return refusals;
    }

    private Map<Long, ReceiptRow> receiptRows(Connection connection, String template, List<Long> ids)
            throws SQLException {
        Map<Long, ReceiptRow> found = new HashMap<>();
        try (PreparedStatement statement = prepareWithIds(connection, template, ids);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                ReceiptRow each = ReceiptRow.read(row, layout, outbox);
                found.put(each.id(), each);
            }
        }
        return found;
    }

    /** Those that are published and that nobody else has locked become pending. */
    Set<Long> republish(Connection connection, Collection<Long> ids) throws SQLException {
        List<Long> inOrder = ids.stream().sorted().toList();
        Set<Long> mine = lock(connection, statements.lockPublished(), inOrder);
        Collection<Long> free = mine == null ? inOrder : mine;
        if (!free.isEmpty()) {
            updateAll(connection, statements.republish(), free);
        }
        return Set.copyOf(free);
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    int requeue(Connection connection, Collection<Long> ids) throws SQLException {
        return updateAll(connection, statements.requeue(), ids);
    }

    int delete(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        return updateAll(connection, statements.delete(statuses), ids);
    }

    private int updateAll(Connection connection, String template, Collection<Long> ids) throws SQLException {
        try (PreparedStatement statement = prepareWithIds(connection, template, ids)) {
            return statement.executeUpdate();
        }
    }

    /** The statement that marks first attempts as published, for benchmarks: its one parameter or {@code %s} is the ids. */
    public String publishedStatement() {
        return published.formatted(0, "%s").replace(OutboxStatements.BY_ID, dialect.primaryKeyHint());
    }
}
