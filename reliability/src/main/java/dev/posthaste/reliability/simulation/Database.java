package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Sql.Expression;
import dev.posthaste.reliability.simulation.Sql.Scope;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A database in memory that answers as PostgreSQL does at READ COMMITTED: each statement sees what was committed before it,
 * and its own transaction's changes; numbers are taken when a row is inserted and become visible when it is committed; a
 * row that another transaction is changing is waited for, which here always ends as a wait that was too long.
 */
final class Database {
    static final String OUTBOX = "orders";
    static final String EFFECTS = "effects";
    static final String LEASES = "posthaste_lease";
    private static final String BACK_TO = "rollback to savepoint ";
    private static final Map<String, List<String>> COLUMNS = Map.of(
            OUTBOX,
            List.of(("id event_id event_type event_version event_key destination routing_key headers payload status "
                            + "attempts max_attempts next_attempt_at last_error created_at published_at consumed_at updated_at generation")
                    .split(" ")),
            EFFECTS,
            List.of("id", "event_id", "event_key"),
            LEASES,
            List.of("outbox", "owner", "epoch", "expires_at", "paused_by"),
            "posthaste_relay",
            List.of("relay", "outbox", "expires_at", "definition"),
            "posthaste_inbox",
            List.of("consumer", "event_id", "handled_at"));

    private final Map<String, Table> tables = new LinkedHashMap<>();
    /** Numbers the connections. */
    final AtomicLong sessions = new AtomicLong();

    private final LongSupplier clock;
    private final BiConsumer<Node, List<Transaction.Change>> committed;

    /** @param committed hears every commit that changed something, and whose it was */
    Database(LongSupplier clock, BiConsumer<Node, List<Transaction.Change>> committed) {
        this.clock = clock;
        this.committed = committed;
        add(OUTBOX, List.of("id"), "event_id");
        add(EFFECTS, List.of("id"), null);
        add(LEASES, List.of("outbox"), null);
        add("posthaste_relay", List.of("relay", "outbox"), null);
        add("posthaste_inbox", List.of("consumer", "event_id"), null);
    }

    private void add(String name, List<String> key, @Nullable String unique) {
        tables.put(name, new Table(name, columns(name), key, unique));
    }

    static List<String> columns(String table) {
        List<String> columns = COLUMNS.get(table);
        if (columns == null) {
            throw new IllegalArgumentException("The simulated database has no table " + table);
        }
        return columns;
    }

    Table table(String name) {
        Table table = tables.get(name);
        if (table == null) {
            throw new IllegalArgumentException("The simulated database has no table " + name);
        }
        return table;
    }

    /** Every committed row of a table, its columns by name. */
    List<Map<String, @Nullable Object>> committedRows(String name) {
        List<Map<String, @Nullable Object>> found = new ArrayList<>();
        Table table = table(name);
        for (Table.Row row : table.rows.values()) {
            @Nullable Object[] values = row.committed;
            if (values != null) {
                Map<String, @Nullable Object> byName = new HashMap<>();
                for (int i = 0; i < values.length; i++) {
                    byName.put(table.columns.get(i), values[i]);
                }
                found.add(byName);
            }
        }
        return found;
    }

    void commit(Transaction transaction) {
        List<Transaction.Change> changes = transaction.commit();
        if (!changes.isEmpty()) {
            committed.accept(transaction.node, changes);
        }
    }

    /** The rows that a query found; the number of rows that another statement changed. */
    record Answer(List<@Nullable Object[]> rows, int changed) {}

    Answer run(Transaction transaction, String sql, @Nullable Object[] parameters) throws SQLException {
        if (sql.startsWith(BACK_TO)) {
            transaction.requireSavepoint();
            transaction.failed = false; // who goes back to this savepoint ends the transaction next
            return new Answer(List.of(), 0);
        }
        if (transaction.failed) {
            throw new SQLException("the transaction failed before and can only be rolled back", "25P02");
        }
        if (sql.startsWith("release savepoint ")) {
            transaction.requireSavepoint();
            return new Answer(List.of(), 0);
        }
        Sql.Command command = Sql.parse(sql);
        Scope scope = new Scope(parameters, clock.getAsLong(), transaction.node.skew);
        try {
            if (command instanceof Sql.Select select) {
                return new Answer(select(transaction, select, scope), 0);
            } else if (command instanceof Sql.Ranges ranges) {
                return new Answer(ranges(transaction, ranges, scope), 0);
            } else if (command instanceof Sql.Insert insert) {
                return new Answer(List.of(), insert(transaction, insert, scope));
            } else if (command instanceof Sql.Update update) {
                return new Answer(List.of(), update(transaction, update, scope));
            } else {
                return new Answer(List.of(), delete(transaction, (Sql.Delete) command, scope));
            }
        } catch (SQLException e) {
            transaction.failed = true;
            throw e;
        }
    }

    private List<Table.Row> matching(Transaction transaction, Table table, Expression where, Scope scope) {
        List<Table.Row> found = new ArrayList<>();
        for (Table.Row row : table.rows.values()) {
            @Nullable Object[] seen = row.seenBy(transaction);
            if (seen != null) {
                scope.row = seen;
                if (Boolean.TRUE.equals(where.of(scope))) {
                    found.add(row);
                }
            }
        }
        return found;
    }

    private List<@Nullable Object[]> select(Transaction transaction, Sql.Select select, Scope scope)
            throws SQLException {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (Table.Row row : matching(transaction, table(select.table()), select.where(), scope)) {
            @Nullable Object[] seen = Objects.requireNonNull(row.seenBy(transaction));
            if (select.lock() == Sql.Lock.SHARE) {
                if (row.writer != null && row.writer != transaction) {
                    throw waitedTooLong(row);
                }
                transaction.share(row);
            } else if (select.lock() == Sql.Lock.FREE) {
                if (!row.mayBeWrittenBy(transaction)) {
                    continue;
                }
                transaction.write(table(select.table()), row, seen);
            }
            rows.add(seen);
        }
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

    /** The select once for each range, in the order of the ranges, which is that of the rows. */
    private List<@Nullable Object[]> ranges(Transaction transaction, Sql.Ranges ranges, Scope scope)
            throws SQLException {
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

    /** What each row of the answer is made of: one row; or those of a group, which are all where no group is named. */
    private static Collection<List<@Nullable Object[]>> groups(
            Sql.Select select, List<@Nullable Object[]> rows, Scope scope) {
        Expression by = select.group();
        if (by == null) {
            return select.aggregate()
                    ? List.of(rows)
                    : rows.stream().map(List::<@Nullable Object[]>of).toList();
        }
        Map<Object, List<@Nullable Object[]>> groups = new LinkedHashMap<>();
        for (@Nullable Object[] row : rows) {
            scope.row = row;
            groups.computeIfAbsent(Objects.requireNonNull(by.of(scope)), key -> new ArrayList<>())
                    .add(row);
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

    private int insert(Transaction transaction, Sql.Insert insert, Scope scope) throws SQLException {
        Table table = table(insert.table());
        transaction.lock(table);
        @Nullable Object[] row = new Object[table.columns.size()];
        table.number(row);
        table.fillIn(row);
        for (int i = 0; i < insert.columns().length; i++) {
            row[insert.columns()[i]] = insert.values().get(i).of(scope);
        }
        Table.Row clash = table.clash(row);
        if (clash != null) {
            if (clash.committed == null && clash.writer != transaction) {
                throw waitedTooLong(clash); // for who inserts the same and has not committed
            }
            if (clash.seenBy(transaction) == null) {
                transaction.write(table, clash, row); // deleted by this very transaction
                return 1;
            }
            if (insert.passingOver()) {
                return 0;
            }
            throw new SQLException("duplicate key in " + table.name + ": " + clash.key, "23505");
        }
        transaction.write(table, table.add(row), row);
        return 1;
    }

    private int update(Transaction transaction, Sql.Update update, Scope scope) throws SQLException {
        Table table = table(update.table());
        transaction.lock(table);
        List<Table.Row> rows = matching(transaction, table, update.where(), scope);
        for (Table.Row row : rows) {
            requireWritable(transaction, row);
            @Nullable Object[] seen = Objects.requireNonNull(row.seenBy(transaction));
            @Nullable Object[] changed = seen.clone();
            scope.row = seen;
            for (int i = 0; i < update.columns().length; i++) {
                changed[update.columns()[i]] = update.values().get(i).of(scope);
            }
            transaction.write(table, row, changed);
        }
        return rows.size();
    }

    private int delete(Transaction transaction, Sql.Delete delete, Scope scope) throws SQLException {
        Table table = table(delete.table());
        transaction.lock(table);
        List<Table.Row> rows = matching(transaction, table, delete.where(), scope);
        for (Table.Row row : rows) {
            requireWritable(transaction, row);
            transaction.write(table, row, null);
        }
        return rows.size();
    }

    private static void requireWritable(Transaction transaction, Table.Row row) throws SQLException {
        if (!row.mayBeWrittenBy(transaction)) {
            throw waitedTooLong(row);
        }
    }

    private static SQLException waitedTooLong(Table.Row row) {
        // Who tries again parks a moment first; this makes that moment end at once.
        LockSupport.unpark(Thread.currentThread());
        return new SQLException("waited too long for the row " + row.key, "55P03");
    }
}
