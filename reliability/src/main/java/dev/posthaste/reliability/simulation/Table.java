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
    /** The names of status columns, in Posthaste's tables and in others'. */
    static final Set<String> STATUS = Set.of("status", "state");

    private static final Set<String> IDS = Set.of("id", "seq");

    private static final TreeMap<Comparable<?>, Row> NONE = new TreeMap<>();

    private final int status;
    /** The rows by the status in their committed version; empty if there is no such column. */
    private final Map<Object, TreeMap<Comparable<?>, Row>> byStatus = new HashMap<>();
    /** The rows that some transaction has written or locked. */
    final TreeMap<Comparable<?>, Row> changing = new TreeMap<>();
    /** The last number that was assigned; {@link #step} is the distance to the next one. */
    private long lastId;

    private LongSupplier step = () -> 1;
    /** The transactions that hold a writer's lock on the table. */
    final Set<Transaction> writers = new LinkedHashSet<>();

    final GapLocks gaps = new GapLocks();

    /** @param unique the columns that are unique together besides the key, or none */
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

    /** Assigns the next number of an identity column: never reused, whatever happens to the transaction. */
    void number(@Nullable Object[] row) {
        if (key.length == 1 && IDS.contains(columns.get(key[0]))) {
            lastId += step.getAsLong();
            row[key[0]] = lastId;
        }
    }

    /** Numbers begin after {@code last}, at a distance of {@code step} from each other. */
    void numberFrom(long last, LongSupplier step) {
        lastId = last;
        this.step = step;
    }

    /** Sets the column whose default no statement names. */
    void fillIn(@Nullable Object[] row) {
        int generation = columns.indexOf("generation");
        if (generation >= 0) {
            row[generation] = 0L;
        }
    }

    Comparable<?> key(@Nullable Object[] row) {
        return key(row, key);
    }

    /** The key of the row whose first column is {@code value}; null if the key has more columns. */
    @Nullable
    Comparable<?> keyOf(Object value) {
        if (key.length > 1 || key[0] > 0) {
            return null;
        }
        return value instanceof Long id ? id : value + "\0";
    }

    /** Commits a row's version. */
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
     * @return null if these values are not the table's whole key
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
     * Every row with a key between the two, both included, that some transaction may see with this status, in order;
     * null means no such condition.
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
