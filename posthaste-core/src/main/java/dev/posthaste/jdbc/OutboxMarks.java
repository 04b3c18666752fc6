package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.journal.Receipt;
import dev.posthaste.journal.Verdict;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Marks what became of an outbox's events in its table, on the connection it is given: what a relay decided, what a
 * consumer said, what an operator or retention wants. Thread-safe.
 */
public final class OutboxMarks {
    private final Dialect dialect;
    private final TableLayout layout;
    private final OutboxStatements statements;
    private final String published;
    private final String retry;
    private final String dead;
    private final String consumedOne;
    private final String lockPending;
    private volatile boolean mayLock = true;

    public OutboxMarks(Dialect dialect, OutboxDefinition outbox) {
        this.dialect = dialect;
        this.layout = outbox.table();
        this.statements = new OutboxStatements(dialect, layout);
        this.published = statements.published();
        this.retry = statements.retry(false);
        this.dead = statements.dead(false);
        this.lockPending = layout.tracksConsumption() ? statements.lockPending() : "";
        this.consumedOne = layout.tracksConsumption() ? statements.consumedOne() : "";
    }

    // --- Settling ----------------------------------------------------------------------------------------------------

    /**
     * A row that a consumer is marking in a transaction of its own is left to it: who waited for that transaction would
     * hold up all other events for as long as a consumer stands still. If it is rolled back, the row is pending as before.
     *
     * @return how many rows were still as the relay saw them
     */
    int mark(Connection connection, List<Verdict> verdicts) throws SQLException {
        List<Verdict> inIdOrder = new ArrayList<>(verdicts);
        inIdOrder.sort(Comparator.comparingLong(Verdict::id));
        int marked = markAll(connection, free(connection, lockPending, inIdOrder));
        if (marked == inIdOrder.size() || !layout.tracksConsumption() || !layout.has(Column.PUBLISHED_AT)) {
            return marked;
        }
        List<Verdict> published =
                inIdOrder.stream().filter(Verdict.Published.class::isInstance).toList();
        List<Long> consumed = free(connection, statements.lockConsumed(), published).stream()
                .map(Verdict::id)
                .toList();
        return consumed.isEmpty()
                ? marked
                : marked + updateAll(connection, statements.publishedBeforeConsumed(), consumed);
    }

    /** Those whose rows are as the statement says, and are now locked; all of them if there is no such statement. */
    private List<Verdict> free(Connection connection, String lock, List<Verdict> verdicts) throws SQLException {
        if (lock.isEmpty() || verdicts.isEmpty() || !mayLock) {
            return verdicts;
        }
        Set<Long> locked = new HashSet<>();
        List<Long> ids = verdicts.stream().map(Verdict::id).toList();
        try (PreparedStatement statement = dialect.prepareWithIds(connection, lock, ids);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                locked.add(rows.getLong(1));
            }
        } catch (SQLException e) {
            if (dialect.mayNotLock(e)) {
                mayLock = false;
                return verdicts;
            }
            throw e;
        }
        return verdicts.stream()
                .filter(verdict -> locked.contains(verdict.id()))
                .toList();
    }

    private int markAll(Connection connection, List<Verdict> inIdOrder) throws SQLException {
        Map<Integer, List<Long>> publishedByAttempts = new TreeMap<>();
        int marked = 0;
        int refused = 0;
        try (PreparedStatement retries = connection.prepareStatement(retry);
                PreparedStatement deaths = connection.prepareStatement(dead)) {
            for (Verdict verdict : inIdOrder) {
                if (verdict instanceof Verdict.Retry each) {
                    addRetry(retries, each.id(), each.seenAttempts(), each.delay(), each.error());
                    refused++;
                } else if (verdict instanceof Verdict.Dead each) {
                    addDead(deaths, each.id(), each.seenAttempts(), each.error());
                    refused++;
                } else {
                    publishedByAttempts
                            .computeIfAbsent(verdict.seenAttempts(), attempts -> new ArrayList<>())
                            .add(verdict.id());
                }
            }
            if (refused > 0) {
                marked += changed(retries.executeBatch()) + changed(deaths.executeBatch());
            }
        }
        for (Map.Entry<Integer, List<Long>> each : publishedByAttempts.entrySet()) {
            marked += updateAll(connection, published.formatted(each.getKey(), "%s"), each.getValue());
        }
        return marked;
    }

    private void addRetry(PreparedStatement statement, long id, int seen, Duration delay, String error)
            throws SQLException {
        int next = bindAttempt(statement, seen, error);
        statement.setLong(next++, delay.toNanos() / 1000);
        statement.setInt(next++, seen);
        statement.setLong(next, id);
        statement.addBatch();
    }

    private void addDead(PreparedStatement statement, long id, int seen, String error) throws SQLException {
        int next = bindAttempt(statement, seen, error);
        statement.setInt(next++, seen);
        statement.setLong(next, id);
        statement.addBatch();
    }

    private int bindAttempt(PreparedStatement statement, int seen, String error) throws SQLException {
        statement.setInt(1, Verdict.oneMore(seen));
        if (layout.has(Column.LAST_ERROR)) {
            statement.setString(2, cut(error, layout.length(Column.LAST_ERROR)));
            return 3;
        }
        return 2;
    }

    /** A driver that rewrites a batch no longer knows each count; it says so, and the statement did not fail. */
    private static int changed(int[] counts) {
        int changed = 0;
        for (int count : counts) {
            changed += count == Statement.SUCCESS_NO_INFO ? 1 : count;
        }
        return changed;
    }

    // --- Receipts ----------------------------------------------------------------------------------------------------

    /**
     * Says in the caller's transaction that an event was consumed, whether it was known to be published or not.
     *
     * @return false if it was consumed or dead before, or is not there
     */
    public boolean markConsumed(Connection connection, Receipt.Consumed receipt) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(consumedOne)) {
            statement.setLong(1, receipt.row());
            if (layout.has(Column.EVENT_ID)) {
                dialect.bindText(statement, 2, receipt.eventId());
            }
            return statement.executeUpdate() == 1;
        }
    }

    private record Open(long id, String eventId, int attempts, int maxAttempts) {}

    /** @return how many receipts changed their row */
    int receive(Connection connection, List<Receipt> receipts, RetryPolicy policy) throws SQLException {
        Map<Long, Open> open = open(
                connection,
                receipts.stream().map(Receipt::row).distinct().sorted().toList());
        List<Receipt> meant = receipts.stream()
                .filter(receipt -> isMeant(receipt, open.get(receipt.row())))
                .sorted(Comparator.comparingLong(Receipt::row))
                .toList();
        int changed = refuse(connection, meant, open, policy);
        List<Long> consumed = meant.stream()
                .filter(Receipt.Consumed.class::isInstance)
                .map(Receipt::row)
                .distinct()
                .toList();
        return consumed.isEmpty() ? changed : changed + updateAll(connection, statements.consumed(), consumed);
    }

    private boolean isMeant(Receipt receipt, @Nullable Open row) {
        return row != null && (!layout.has(Column.EVENT_ID) || row.eventId().equals(receipt.eventId()));
    }

    private int refuse(Connection connection, List<Receipt> receipts, Map<Long, Open> open, RetryPolicy policy)
            throws SQLException {
        if (receipts.stream().allMatch(Receipt.Consumed.class::isInstance)) {
            return 0;
        }
        try (PreparedStatement retries = connection.prepareStatement(statements.retry(true));
                PreparedStatement deaths = connection.prepareStatement(statements.dead(true))) {
            for (Receipt receipt : receipts) {
                Open row = open.get(receipt.row());
                if (row == null) {
                    continue;
                }
                if (receipt instanceof Receipt.Rejected rejected) {
                    addDead(deaths, row.id(), row.attempts(), rejected.error());
                } else if (receipt instanceof Receipt.Failed failed) {
                    Integer told = failed.seenAttempts();
                    int seen = told == null ? row.attempts() : told;
                    int attempts = Verdict.oneMore(seen);
                    if (attempts >= (row.maxAttempts() == 0 ? policy.attempts() : row.maxAttempts())) {
                        addDead(deaths, row.id(), seen, failed.error());
                    } else {
                        Duration delay = policy.delay(attempts, ThreadLocalRandom.current());
                        addRetry(retries, row.id(), seen, delay, failed.error());
                    }
                }
            }
            return changed(retries.executeBatch()) + changed(deaths.executeBatch());
        }
    }

    private Map<Long, Open> open(Connection connection, List<Long> ids) throws SQLException {
        Map<Long, Open> open = new HashMap<>();
        try (PreparedStatement statement = dialect.prepareWithIds(connection, statements.open(), ids);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                Open each = new Open(row.getLong(1), String.valueOf(row.getString(2)), row.getInt(3), row.getInt(4));
                open.put(each.id(), each);
            }
        }
        return open;
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    int requeue(Connection connection, Collection<Long> ids) throws SQLException {
        return updateAll(connection, statements.requeue(), ids);
    }

    int delete(Connection connection, Collection<Long> ids, Collection<Status> statuses) throws SQLException {
        return updateAll(connection, statements.delete(statuses), ids);
    }

    private int updateAll(Connection connection, String template, Collection<Long> ids) throws SQLException {
        try (PreparedStatement statement = dialect.prepareWithIds(connection, template, ids)) {
            return statement.executeUpdate();
        }
    }

    /** At most {@code most} characters, never half a surrogate pair, no NUL. */
    static String cut(String error, int most) {
        String clean = error.replace('\0', ' ');
        if (clean.length() <= most) {
            return clean;
        }
        return clean.substring(0, Character.isHighSurrogate(clean.charAt(most - 1)) ? most - 1 : most);
    }

    /** The statement that marks first attempts as published, for benchmarks: its one parameter or {@code %s} is the ids. */
    public String publishedStatement() {
        return published.formatted(0, "%s");
    }
}
