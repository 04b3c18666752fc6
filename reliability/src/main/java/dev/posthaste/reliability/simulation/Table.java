package dev.posthaste.reliability.simulation;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A table: rows by key, each with its committed version and at most one that a transaction has not committed yet. */
final class Table {
    final String name;
    final List<String> columns;
    private final int[] key;
    private final int unique;
    final TreeMap<Comparable<?>, Row> rows = new TreeMap<>();
    final Map<Object, Row> byUnique = new HashMap<>();
    private long lastId;

    /** @param unique the column that is unique beside the key, or null */
    /** The transactions that have a writer's lock on it. */
    final Set<Transaction> writers = new LinkedHashSet<>();

    Table(String name, List<String> columns, List<String> key, @Nullable String unique) {
        this.name = name;
        this.columns = columns;
        this.key = key.stream().mapToInt(columns::indexOf).toArray();
        this.unique = unique == null ? -1 : columns.indexOf(unique);
    }

    /** A row, and who is changing or sharing it. */
    static final class Row {
        final Comparable<?> key;

        @Nullable
        Object @Nullable [] committed;

        @Nullable
        Object @Nullable [] pending;

        @Nullable
        Transaction writer;

        Set<Transaction> sharers = Set.of();

        Row(Comparable<?> key) {
            this.key = key;
        }

        @Nullable
        Object @Nullable [] seenBy(Transaction transaction) {
            return writer == transaction ? pending : committed;
        }

        boolean mayBeWrittenBy(Transaction transaction) {
            return (writer == null || writer == transaction)
                    && (sharers.isEmpty() || (sharers.size() == 1 && sharers.contains(transaction)));
        }

        void share(Transaction transaction) {
            if (sharers.isEmpty()) {
                sharers = new HashSet<>();
            }
            sharers.add(transaction);
        }
    }

    /** The next number of an identity column: taken for ever, whatever becomes of the transaction. */
    void number(@Nullable Object[] row) {
        if (key.length == 1 && columns.get(key[0]).equals("id")) {
            row[key[0]] = ++lastId;
        }
    }

    /** The column that has a default which no statement names. */
    void fillIn(@Nullable Object[] row) {
        int generation = columns.indexOf("generation");
        if (generation >= 0) {
            row[generation] = 0L;
        }
    }

    Comparable<?> key(@Nullable Object[] row) {
        if (key.length == 1 && row[key[0]] instanceof Long id) {
            return id;
        }
        StringBuilder joined = new StringBuilder();
        for (int column : key) {
            joined.append(row[column]).append('\0');
        }
        return joined.toString();
    }

    @Nullable
    Row clash(@Nullable Object[] row) {
        Row clash = rows.get(key(row));
        return clash == null && unique >= 0 ? byUnique.get(row[unique]) : clash;
    }

    Row add(@Nullable Object[] row) {
        Row added = new Row(key(row));
        rows.put(added.key, added);
        if (unique >= 0) {
            byUnique.put(row[unique], added);
        }
        return added;
    }

    void remove(Row row, @Nullable Object[] last) {
        rows.remove(row.key);
        if (unique >= 0) {
            byUnique.remove(last[unique]);
        }
    }
}
