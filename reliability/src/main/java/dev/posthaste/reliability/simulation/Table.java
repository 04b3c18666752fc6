package dev.posthaste.reliability.simulation;

import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A table: rows by key, each with its committed version and at most one that a transaction has not committed yet. */
final class Table {
    final String name;
    final List<String> columns;
    private final int[] key;
    private final int[] unique;
    final TreeMap<Comparable<?>, Row> rows = new TreeMap<>();
    final Map<Object, Row> byUnique = new HashMap<>();
    /** What a column with the status is called, in Posthaste's tables and in others'. */
    static final Set<String> STATUS = Set.of("status", "state");

    private static final Set<String> IDS = Set.of("id", "seq");

    private static final TreeMap<Comparable<?>, Row> NONE = new TreeMap<>();

    private final int status;
    /** By status, the rows that have it by their committed version; none where there is no such column. */
    private final Map<Object, TreeMap<Comparable<?>, Row>> byStatus = new HashMap<>();
    /** The rows that some transaction has written or locked. */
    final TreeMap<Comparable<?>, Row> changing = new TreeMap<>();
    /** The last number that was given, and how far the next one is away. */
    private long lastId;

    private LongSupplier step = () -> 1;
    /** The transactions that have a writer's lock on it. */
    final Set<Transaction> writers = new LinkedHashSet<>();

    final GapLocks gaps = new GapLocks();

    /** @param unique the columns that are unique together beside the key, or none */
    Table(String name, List<String> columns, List<String> key, List<String> unique) {
        this.name = name;
        this.columns = columns;
        this.key = key.stream().mapToInt(columns::indexOf).toArray();
        this.unique = unique.stream().mapToInt(columns::indexOf).toArray();
        this.status = columns.indexOf(
                columns.stream().filter(STATUS::contains).findFirst().orElse(""));
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
        if (key.length == 1 && IDS.contains(columns.get(key[0]))) {
            lastId += step.getAsLong();
            row[key[0]] = lastId;
        }
    }

    /** Numbers begin after {@code last}, and each is {@code step} away from the one before. */
    void numberFrom(long last, LongSupplier step) {
        lastId = last;
        this.step = step;
    }

    /** The column that has a default which no statement names. */
    void fillIn(@Nullable Object[] row) {
        int generation = columns.indexOf("generation");
        if (generation >= 0) {
            row[generation] = 0L;
        }
    }

    Comparable<?> key(@Nullable Object[] row) {
        return key(row, key);
    }

    /** The key of the row whose first column is {@code value}; null where the key is more than that column. */
    @Nullable
    Comparable<?> keyOf(Object value) {
        if (key.length > 1 || key[0] > 0) {
            return null;
        }
        return value instanceof Long id ? id : value + "\0";
    }

    /** A row's version is committed. */
    void commit(Row row, @Nullable Object @Nullable [] version) {
        @Nullable Object[] before = row.committed;
        row.committed = version;
        if (status >= 0 && before != version) {
            if (before != null && before[status] != null) {
                Objects.requireNonNull(byStatus.get(before[status])).remove(row.key);
            }
            if (version != null && version[status] != null) {
                byStatus.computeIfAbsent(version[status], each -> new TreeMap<>())
                        .put(row.key, row);
            }
        }
    }

    /**
     * The rows of one key or of a list of them, in order.
     *
     * @return null where the table's key is not what is named
     */
    @Nullable
    Collection<Row> named(@Nullable Object keys) {
        TreeMap<Comparable<?>, Row> found = new TreeMap<>();
        for (Object each : keys instanceof List<?> list ? list : Collections.singletonList(keys)) {
            Comparable<?> its = each == null ? null : keyOf(each);
            if (its == null) {
                return null;
            }
            Row row = rows.get(its);
            if (row != null) {
                found.put(its, row);
            }
        }
        return found.values();
    }

    /**
     * Every row whose key lies between two, both included, and that anybody may see with the status, in order; with null
     * for what does not matter.
     */
    Collection<Row> between(@Nullable Object low, @Nullable Object high, @Nullable Object status) {
        if (status == null || this.status < 0) {
            return range(rows, low, high).values();
        }
        NavigableMap<Comparable<?>, Row> having = range(byStatus.getOrDefault(status, NONE), low, high);
        NavigableMap<Comparable<?>, Row> changed = range(changing, low, high);
        if (changed.isEmpty()) {
            return having.values();
        }
        TreeMap<Comparable<?>, Row> all = new TreeMap<>(having);
        all.putAll(changed);
        return all.values();
    }

    private static NavigableMap<Comparable<?>, Row> range(
            TreeMap<Comparable<?>, Row> all, @Nullable Object low, @Nullable Object high) {
        if (!(low == null || low instanceof Long) || !(high == null || high instanceof Long)) {
            return all;
        }
        Long from = (Long) low;
        Long to = (Long) high;
        if (from != null && to != null) {
            return from > to ? NONE : all.subMap(from, true, to, true);
        }
        return from != null ? all.tailMap(from, true) : to != null ? all.headMap(to, true) : all;
    }

    private static Comparable<?> key(@Nullable Object[] row, int[] columns) {
        if (columns.length == 1 && row[columns[0]] instanceof Long id) {
            return id;
        }
        StringBuilder joined = new StringBuilder();
        for (int column : columns) {
            joined.append(row[column]).append('\0');
        }
        return joined.toString();
    }

    @Nullable
    Row clash(@Nullable Object[] row) {
        Row clash = rows.get(key(row));
        return clash == null && unique.length > 0 ? byUnique.get(key(row, unique)) : clash;
    }

    Row add(@Nullable Object[] row) {
        Row added = new Row(key(row));
        rows.put(added.key, added);
        if (unique.length > 0) {
            byUnique.put(key(row, unique), added);
        }
        return added;
    }

    void remove(Row row, @Nullable Object[] last) {
        rows.remove(row.key);
        if (unique.length > 0) {
            byUnique.remove(key(last, unique));
        }
    }
}
