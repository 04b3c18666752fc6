package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.OutboxStore.Settled;
import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes what a relay decided about events, on the connection it is given. Thread-safe. */
public final class RowVerdicts {
    /** Where {@link #seen what was seen} goes. */
    private static final String SEEN = "/*seen*/";

    private final RowSql sql;
    private final RowLocks locks;
    private final Refusals refusals;

    public RowVerdicts(Dialect dialect, OutboxDefinition outbox) {
        this.sql = new RowSql(dialect, outbox);
        this.locks = new RowLocks(sql, outbox.tracked());
        this.refusals = Refusals.byBroker(sql);
    }

    RowVerdicts(RowSql sql, RowLocks locks) {
        this.sql = sql;
        this.locks = locks;
        this.refusals = Refusals.byBroker(sql);
    }

    /**
     * Writes verdicts. When this throws because of a lock, the same transaction run again leaves locked rows out; when it
     * throws because of a refused value ({@link SqlErrors#isRefused}), run it again row by row.
     */
    Settled write(Connection connection, List<Verdict> verdicts, boolean rowByRow) throws SQLException {
        return locks.noticing(each -> writeAll(each, verdicts, rowByRow), connection);
    }

    private Settled writeAll(Connection connection, List<Verdict> verdicts, boolean rowByRow) throws SQLException {
        List<Verdict> inIdOrder = new ArrayList<>(verdicts);
        inIdOrder.sort(Comparator.comparingLong(Verdict::id));
        RowChanges changes = new RowChanges(sql, refusals, connection, rowByRow);
        List<Verdict> free = inIdOrder;
        if (locks.areLookedFor() && !inIdOrder.isEmpty()) {
            Set<Long> mine = lockPending(connection, ids(inIdOrder));
            changes.waits = mine == null;
            if (mine != null && mine.size() < inIdOrder.size()) {
                free = inIdOrder.stream()
                        .filter(each -> mine.contains(each.id()))
                        .toList();
                List<Verdict> others = inIdOrder.stream()
                        .filter(each -> !mine.contains(each.id()))
                        .toList();
                // Pending and not ours: another transaction has it locked, or had a moment ago.
                changes.locked.addAll(findPending(connection, ids(others)));
                if (!changes.locked.isEmpty()) {
                    locks.met();
                }
            }
        }
        write(free, changes);
        if (changes.changed + changes.locked.size() < inIdOrder.size()) {
            publishConsumed(connection, inIdOrder, changes);
        }
        changes.locked.addAll(changes.refused);
        return new Settled(changes.changed, Set.copyOf(changes.locked));
    }

    private static List<Long> ids(List<Verdict> verdicts) {
        return verdicts.stream().map(Verdict::id).toList();
    }

    /** Without those that another transaction has locked. */
    private @Nullable Set<Long> lockPending(Connection connection, List<Long> ids) throws SQLException {
        String text = sql.text("""
                select {id} from {table:id} where {status in pending} and {id in ids} {skipLocked}
                """);
        return locks.lock(connection, text, ids);
    }

    /** Locked or not. */
    private Set<Long> findPending(Connection connection, List<Long> ids) throws SQLException {
        String text = sql.text("""
                select {id} from {table:id} where {status in pending} and {id in ids}
                """);
        return locks.find(connection, text, ids);
    }

    private void write(List<Verdict> inIdOrder, RowChanges changes) throws SQLException {
        Map<Verdict.Seen, List<Long>> publishedAsSeen = new LinkedHashMap<>();
        Map<Verdict.Seen, List<Long>> consumedAsSeen = new LinkedHashMap<>();
        List<Verdict.Refused> refused = new ArrayList<>();
        for (Verdict verdict : inIdOrder) {
            if (verdict instanceof Verdict.Refused each) {
                refused.add(each);
            } else {
                boolean consumed = verdict instanceof Verdict.Consumed;
                (consumed ? consumedAsSeen : publishedAsSeen)
                        .computeIfAbsent(verdict.seen(), seen -> new ArrayList<>())
                        .add(verdict.id());
            }
        }
        changes.refuse(refused);
        for (Map.Entry<Verdict.Seen, List<Long>> each : publishedAsSeen.entrySet()) {
            changes.update(published(each.getKey()), each.getValue());
        }
        for (Map.Entry<Verdict.Seen, List<Long>> each : consumedAsSeen.entrySet()) {
            changes.update(publishedAndConsumed(each.getKey()), each.getValue());
        }
    }

    private String published(Verdict.Seen seen) {
        return sql.text("""
                update {table:id}
                set {status} = {published}[, {published-at} = {now}], {next-attempt-at} = null[, {updated-at} = {now}]
                where {status in pending} /*seen*/ and {id in ids}
                """).replace(SEEN, seen(seen));
    }

    /** What every consumer has handled. */
    private String publishedAndConsumed(Verdict.Seen seen) {
        return sql.text("""
                update {table:id}
                set {status} = {consumed}[, {consumed-at} = {now}], {next-attempt-at} = null[, {published-at} = {now}]
                    [, {updated-at} = {now}]
                where {status in pending} /*seen*/ and {id in ids}
                """).replace(SEEN, seen(seen));
    }

    /** That a row has counted no more than was seen. */
    private String seen(Verdict.Seen seen) {
        String attempts = sql.text("and {attempts} =") + " " + seen.attempts();
        if (seen.generation() == null || !sql.layout.has(Column.GENERATION)) {
            return attempts;
        }
        return attempts + " " + sql.text("and coalesce({generation}, 0) =") + " " + seen.generation();
    }

    /** Marks as published what its consumer has already marked as consumed. */
    private void publishConsumed(Connection connection, List<Verdict> verdicts, RowChanges changes)
            throws SQLException {
        if (!sql.layout.canBeTracked() || !sql.layout.has(Column.PUBLISHED_AT)) {
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
        String lock = sql.text("""
                select {id} from {table:id} where {status in consumed} and {published-at} is null and {id in ids}
                {skipLocked}
                """);
        Set<Long> mine = locks.lock(connection, lock, published);
        String update = sql.text("""
                update {table:id} set {published-at} = {now}[, {updated-at} = {now}]
                where {status in consumed} and {published-at} is null and {id in ids}
                """);
        changes.update(
                update,
                mine == null
                        ? published
                        : published.stream().filter(mine::contains).toList());
    }

    /** The statement that marks first attempts as published, for benchmarks: its one parameter or {@code %s} is the ids. */
    public String publishedStatement() {
        return published(new Verdict.Seen(0, 0)).replace(RowSql.BY_ID, sql.dialect.primaryKeyHint());
    }
}
