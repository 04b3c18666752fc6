package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.store.Pending;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.PendingRef;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads events with their contents, on the connection it is given. Thread-safe. */
public final class RowReads {
    private static final int MIN_ROWS = 16;
    private static final long MIN_AVERAGE = 64;
    private static final long MAX_LOAD_BYTES = 1 << 20;

    private final RowSql sql;
    private final EventRow eventRow;
    private final PlanChoice plan;
    private volatile long averageBytes = 4_096;

    public RowReads(Dialect dialect, OutboxDefinition outbox) {
        this(new RowSql(dialect, outbox));
    }

    RowReads(RowSql sql) {
        this(sql, new PlanChoice(sql));
    }

    RowReads(RowSql sql, PlanChoice plan) {
        this.sql = sql;
        this.eventRow = new EventRow(sql);
        this.plan = plan;
    }

    private static final String FETCH = """
            select %s
            from {table:pending} where {status} = {pending} and {position} > ?
            order by {order} {limit}
            """.formatted(EventRow.COLUMNS_IF_DUE);

    /** @param maxBytes as in {@link dev.posthaste.internal.store.OutboxStore#fetch} */
    List<Pending> fetch(Connection connection, long after, int limit, long maxBytes) throws SQLException {
        String text = plan.text(connection, FETCH);
        Batch batch = new Batch(maxBytes);
        long from = after;
        boolean more = true;
        while (more && batch.size() < limit) {
            int rows = batch.nextRead(limit - batch.size());
            try (PreparedStatement statement = connection.prepareStatement(text)) {
                statement.setLong(1, from);
                statement.setInt(2, rows);
                more = batch.read(statement, true) == rows && !batch.isFull();
            }
            from = batch.lastId(from);
        }
        return batch.pending(connection);
    }

    /** The statement that finds work, for plans and their tests. */
    public String fetchStatement() {
        return sql.text(FETCH);
    }

    private static final String LOAD = """
            select %s
            from {table:id} where {status in pending} and {id in ids}
            order by {id}
            """.formatted(EventRow.COLUMNS);

    /** Those of {@code ids} that are pending, as {@link #fetch} reads them, but also those that are not due. */
    List<PendingEvent> load(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        return load(connection, sql.text(LOAD), ids, maxBytes);
    }

    private static final String LOAD_ANY = """
            select %s
            from {table:id} where {id in ids}
            order by {id}
            """.formatted(EventRow.COLUMNS);

    /** The same, whatever their status. */
    List<PendingEvent> loadAny(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        return load(connection, sql.text(LOAD_ANY), ids, maxBytes);
    }

    private List<PendingEvent> load(Connection connection, String text, Collection<Long> ids, long maxBytes)
            throws SQLException {
        List<Long> inOrder = ids.stream().distinct().sorted().toList();
        Batch batch = new Batch(maxBytes);
        for (int from = 0; from < inOrder.size() && !batch.isFull(); ) {
            int to = from + batch.nextRead(inOrder.size() - from);
            try (PreparedStatement statement = sql.prepare(connection, text, inOrder.subList(from, to))) {
                batch.read(statement, false);
            }
            from = to;
        }
        return batch.pending(connection).stream().map(PendingEvent.class::cast).toList();
    }

    /**
     * Events as they are read, in id order. Small contents come with the rows; larger ones are loaded afterwards, about a
     * megabyte at a time, so that neither the driver nor this class ever holds much more than is asked for.
     */
    private final class Batch {
        private final long maxBytes;
        private final List<Pending> found = new ArrayList<>();
        /** The positions in {@link #found} of events whose contents must be loaded, and their sizes in bytes. */
        private final Map<Integer, Long> large = new LinkedHashMap<>();

        private long bytes;
        private boolean full;

        Batch(long maxBytes) {
            this.maxBytes = maxBytes;
        }

        int size() {
            return found.size();
        }

        boolean isFull() {
            return full;
        }

        long lastId(long other) {
            return found.isEmpty() ? other : found.get(found.size() - 1).id();
        }

        /** How many rows to ask for, so that hardly more of them come than there is room for. */
        int nextRead(int most) {
            long fitting = (maxBytes - bytes) / Math.max(1, averageBytes) + 1;
            return (int) Math.min(most, Math.max(MIN_ROWS, fitting));
        }

        /** @return how many rows there were, up to the one that there was no room for */
        int read(PreparedStatement statement, boolean refersToWhatIsNotDue) throws SQLException {
            if (!statement.getConnection().getAutoCommit() || !sql.dialect.streamsInTransactionOnly()) {
                statement.setFetchSize(sql.dialect.streamingFetchSize());
            }
            int count = 0;
            long before = bytes;
            try (ResultSet rows = statement.executeQuery()) {
                EventRow.Reader reader = null; // most reads of an idle outbox find nothing
                while (!full && rows.next()) {
                    count++;
                    reader = reader == null ? eventRow.of(rows) : reader;
                    add(reader, refersToWhatIsNotDue);
                }
            }
            if (count > 0) {
                averageBytes = Math.max(MIN_AVERAGE, (bytes - before) / count);
            }
            return count;
        }

        private void add(EventRow.Reader row, boolean refersToWhatIsNotDue) throws SQLException {
            PendingEvent event = row.event();
            if (refersToWhatIsNotDue && event.waitNanos() > 0) {
                found.add(new PendingRef(event.id(), event.key(), event.waitNanos()));
                return;
            }
            long size = event.event().defect() == null ? row.contentBytes() : 0;
            if (size > maxBytes - bytes && !found.isEmpty()) {
                full = true;
                bytes += size; // counts for the average: this one did not fit
                return;
            }
            bytes += size;
            if (size > EventRow.MAX_INLINE_BYTES) {
                large.put(found.size(), size);
            }
            found.add(event);
        }

        /** All of them with their contents, without those whose rows have gone meanwhile. */
        List<Pending> pending(Connection connection) throws SQLException {
            List<Integer> some = new ArrayList<>();
            long sum = 0;
            for (Map.Entry<Integer, Long> each : List.copyOf(large.entrySet())) {
                if (!some.isEmpty() && sum + each.getValue() > MAX_LOAD_BYTES) {
                    loadContents(connection, some);
                    some.clear();
                    sum = 0;
                }
                some.add(each.getKey());
                sum += each.getValue();
            }
            loadContents(connection, some);
            List<Integer> gone = new ArrayList<>(large.keySet());
            for (int i = gone.size() - 1; i >= 0; i--) {
                found.remove((int) gone.get(i));
            }
            return found;
        }

        private void loadContents(Connection connection, List<Integer> places) throws SQLException {
            if (places.isEmpty()) {
                return;
            }
            Map<Long, Integer> placeOf = new HashMap<>();
            places.forEach(place -> placeOf.put(found.get(place).id(), place));
            String text = sql.text("""
                    select {id}[, {headers}], {payload} from {table:id} where {id in ids}
                    order by {id}
                    """);
            try (PreparedStatement statement = sql.prepare(connection, text, placeOf.keySet());
                    ResultSet rows = statement.executeQuery()) {
                EventRow.Contents contents = eventRow.contents(rows);
                while (rows.next()) {
                    Integer place = placeOf.get(contents.id());
                    if (place != null && found.get(place) instanceof PendingEvent event) {
                        found.set(place, contents.into(event));
                        large.remove(place);
                    }
                }
            }
        }
    }
}
