package dev.posthaste.reliability.simulation;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a connection has done since it last committed. */
final class Transaction {
    final Node node;
    private final long session;
    private final Map<Table.Row, Table> written = new LinkedHashMap<>();
    private final List<Table.Row> shared = new ArrayList<>();
    private final Set<Table> locked = new LinkedHashSet<>();
    private long number;
    /** After an error nothing more is done but roll back. */
    boolean failed;
    /** Whether there is a savepoint, of which there is one at most. */
    boolean savepoint;

    /** @param session a number of the connection's own */
    Transaction(Node node, long session) {
        this.node = node;
        this.session = session;
    }

    /** A committed change: from nothing when it was inserted, to nothing when it was deleted. */
    record Change(
            Table table,
            @Nullable Object @Nullable [] before,
            @Nullable Object @Nullable [] after) {
        @Nullable
        Object before(String column) {
            return before == null ? null : before[table.columns.indexOf(column)];
        }

        @Nullable
        Object after(String column) {
            return after == null ? null : after[table.columns.indexOf(column)];
        }

        /** The row, and what is different. */
        @Override
        public String toString() {
            @Nullable Object[] row = after == null ? before : after;
            StringBuilder text = new StringBuilder(table.name + " " + (row == null ? "" : table.key(row)));
            text.append(before == null ? " new" : after == null ? " deleted" : "");
            for (int i = 0; i < table.columns.size(); i++) {
                Object was = before == null ? null : before[i];
                Object is = after == null ? null : after[i];
                if (after != null && !Objects.equals(was, is)) {
                    text.append(' ').append(table.columns.get(i)).append('=').append(is);
                }
            }
            return text.toString().replace('\0', ' ');
        }
    }

    /** As PostgreSQL's virtual transaction: another one after each end. */
    String name() {
        return session + "/" + number;
    }

    /** Takes the lock that every writer of a table has until it ends. */
    void lock(Table table) {
        locked.add(table);
        table.writers.add(this);
    }

    boolean wrote() {
        return !written.isEmpty();
    }

    /** Whether it holds anything that others wait for. */
    boolean open() {
        return !written.isEmpty() || !shared.isEmpty();
    }

    void write(Table table, Table.Row row, @Nullable Object @Nullable [] version) {
        if (row.writer == null) {
            row.writer = this;
            written.put(row, table);
        }
        row.pending = version;
    }

    void share(Table.Row row) {
        row.share(this);
        shared.add(row);
    }

    List<Change> commit() {
        List<Change> changes = new ArrayList<>();
        written.forEach((row, table) -> {
            @Nullable Object[] before = row.committed;
            @Nullable Object[] after = row.pending;
            row.committed = after;
            if (before != after) { // not only locked
                changes.add(new Change(table, before, after));
            }
            if (after == null && before != null) {
                table.remove(row, before);
            }
        });
        end();
        return changes;
    }

    void rollback() {
        written.forEach((row, table) -> {
            @Nullable Object[] pending = row.pending;
            if (row.committed == null && pending != null) {
                table.remove(row, pending);
            }
        });
        end();
    }

    private void end() {
        for (Table.Row row : written.keySet()) {
            row.writer = null;
            row.pending = null;
        }
        for (Table.Row row : shared) {
            row.sharers.remove(this);
        }
        written.clear();
        shared.clear();
        locked.forEach(table -> table.writers.remove(this));
        locked.clear();
        number++;
        failed = false;
        savepoint = false;
    }

    void requireSavepoint() throws SQLException {
        if (!savepoint) {
            failed = true;
            throw new SQLException("the savepoint does not exist", "3B001");
        }
    }
}
