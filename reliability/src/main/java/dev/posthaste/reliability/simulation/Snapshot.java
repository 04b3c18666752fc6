package dev.posthaste.reliability.simulation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction at REPEATABLE READ sees of all tables: what was committed at its first read, and its own changes.
 */
final class Snapshot {
    private final Map<Table, TreeMap<Comparable<?>, @Nullable Object[]>> committed = new IdentityHashMap<>();

    Snapshot(Collection<Table> tables) {
        for (Table table : tables) {
            TreeMap<Comparable<?>, @Nullable Object[]> rows = new TreeMap<>();
            for (Table.Row row : table.rows.values()) {
                @Nullable Object[] version = row.committed;
                if (version != null) {
                    rows.put(row.key, version);
                }
            }
            committed.put(table, rows);
        }
    }

    /** A row that the transaction has only locked is seen unchanged. */
    List<@Nullable Object[]> rows(Table table, Transaction transaction) {
        TreeMap<Comparable<?>, @Nullable Object[]> rows = new TreeMap<>(committed.get(table));
        for (Table.Row row : table.rows.values()) {
            @Nullable Object[] pending = row.pending;
            if (row.writer == transaction && pending != row.committed) {
                if (pending == null) {
                    rows.remove(row.key);
                } else {
                    rows.put(row.key, pending);
                }
            }
        }
        return new ArrayList<>(rows.values());
    }
}
