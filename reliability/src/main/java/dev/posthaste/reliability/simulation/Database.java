package dev.posthaste.reliability.simulation;

import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An in-memory database that behaves like PostgreSQL at READ COMMITTED: each statement sees what was committed before
 * it, and its own transaction's changes; ids are assigned when a row is inserted and become visible when it is
 * committed; a statement waits for a row that another transaction is changing, which here always ends in a lock
 * timeout.
 */
final class Database {
    static final String OUTBOX = "orders";
    static final String EFFECTS = "effects";
    static final String LEASES = "posthaste_lease";
    static final String AUDIT = "posthaste_audit";
    private static final Map<String, List<String>> COLUMNS = Map.of(
            OUTBOX,
            List.of(("id event_id event_type event_version event_key destination routing_key headers payload status "
                            + "attempts max_attempts next_attempt_at last_error created_at published_at consumed_at updated_at generation")
                    .split(" ")),
            ExistingTable.NAME,
            ExistingTable.COLUMNS,
            EFFECTS,
            List.of("id", "event_id", "event_key", "consumer", "part"),
            LEASES,
            List.of("outbox", "owner", "epoch", "expires_at", "paused_by"),
            "posthaste_relay",
            List.of("relay", "outbox", "expires_at", "definition"),
            "posthaste_inbox",
            List.of("consumer", "event_id", "handled_at"),
            AUDIT,
            List.of("id at change_id actor action outbox event_row event_id events reason detail".split(" ")));

    private final Map<String, Table> tables = new LinkedHashMap<>();
    /** Numbers the connections. */
    final AtomicLong sessions = new AtomicLong();

    private final String outbox;
    private final String errors;
    private final Queries queries;
    private final LongSupplier clock;
    private final BiConsumer<Node, List<Transaction.Change>> committed;
    /** Whether a deadlock rolls back the whole transaction, and any other error only its statement, as in InnoDB. */
    final boolean wholeRollbacks;
    /** Whether transactions see and lock the same as in InnoDB at REPEATABLE READ. */
    final boolean innodb;
    /** Whether the error column refuses characters beyond the Basic Multilingual Plane. */
    private final boolean strictTexts;

    /** @param committed receives every commit that changed something, with its node */
    Database(
            LongSupplier clock, World world, OutboxTable outbox, BiConsumer<Node, List<Transaction.Change>> committed) {
        this.clock = clock;
        this.wholeRollbacks = world.has(World.Trait.WHOLE_ROLLBACKS);
        this.innodb = world.has(World.Trait.INNODB);
        this.queries = new Queries(this, world.has(World.Trait.HOSTILE_TEXTS));
        this.strictTexts = world.has(World.Trait.STRICT_TEXTS);
        this.committed = committed;
        this.outbox = outbox.name();
        this.errors = outbox.has(Column.LAST_ERROR) ? outbox.layout().column(Column.LAST_ERROR) : "";
        add(
                outbox.name(),
                List.of(outbox.layout().column(Column.ID)),
                outbox.has(Column.EVENT_ID) ? List.of(outbox.layout().column(Column.EVENT_ID)) : List.of());
        add(EFFECTS, List.of("id"), List.of());
        add(LEASES, List.of("outbox"), List.of());
        add("posthaste_relay", List.of("relay", "outbox"), List.of());
        add("posthaste_inbox", List.of("consumer", "event_id"), List.of());
        add(AUDIT, List.of("id"), List.of("change_id", "outbox", "event_row"));
    }

    private void add(String name, List<String> key, List<String> unique) {
        tables.put(name, new Table(name, columns(name), key, unique));
    }

    static List<String> columns(String table) {
        List<String> columns = COLUMNS.get(table);
        if (columns == null) {
            throw new IllegalArgumentException("The simulated database has no table " + table);
        }
        return columns;
    }

    /** The outbox's table, whatever its name. */
    Table outbox() {
        return table(outbox);
    }

    Collection<Table> tables() {
        return tables.values();
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

    /**
     * The rows that a query found, with the names of their columns; for other statements the number of changed rows.
     */
    record StatementResult(List<String> labels, List<@Nullable Object[]> rows, int changed) {
        StatementResult(int changed) {
            this(List.of(), List.of(), changed);
        }
    }

    StatementResult run(Transaction transaction, String sql, @Nullable Object[] parameters) throws SQLException {
        if (transaction.savepoint(sql)) {
            return new StatementResult(0);
        }
        transaction.requireUsable();
        Sql.Command command = Sql.parse(sql);
        Scope scope = new Scope(parameters, clock.getAsLong(), transaction.node.skew);
        try {
            if (command instanceof Sql.Select select) {
                return new StatementResult(select.labels(), queries.select(transaction, select, scope), 0);
            } else if (command instanceof Sql.Value value) {
                return new StatementResult(
                        List.of("value"),
                        List.<@Nullable Object[]>of(new Object[] {value.value().of(scope)}),
                        0);
            } else if (command instanceof Sql.Edge edge) {
                return new StatementResult(
                        List.of("edge"),
                        List.<@Nullable Object[]>of(
                                Queries.edge(queries.select(transaction, edge.stretch(), scope), edge.highest())),
                        0);
            } else if (command instanceof Sql.Ranges ranges) {
                return new StatementResult(ranges.each().labels(), queries.ranges(transaction, ranges, scope), 0);
            } else if (command instanceof Sql.Insert insert) {
                return new StatementResult(insert(transaction, insert, scope));
            } else if (command instanceof Sql.Update update) {
                return new StatementResult(update(transaction, update, scope));
            } else {
                return new StatementResult(delete(transaction, (Sql.Delete) command, scope));
            }
        } catch (SQLException e) {
            transaction.failed = !wholeRollbacks;
            throw e;
        }
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
                throw Queries.waitedTooLong(clash); // for the transaction that inserts the same and has not committed
            }
            if (clash.seenBy(transaction) == null) {
                transaction.write(table, clash, row); // deleted by this very transaction
                return 1;
            }
            if (innodb && clash.key.equals(table.key(row))) {
                Queries.share(transaction, clash); // InnoDB locks a duplicate that an insert finds
            }
            if (insert.passingOver()) {
                return 0;
            }
            throw new SQLException("duplicate key in " + table.name + ": " + clash.key, "23505");
        }
        Transaction holder = table.gaps.holder(table.key(row), transaction);
        if (holder != null) {
            throw Queries.waitedTooLong("the gap that " + holder.node + " holds");
        }
        transaction.write(table, table.add(row), row);
        return 1;
    }

    private int update(Transaction transaction, Sql.Update update, Scope scope) throws SQLException {
        Table table = table(update.table());
        transaction.lock(table);
        queries.lockNamed(transaction, table, update.where(), false, scope);
        List<Table.Row> rows = queries.matching(transaction, table, update.where(), scope);
        List<@Nullable Object[]> versions = new ArrayList<>();
        for (Table.Row row : rows) { // all of them or none
            Queries.requireWritable(transaction, row);
            @Nullable Object[] seen = Objects.requireNonNull(row.seenBy(transaction));
            @Nullable Object[] changed = seen.clone();
            scope.row = seen;
            for (int i = 0; i < update.columns().length; i++) {
                changed[update.columns()[i]] = update.values().get(i).of(scope);
            }
            requireStorable(table, changed);
            versions.add(changed);
        }
        for (int i = 0; i < versions.size(); i++) {
            transaction.write(table, rows.get(i), versions.get(i));
        }
        return rows.size();
    }

    private int delete(Transaction transaction, Sql.Delete delete, Scope scope) throws SQLException {
        Table table = table(delete.table());
        transaction.lock(table);
        queries.lockNamed(transaction, table, delete.where(), false, scope);
        List<Table.Row> rows = queries.matching(transaction, table, delete.where(), scope);
        for (Table.Row row : rows) {
            Queries.requireWritable(transaction, row);
        }
        rows.forEach(row -> transaction.write(table, row, null));
        return rows.size();
    }

    private void requireStorable(Table table, @Nullable Object[] row) throws SQLException {
        int column = strictTexts && table == outbox() ? table.columns.indexOf(errors) : -1;
        if (column >= 0
                && row[column] instanceof String text
                && text.codePoints().anyMatch(Character::isSupplementaryCodePoint)) {
            throw new SQLException("the column cannot store the character", "22021");
        }
    }

    /** Whether a statement waits for what another transaction has locked. */
    static boolean isLockWait(SQLException e) {
        return "55P03".equals(e.getSQLState());
    }
}
