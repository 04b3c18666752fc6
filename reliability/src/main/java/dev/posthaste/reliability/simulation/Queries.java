package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Sql.Expression;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Finds the rows that statements select, locks them if asked to, and builds the results. */
final class Queries {
    private final Database database;
    /** Whether keys that differ only in case or in trailing blanks form one group. */
    private final boolean collating;

    Queries(Database database, boolean collating) {
        this.database = database;
        this.collating = collating;
    }

    /** The rows for which {@code where} is true, as the transaction sees them, in the order of their keys. */
    List<Table.Row> matching(Transaction transaction, Table table, Sql.Where where, Scope scope) {
        return matching(transaction, table, where, Long.MAX_VALUE, scope);
    }

    private static List<Table.Row> matching(
            Transaction transaction, Table table, Sql.Where where, long most, Scope scope) {
        List<Table.Row> found = new ArrayList<>();
        for (Table.Row row : candidates(table, where, scope)) {
            @Nullable Object[] seen = row.seenBy(transaction);
            if (seen != null) {
                scope.row = seen;
                if (Boolean.TRUE.equals(where.holds().of(scope))) {
                    found.add(row);
                    if (found.size() == most) {
                        break;
                    }
                }
            }
        }
        return found;
    }

    /** Every row for which {@code where} may be true, without visiting most of the others. */
    private static Collection<Table.Row> candidates(Table table, Sql.Where where, Scope scope) {
        Sql.Bounds bounds = where.bounds();
        Expression keys = bounds.keys();
        if (keys != null) {
            Collection<Table.Row> named = table.named(keys.of(scope));
            if (named != null) {
                return named;
            }
        }
        return table.between(value(bounds.low(), scope), value(bounds.high(), scope), value(bounds.status(), scope));
    }

    private static @Nullable Object value(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : expression.of(scope);
    }

    List<@Nullable Object[]> select(Transaction transaction, Sql.Select select, Scope scope) throws SQLException {
        List<@Nullable Object[]> rows = new ArrayList<>();
        Table table = database.table(select.table());
        if (select.lock() == Sql.Lock.NONE && database.innodb && !transaction.readCommitted) {
            return answer(select, snapshot(transaction, table, select.where().holds(), scope), scope);
        }
        boolean free = select.lock() == Sql.Lock.FREE;
        if (free || select.lock() == Sql.Lock.UPDATE) {
            lockNamed(transaction, table, select.where(), free, scope);
        }
        for (Table.Row row : matching(transaction, table, select.where(), most(select, scope), scope)) {
            @Nullable Object[] seen = Objects.requireNonNull(row.seenBy(transaction));
            if (select.lock() == Sql.Lock.SHARE) {
                share(transaction, row);
            } else if (select.lock() != Sql.Lock.NONE) {
                if (free && !row.mayBeWrittenBy(transaction)) {
                    continue;
                }
                requireWritable(transaction, row);
                transaction.write(table, row, seen);
            }
            rows.add(seen);
        }
        return answer(select, rows, scope);
    }

    /** How many rows may be enough: the limit, if they are read in the requested order. */
    private static long most(Sql.Select select, Scope scope) {
        boolean first = select.byKey() && !select.descending() && select.lock() == Sql.Lock.NONE;
        return first && select.group() == null && !select.aggregate()
                ? (Long) Objects.requireNonNull(select.limit().of(scope))
                : Long.MAX_VALUE;
    }

    private List<@Nullable Object[]> snapshot(Transaction transaction, Table table, Expression where, Scope scope) {
        Snapshot snapshot = transaction.snapshot;
        if (snapshot == null) {
            snapshot = new Snapshot(database.tables());
            transaction.snapshot = snapshot;
        }
        List<@Nullable Object[]> rows = snapshot.rows(table, transaction);
        rows.removeIf(row -> {
            scope.row = row;
            return !Boolean.TRUE.equals(where.of(scope));
        });
        return rows;
    }

    /**
     * InnoDB locks a row that is named before it checks whether the row matches, and at REPEATABLE READ it keeps that
     * lock, or a lock on the gap if there is no such row.
     */
    void lockNamed(Transaction transaction, Table table, Sql.Where where, boolean free, Scope scope)
            throws SQLException {
        Expression named = where.named();
        if (!database.innodb || named == null) {
            return;
        }
        Object keys = named.of(scope);
        for (Object each : keys instanceof List<?> list ? list : Collections.singletonList(keys)) {
            Comparable<?> key = each == null ? null : table.keyOf(each);
            if (key == null) {
                continue;
            }
            Table.Row row = table.rows.get(key);
            if (row != null && !row.mayBeWrittenBy(transaction)) {
                if (!free) {
                    throw waitedTooLong(row);
                }
            } else if (!transaction.readCommitted && row != null) {
                transaction.write(table, row, row.seenBy(transaction));
            } else if (!transaction.readCommitted) {
                transaction.lockGap(table, table.rows.lowerKey(key), table.rows.higherKey(key));
            }
        }
    }

    private List<@Nullable Object[]> answer(Sql.Select select, List<@Nullable Object[]> rows, Scope scope) {
        Expression order = select.order();
        if (order != null) {
            Comparator<@Nullable Object[]> ascending = Comparator.comparing(row -> sortKey(order, row, scope));
            rows.sort(select.descending() ? ascending.reversed() : ascending);
        }
        long limit = (Long) Objects.requireNonNull(select.limit().of(scope));
        List<@Nullable Object[]> found = new ArrayList<>();
        for (List<@Nullable Object[]> group : groups(select, rows, scope)) {
            if (found.size() == limit) {
                break;
            }
            scope.rows = group;
            scope.row = group.isEmpty() ? scope.row : group.get(0);
            found.add(outputs(select, scope));
        }
        return found;
    }

    static @Nullable Object[] edge(List<@Nullable Object[]> stretch, boolean highest) {
        Comparator<@Nullable Object> order = Comparator.comparing(id -> (Long) Objects.requireNonNull(id));
        return new Object[] {
            stretch.stream()
                    .map(row -> row[0])
                    .max(highest ? order : order.reversed())
                    .orElse(null)
        };
    }

    /** Runs the select once for each range, in the order of the ranges, which is that of the rows. */
    List<@Nullable Object[]> ranges(Transaction transaction, Sql.Ranges ranges, Scope scope) throws SQLException {
        List<?> low = (List<?>) Objects.requireNonNull(scope.parameters[0]);
        List<?> high = (List<?>) Objects.requireNonNull(scope.parameters[1]);
        long limit = (Long) Objects.requireNonNull(scope.parameters[3]);
        List<@Nullable Object[]> found = new ArrayList<>();
        for (int i = 0; i < low.size(); i++) {
            scope.low = (Long) low.get(i);
            scope.high = (Long) high.get(i);
            for (@Nullable Object[] row : select(transaction, ranges.each(), scope)) {
                if (found.size() < limit) {
                    found.add(row);
                }
            }
        }
        return found;
    }

    /**
     * The rows behind each row of the result: a single row; or those of a group, which are all rows if no group is
     * named.
     */
    private Collection<List<@Nullable Object[]>> groups(Sql.Select select, List<@Nullable Object[]> rows, Scope scope) {
        Expression by = select.group();
        if (by == null) {
            return select.aggregate()
                    ? List.of(rows)
                    : rows.stream().map(List::<@Nullable Object[]>of).toList();
        }
        Map<Object, List<@Nullable Object[]>> groups = new LinkedHashMap<>();
        for (@Nullable Object[] row : rows) {
            scope.row = row;
            Object value = Objects.requireNonNull(by.of(scope));
            Object group =
                    collating && value instanceof String text ? text.strip().toLowerCase(Locale.ROOT) : value;
            groups.computeIfAbsent(group, key -> new ArrayList<>()).add(row);
        }
        return groups.values();
    }

    @SuppressWarnings("unchecked")
    private static Comparable<Object> sortKey(Expression order, @Nullable Object[] row, Scope scope) {
        scope.row = row;
        return (Comparable<Object>) Objects.requireNonNull(order.of(scope));
    }

    private static @Nullable Object[] outputs(Sql.Select select, Scope scope) {
        @Nullable Object[] values = new Object[select.outputs().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = select.outputs().get(i).of(scope);
        }
        return values;
    }

    static void share(Transaction transaction, Table.Row row) throws SQLException {
        if (row.writer != null && row.writer != transaction) {
            throw waitedTooLong(row);
        }
        transaction.share(row);
    }

    static void requireWritable(Transaction transaction, Table.Row row) throws SQLException {
        if (!row.mayBeWrittenBy(transaction)) {
            throw waitedTooLong(row);
        }
    }

    static SQLException waitedTooLong(Table.Row row) {
        return waitedTooLong("the row " + row.key);
    }

    static SQLException waitedTooLong(String what) {
        // A retry parks for a moment first; this ends it immediately.
        LockSupport.unpark(Thread.currentThread());
        return new SQLException("waited too long for " + what, "55P03");
    }
}
