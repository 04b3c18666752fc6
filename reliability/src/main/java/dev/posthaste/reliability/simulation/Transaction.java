package dev.posthaste.reliability.simulation;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
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
    private final boolean keepsLocks;
    private final Map<Table.Row, Table> written = new LinkedHashMap<>();
    private final List<Table.Row> shared = new ArrayList<>();
    private boolean gaps;
    private final Set<Table> locked = new LinkedHashSet<>();
    private long number;
    /** What it reads from its first query on; null if each query sees what is committed by then. */
    @Nullable
    Snapshot snapshot;
    /** Whether it runs at READ COMMITTED while others run at REPEATABLE READ. */
    boolean readCommitted;
    /** After an error, it can only be rolled back. */
    boolean failed;

    private final Map<String, Mark> savepoints = new HashMap<>();

    /**
     * @param session the connection's own number
     * @param keepsLocks whether rolling back to a savepoint keeps the locks that were taken after it
     */
    Transaction(Node node, long session, boolean keepsLocks) {
        this.node = node;
        this.session = session;
        this.keepsLocks = keepsLocks;
    }

    /** A committed change; {@code before} is null for an insert, {@code after} for a delete. */
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

        /** The rest is for programs, and contains a process's random number. */
        private static @Nullable Object firstLine(@Nullable Object value) {
            return value instanceof String text ? text.lines().findFirst().orElse("") : value;
        }

        /** The row, and what has changed. */
        @Override
        public String toString() {
            @Nullable Object[] row = after == null ? before : after;
            StringBuilder text = new StringBuilder(table.name + " " + (row == null ? "" : table.key(row)));
            text.append(before == null ? " new" : after == null ? " deleted" : "");
            for (int i = 0; i < table.columns.size(); i++) {
                Object was = before == null ? null : before[i];
                Object is = after == null ? null : after[i];
                if (after != null && !Objects.equals(was, is)) {
                    text.append(' ').append(table.columns.get(i)).append('=').append(firstLine(is));
                }
            }
            return text.toString().replace('\0', ' ');
        }
    }

    /** Like PostgreSQL's virtual transaction id: a new one after each end. */
    String name() {
        return session + "/" + number;
    }

    /** Prevents inserts between two rows until it ends. */
    void lockGap(Table table, @Nullable Comparable<?> above, @Nullable Comparable<?> below) {
        table.gaps.hold(this, above, below);
        gaps = true;
        locked.add(table);
    }

    /** Takes the lock that every writer of a table holds until it ends. */
    void lock(Table table) {
        locked.add(table);
        table.writers.add(this);
    }

    boolean holdsGaps() {
        return gaps;
    }

    boolean wrote() {
        return !written.isEmpty();
    }

    /** Whether it holds anything that others wait for. */
    boolean open() {
        return !written.isEmpty() || !shared.isEmpty() || gaps;
    }

    void write(Table table, Table.Row row, @Nullable Object @Nullable [] version) {
        if (row.writer == null) {
            row.writer = this;
            table.changing.put(row.key, row);
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
            table.commit(row, after);
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
        written.forEach((row, table) -> {
            row.writer = null;
            row.pending = null;
            table.changing.remove(row.key);
        });
        for (Table.Row row : shared) {
            row.sharers.remove(this);
        }
        written.clear();
        shared.clear();
        for (Table table : locked) {
            table.writers.remove(this);
            table.gaps.release(this);
        }
        locked.clear();
        number++;
        snapshot = null;
        gaps = false;
        failed = false;
        savepoints.clear();
    }

    private static final String SAVEPOINT = "savepoint ";
    private static final String RELEASE = "release savepoint ";
    private static final String BACK_TO = "rollback to savepoint ";

    /**
     * Creates a savepoint, releases it or rolls back to it, if {@code sql} is such a command.
     *
     * @return whether it is
     */
    boolean savepoint(String sql) throws SQLException {
        if (sql.startsWith(BACK_TO)) {
            backTo(existing(sql.substring(BACK_TO.length())));
            return true;
        }
        boolean makes = sql.startsWith(SAVEPOINT);
        if (!makes && !sql.startsWith(RELEASE)) {
            return false;
        }
        requireUsable();
        if (makes) {
            savepoints.put(sql.substring(SAVEPOINT.length()), mark());
        } else {
            String name = sql.substring(RELEASE.length());
            existing(name);
            savepoints.remove(name);
        }
        return true;
    }

    void requireUsable() throws SQLException {
        if (failed) {
            throw new SQLException("the transaction has failed and can only be rolled back", "25P02");
        }
    }

    private Mark existing(String name) throws SQLException {
        Mark mark = savepoints.get(name);
        if (mark == null) {
            failed = true;
            throw new SQLException("the savepoint does not exist", "3B001");
        }
        return mark;
    }

    /** What it had written at a savepoint. */
    private record Mark(Map<Table.Row, Object> versions) {}

    private static final Object DELETED = new Object();

    private Mark mark() {
        Map<Table.Row, Object> versions = new LinkedHashMap<>();
        written.forEach((row, table) -> versions.put(row, row.pending == null ? DELETED : row.pending));
        return new Mark(versions);
    }

    /** Undoes what was written since then; InnoDB keeps locks taken since then. */
    private void backTo(Mark mark) {
        written.entrySet().removeIf(each -> {
            Table.Row row = each.getKey();
            Object before = mark.versions().get(row);
            @Nullable Object[] now = row.pending;
            if (before == null) {
                if (row.committed == null && now != null) {
                    each.getValue().remove(row, now);
                }
                if (keepsLocks && row.committed != null) {
                    row.pending = row.committed;
                    return false;
                }
                row.writer = null;
                row.pending = null;
                each.getValue().changing.remove(row.key);
                return true;
            }
            row.pending = before == DELETED ? null : (@Nullable Object[]) before;
            return false;
        });
        failed = false;
    }
}
