package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.store.Receipt;
import dev.posthaste.internal.store.ReceiptStore.Received;
import dev.posthaste.internal.store.ReceiptTarget;
import dev.posthaste.internal.store.RefusalPolicy;
import dev.posthaste.internal.store.Verdict;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes consumers' receipts, on the connection it is given. Thread-safe. */
public final class RowReceipts {
    private final RowSql sql;
    private final RowLocks locks;
    private final Refusals refusals;

    public RowReceipts(Dialect dialect, OutboxDefinition outbox) {
        this.sql = new RowSql(dialect, outbox);
        this.locks = new RowLocks(sql, outbox.tracked());
        this.refusals = Refusals.byConsumer(sql);
    }

    RowReceipts(RowSql sql, RowLocks locks) {
        this.sql = sql;
        this.locks = locks;
        this.refusals = Refusals.byConsumer(sql);
    }

    // --- One, in the consumer's transaction --------------------------------------------------------------------------

    /**
     * Records in the caller's transaction that an event was consumed, whether it was known to be published or not, or
     * was dead.
     *
     * @return false if it was consumed before, or does not exist
     */
    public boolean markConsumed(Connection connection, Receipt.Consumed receipt) throws SQLException {
        String text = sql.text("""
                update {table:id}
                set {status} = {consumed}[, {consumed-at} = {now}], {next-attempt-at} = null[, {updated-at} = {now}]
                where {status in pending, published, dead} and {id} = ?[ and {event-id} = ?]
                """);
        try (PreparedStatement statement = sql.prepare(connection, text)) {
            statement.setLong(1, receipt.row());
            if (sql.layout.has(Column.EVENT_ID)) {
                sql.dialect.bindText(statement, 2, receipt.eventId());
            }
            return statement.executeUpdate() == 1;
        }
    }

    /**
     * The same for an event that was handled before. Looks first: InnoDB would lock the gap where the row was, and with
     * it the inserts of all applications until the caller's transaction ends.
     */
    public boolean markConsumedBefore(Connection connection, Receipt.Consumed receipt) throws SQLException {
        ReceiptTarget found = find(connection, List.of(receipt.row())).get(receipt.row());
        return ReceiptTarget.meaning(receipt, found) instanceof ReceiptTarget.Meaning.Change
                && markConsumed(connection, receipt);
    }

    // --- Many --------------------------------------------------------------------------------------------------------

    /** Writes receipts; behaves like {@link RowVerdicts#write} when it throws. */
    Received receive(Connection connection, List<Receipt> receipts, RefusalPolicy policy, boolean rowByRow)
            throws SQLException {
        return locks.noticing(each -> receiveAll(each, receipts, policy, rowByRow), connection);
    }

    private Received receiveAll(Connection connection, List<Receipt> receipts, RefusalPolicy policy, boolean rowByRow)
            throws SQLException {
        List<Long> ids = receipts.stream().map(Receipt::row).distinct().sorted().toList();
        RowChanges changes = new RowChanges(sql, refusals, connection, rowByRow);
        Map<Long, ReceiptTarget> rows =
                locks.areLookedFor() ? lockRows(connection, ids, changes) : find(connection, ids);
        Map<Receipt, String> unmatched = new LinkedHashMap<>();
        Map<Receipt, ReceiptTarget> changing = new LinkedHashMap<>();
        List<Receipt> inIdOrder = new ArrayList<>(receipts);
        inIdOrder.sort(Comparator.comparingLong(Receipt::row));
        for (Receipt receipt : inIdOrder) {
            ReceiptTarget row = rows.get(receipt.row());
            ReceiptTarget.Meaning meaning = ReceiptTarget.meaning(receipt, row);
            if (meaning instanceof ReceiptTarget.Meaning.Unmatched nothing) {
                unmatched.put(receipt, nothing.why());
            } else if (meaning instanceof ReceiptTarget.Meaning.Change && row != null) {
                changing.put(receipt, row);
            }
        }
        Set<Receipt> locked = new LinkedHashSet<>();
        changing.keySet().stream()
                .filter(each -> changes.locked.contains(each.row()))
                .forEach(locked::add);
        changing.keySet().removeAll(locked);
        List<Verdict.Refused> refused = refusals(changing, policy);
        changes.refuse(refused);
        if (sql.layout.canBeTracked()) {
            markConsumed(changing.keySet(), changes);
        }
        Map<Long, ReceiptTarget> now = changes.waits
                ? find(connection, refused.stream().map(Verdict::id).toList())
                : rows;
        for (Map.Entry<Receipt, ReceiptTarget> each : changing.entrySet()) {
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

    private void markConsumed(Collection<Receipt> receipts, RowChanges changes) throws SQLException {
        String text = sql.text("""
                update {table:id}
                set {status} = {consumed}[, {consumed-at} = {now}], {next-attempt-at} = null[, {updated-at} = {now}]
                where {status in pending, published, dead} and {id in ids}
                """);
        changes.update(
                text,
                receipts.stream()
                        .filter(Receipt.Consumed.class::isInstance)
                        .map(Receipt::row)
                        .distinct()
                        .toList());
    }

    /** Whether another transaction was faster than a refusal whose row could not be locked. */
    private static boolean overtaken(@Nullable ReceiptTarget now, ReceiptTarget before) {
        return now == null || (now.status() == Status.CONSUMED && now.attempts() == before.attempts());
    }

    private static final String LOCK = """
            select %s from {table:id} where {status in pending, published, dead} and {id in ids} {skipLocked}
            """.formatted(ReceiptRow.COLUMNS);

    private static final String FIND = "select %s from {table:id} where {id in ids}".formatted(ReceiptRow.COLUMNS);

    /** The rows, whatever their status; those that are locked by others are noted in {@code changes}. */
    private Map<Long, ReceiptTarget> lockRows(Connection connection, List<Long> ids, RowChanges changes)
            throws SQLException {
        Map<Long, ReceiptTarget> mine = locks.locking(each -> read(each, sql.text(LOCK), ids), connection);
        changes.waits = mine == null;
        Map<Long, ReceiptTarget> rows = mine == null ? new HashMap<>() : mine;
        List<Long> others = ids.stream().filter(id -> !rows.containsKey(id)).toList();
        if (!others.isEmpty()) {
            Map<Long, ReceiptTarget> rest = find(connection, others);
            rows.putAll(rest);
            if (mine != null) {
                changes.locked.addAll(rest.keySet());
            }
        }
        return rows;
    }

    private Map<Long, ReceiptTarget> find(Connection connection, List<Long> ids) throws SQLException {
        return read(connection, sql.text(FIND), ids);
    }

    private Map<Long, ReceiptTarget> read(Connection connection, String text, List<Long> ids) throws SQLException {
        Map<Long, ReceiptTarget> found = new HashMap<>();
        try (PreparedStatement statement = sql.prepare(connection, text, ids);
                ResultSet rows = statement.executeQuery()) {
            ReceiptRow row = new ReceiptRow(rows, sql);
            while (rows.next()) {
                ReceiptTarget each = row.read();
                found.put(each.id(), each);
            }
        }
        return found;
    }

    private static List<Verdict.Refused> refusals(Map<Receipt, ReceiptTarget> receipts, RefusalPolicy policy) {
        List<Verdict.Refused> refusals = new ArrayList<>();
        receipts.forEach((receipt, row) -> {
            if (receipt instanceof Receipt.Refusal refusal) {
                refusals.add(policy.decide(row.id(), row.seen(), row.maxAttempts(), refusal));
            }
        });
        return refusals;
    }
}
