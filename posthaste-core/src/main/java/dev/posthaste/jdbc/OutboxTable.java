package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.format.Envelope;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import dev.posthaste.journal.IdRange;
import dev.posthaste.journal.Journal.DeadEvent;
import dev.posthaste.journal.Pending;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.StoredEvent;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads an outbox's table, on the connection it is given. Thread-safe. */
public final class OutboxTable {
    private static final int MANY = 5_000;
    private static final long LOOK_NANOS = 1_000_000_000L;
    private static final int MAX_RANGES = 500;
    private static final int FEWEST_ROWS = 16;
    private static final long MIN_AVERAGE = 64;
    private static final long MAX_LOAD_BYTES = 1 << 20;
    private static final int CONTENT_BYTES = 12;
    private static final int NAMES_BYTES = 13;
    private static final int GENERATION = 16;
    /** How far back from the newest row a consumed one is looked for. */
    private static final long MAX_LOOK_BACK = 100_000;

    private final Dialect dialect;
    private final OutboxDefinition outbox;
    private final TableLayout layout;
    private final OutboxStatements statements;
    private final boolean choosesPlans;
    private final String fetch;
    private final String scan;
    private final String load;
    private final String loadAny;
    private final String contents;
    private final IdIndex idIndex;
    private volatile @Nullable PendingCount pendingCount;
    private volatile long averageBytes = 4_096;

    public OutboxTable(Dialect dialect, OutboxDefinition outbox) {
        this.dialect = dialect;
        this.outbox = outbox;
        this.layout = outbox.table();
        this.statements = new OutboxStatements(dialect, layout);
        this.choosesPlans =
                layout.pendingIndex() == null && !dialect.primaryKeyHint().isEmpty();
        this.fetch = statements.fetch();
        this.scan = statements.scan();
        this.load = statements.load();
        this.loadAny = statements.loadAny();
        this.contents = statements.contents();
        this.idIndex = new IdIndex(dialect, layout);
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    /** @param maxBytes as in {@link dev.posthaste.journal.Journal#fetch} */
    List<Pending> fetch(Connection connection, long after, int limit, long maxBytes) throws SQLException {
        String sql = hasManyPending(connection) ? statements.fetchByPrimaryKey() : fetch;
        Batch batch = new Batch(maxBytes);
        long from = after;
        boolean more = true;
        while (more && batch.size() < limit) {
            int rows = batch.nextRead(limit - batch.size());
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setLong(1, from);
                statement.setInt(2, rows);
                more = batch.read(statement, true) == rows && !batch.isFull();
            }
            from = batch.lastId(from);
        }
        return batch.pending(connection);
    }

    /** Those of {@code ids} that are pending, as {@link #fetch} reads them, but also those that are not due. */
    List<PendingEvent> load(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        return load(connection, load, ids, maxBytes);
    }

    /** The same whatever their status is. */
    List<PendingEvent> loadAny(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        return load(connection, loadAny, ids, maxBytes);
    }

    private List<PendingEvent> load(Connection connection, String sql, Collection<Long> ids, long maxBytes)
            throws SQLException {
        List<Long> inOrder = ids.stream().distinct().sorted().toList();
        Batch batch = new Batch(maxBytes);
        for (int from = 0; from < inOrder.size() && !batch.isFull(); ) {
            int to = from + batch.nextRead(inOrder.size() - from);
            try (PreparedStatement statement = prepareWithIds(connection, sql, inOrder.subList(from, to))) {
                batch.read(statement, false);
            }
            from = to;
        }
        return batch.pending(connection).stream().map(PendingEvent.class::cast).toList();
    }

    private PreparedStatement prepareWithIds(Connection connection, String template, Collection<Long> ids)
            throws SQLException {
        return dialect.prepareWithIds(connection, idIndex.apply(connection, template), ids);
    }

    List<PendingMark> scan(Connection connection, long after, long through, int limit) throws SQLException {
        String sql = hasManyPending(connection) ? statements.scanByPrimaryKey() : scan;
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, after);
            statement.setLong(2, through);
            statement.setInt(3, limit);
            return marks(statement);
        }
    }

    /** @param ranges in id order, not overlapping */
    List<PendingMark> scan(Connection connection, List<IdRange> ranges, int limit) throws SQLException {
        List<PendingMark> marks = new ArrayList<>();
        for (int from = 0; from < ranges.size() && marks.size() < limit; from += MAX_RANGES) {
            List<IdRange> some = ranges.subList(from, Math.min(from + MAX_RANGES, ranges.size()));
            marks.addAll(scanSome(connection, some, limit - marks.size()));
        }
        return marks;
    }

    private List<PendingMark> scanSome(Connection connection, List<IdRange> ranges, int limit) throws SQLException {
        String sql = hasManyPending(connection) ? statements.scanRangesByPrimaryKey() : statements.scanRanges();
        if (dialect.bindsRanges()) {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setArray(1, bigints(connection, ranges, IdRange::first));
                statement.setArray(2, bigints(connection, ranges, IdRange::last));
                statement.setInt(3, limit);
                statement.setInt(4, limit);
                return marks(statement);
            }
        }
        List<PendingMark> marks = new ArrayList<>();
        int step = dialect.unitesRanges() ? ranges.size() : 1;
        for (int from = 0; from < ranges.size() && marks.size() < limit; from += step) {
            String list = ranges.subList(from, from + step).stream()
                    .map(range -> statements.range(range.first(), range.last()))
                    .collect(Collectors.joining(" or "));
            try (PreparedStatement statement = connection.prepareStatement(sql.replace("%s", list))) {
                statement.setInt(1, limit - marks.size());
                marks.addAll(marks(statement));
            }
        }
        return marks;
    }

    private static Array bigints(Connection connection, List<IdRange> ranges, ToLongFunction<IdRange> end)
            throws SQLException {
        return connection.createArrayOf(
                "bigint", ranges.stream().map(end::applyAsLong).toArray());
    }

    private static List<PendingMark> marks(PreparedStatement statement) throws SQLException {
        List<PendingMark> marks = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                marks.add(new PendingMark(rows.getLong(1), noneIfEmpty(text(rows, 2)), rows.getLong(3)));
            }
        }
        return marks;
    }

    private static @Nullable String text(ResultSet row, int column) throws SQLException {
        try {
            return row.getString(column);
        } catch (SQLException e) {
            if (Dialect.isDisconnected(e)) {
                throw e;
            }
            return null; // it cannot be read, and makes the event defective when it is read with its contents
        }
    }

    /**
     * In a table that has no index of Posthaste's, the database finds a few pending rows by an index on the status; of many
     * it would sort them all, where the primary key has them in order. Looked at once a second at most.
     */
    private boolean hasManyPending(Connection connection) throws SQLException {
        if (!choosesPlans) {
            return false;
        }
        PendingCount known = pendingCount;
        long now = System.nanoTime();
        if (known == null || now - known.at() > LOOK_NANOS) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(statements.countPendingUpTo(MANY))) {
                rows.next();
                known = new PendingCount(rows.getInt(1) == MANY, now);
                pendingCount = known;
            }
        }
        return known.many();
    }

    private record PendingCount(boolean many, long at) {}

    /**
     * Events as they are read, in id order. Small contents come with the rows; larger ones are loaded afterwards, about a
     * megabyte at a time, so that neither the driver nor this class ever holds much more than is asked for.
     */
    private final class Batch {
        private final long maxBytes;
        private final List<Pending> found = new ArrayList<>();
        /** Where in {@link #found} events are whose contents must be loaded, and how many bytes they have. */
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
            return (int) Math.min(most, Math.max(FEWEST_ROWS, fitting));
        }

        /** @return how many rows there were, up to the one that there was no room for */
        int read(PreparedStatement statement, boolean marksWhatIsNotDue) throws SQLException {
            if (!statement.getConnection().getAutoCommit() || !dialect.streamsInTransactionOnly()) {
                statement.setFetchSize(dialect.streamingFetchSize());
            }
            int count = 0;
            long before = bytes;
            try (ResultSet rows = statement.executeQuery()) {
                while (!full && rows.next()) {
                    count++;
                    add(rows, marksWhatIsNotDue);
                }
            }
            if (count > 0) {
                averageBytes = Math.max(MIN_AVERAGE, (bytes - before) / count);
            }
            return count;
        }

        private void add(ResultSet row, boolean marksWhatIsNotDue) throws SQLException {
            PendingEvent event = event(row);
            if (marksWhatIsNotDue && event.waitNanos() > 0) {
                found.add(new PendingMark(event.id(), event.key(), event.waitNanos()));
                return;
            }
            long size = event.event().defect() == null ? row.getLong(CONTENT_BYTES) : 0;
            if (size > maxBytes - bytes && !found.isEmpty()) {
                full = true;
                bytes += size; // counts for the average: it was this one that did not fit
                return;
            }
            bytes += size;
            if (size > OutboxStatements.MAX_INLINE_BYTES) {
                large.put(found.size(), size);
            }
            found.add(event);
        }

        /** All of them with their contents, without those whose rows are gone meanwhile. */
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
            try (PreparedStatement statement = prepareWithIds(connection, contents, placeOf.keySet());
                    ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    Integer place = placeOf.get(rows.getLong(1));
                    if (place != null && found.get(place) instanceof PendingEvent event) {
                        found.set(place, withContents(event, rows));
                        large.remove(place);
                    }
                }
            }
        }

        private PendingEvent withContents(PendingEvent event, ResultSet row) throws SQLException {
            StoredEvent stored = event.event();
            try {
                byte[] payload = row.getBytes(3);
                stored = payload == null
                        ? stored.defective("its payload is null")
                        : complete(stored.with(row.getString(2), payload));
            } catch (SQLException | RuntimeException | StackOverflowError e) {
                stored = defective(stored, e);
            }
            return new PendingEvent(
                    stored,
                    event.attempts(),
                    event.maxAttempts(),
                    event.generation(),
                    event.waitNanos(),
                    event.ageNanos());
        }
    }

    /** One row. Whatever is wrong with it makes the event defective; it must never keep others from being read. */
    private PendingEvent event(ResultSet row) throws SQLException {
        long id = row.getLong(1);
        int attempts = 0;
        Integer maxAttempts = null;
        Integer generation = null;
        long wait = 0;
        long age = 0;
        StoredEvent event = new StoredEvent(
                id, StoredEvent.idOfRow(outbox.name(), id), "", "v1", null, null, null, null, new byte[0]);
        try {
            attempts = Math.toIntExact(row.getLong(8)); // one driver's getInt cuts a number that is too large
            wait = row.getLong(10);
            age = row.getLong(11);
            maxAttempts = row.getInt(9) == 0 ? null : Integer.valueOf(row.getInt(9));
            generation = layout.has(Column.GENERATION) ? Integer.valueOf(row.getInt(GENERATION)) : null;
            event = stored(row, event);
        } catch (SQLException | RuntimeException | StackOverflowError e) {
            event = defective(event, e);
        }
        return new PendingEvent(event, attempts, maxAttempts, generation, wait, age);
    }

    private StoredEvent stored(ResultSet row, StoredEvent unnamed) throws SQLException {
        if (row.getLong(NAMES_BYTES) > OutboxStatements.MAX_NAMES_BYTES) {
            return unnamed.defective("its id, type, version, key, destination and routing key have "
                    + row.getLong(NAMES_BYTES) + " bytes; at most " + OutboxStatements.MAX_NAMES_BYTES + " are read");
        }
        String eventId = noneIfEmpty(row.getString(2));
        String type = row.getString(3);
        String version = row.getString(4);
        String destination = noneIfEmpty(row.getString(6));
        byte[] payload = row.getBytes(15);
        StoredEvent event = new StoredEvent(
                unnamed.id(),
                eventId == null ? unnamed.eventId() : eventId,
                type == null ? "" : type,
                version == null ? "v1" : version,
                noneIfEmpty(row.getString(5)),
                destination == null ? null : layout.destinationPrefix() + destination,
                noneIfEmpty(row.getString(7)),
                row.getString(14),
                payload == null ? new byte[0] : payload);
        if (type == null) {
            return event.defective("its type is null");
        }
        if (payload != null) {
            return complete(event);
        }
        return row.getLong(CONTENT_BYTES) <= OutboxStatements.MAX_INLINE_BYTES
                ? event.defective("its payload is null")
                : event;
    }

    private StoredEvent complete(StoredEvent event) {
        return layout.payload() == Payload.ENVELOPE ? opened(event) : event;
    }

    /** @throws SQLException the same, if it is the connection that is at fault */
    private static StoredEvent defective(StoredEvent event, Throwable why) throws SQLException {
        if (why instanceof SQLException e && Dialect.isDisconnected(e)) {
            throw e;
        }
        return event.defective("its row cannot be read: " + why);
    }

    private static @Nullable String noneIfEmpty(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** The event's id that an envelope says, or the other. */
    static String eventIdIn(byte[] envelope, String other) {
        try {
            String eventId = Envelope.open(envelope).eventId();
            return eventId == null ? other : eventId;
        } catch (RuntimeException | StackOverflowError e) {
            return other;
        }
    }

    /** What the envelope in the payload column says; the columns go before. */
    private static StoredEvent opened(StoredEvent row) {
        try {
            Envelope envelope = Envelope.open(row.payload());
            String eventId = envelope.eventId();
            String version = envelope.eventVersion();
            return row.opened(
                    eventId == null ? row.eventId() : eventId,
                    version == null ? row.version() : version,
                    envelope.payload(),
                    envelope.aggregateId());
        } catch (IllegalArgumentException e) {
            return row.defective("its payload cannot be opened: " + e.getMessage());
        } catch (RuntimeException | StackOverflowError e) {
            return row.defective("its payload cannot be opened: " + e);
        }
    }

    // --- Unconsumed --------------------------------------------------------------------------------------------------

    /** @return how many events, nanoseconds since the oldest was published */
    long[] countUnconsumed(Connection connection, Duration limit) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(statements.countUnconsumed())) {
            statement.setLong(1, -(limit.toNanos() / 1000));
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return new long[] {rows.getLong(1), rows.getLong(2)};
            }
        }
    }

    /** @see dev.posthaste.journal.Journal#passedOver */
    List<Long> passedOver(Connection connection, Duration limit, long after, int most) throws SQLException {
        long newest;
        try (PreparedStatement statement =
                connection.prepareStatement(idIndex.apply(connection, statements.newestConsumed()))) {
            statement.setLong(1, lastId(connection).orElse(0) - MAX_LOOK_BACK);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return List.of();
                }
                newest = row.getLong(layout.has(Column.PUBLISHED_AT) ? 2 : 1);
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(statements.passedOver())) {
            statement.setLong(1, -(limit.toNanos() / 1000));
            statement.setLong(2, newest);
            statement.setLong(3, after);
            statement.setInt(4, most);
            List<Long> ids = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getLong(1));
                }
            }
            return ids;
        }
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    List<DeadEvent> dead(Connection connection, long after, int limit) throws SQLException {
        List<DeadEvent> dead = new ArrayList<>();
        if (!layout.has(Column.KEY)) {
            return dead;
        }
        try (PreparedStatement statement = connection.prepareStatement(statements.deadInOrder())) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    dead.add(new DeadEvent(rows.getLong(1), rows.getString(2)));
                }
            }
        }
        return dead;
    }

    OptionalLong lastId(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(statements.lastId());
                ResultSet rows = statement.executeQuery()) {
            rows.next();
            String id = rows.getString(1);
            return id == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(id));
        }
    }

    Map<Status, Long> counts(Connection connection) throws SQLException {
        Map<Status, Long> counts = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            counts.put(status, 0L);
        }
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(statements.counts())) {
            while (rows.next()) {
                Status status = layout.status(rows.getString(1));
                if (status != null) {
                    counts.put(status, rows.getLong(2));
                }
            }
        }
        return counts;
    }

    /** @return pending, dead, nanoseconds since the oldest pending event was written */
    long[] backlog(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(statements.backlog())) {
            rows.next();
            return new long[] {rows.getLong(1), rows.getLong(2), rows.getLong(3)};
        }
    }

    /**
     * One row as retention sees it.
     *
     * @param status null where it is another program's
     * @param restNanos since it reached its status
     * @param ageNanos since its write
     */
    record Aged(long id, @Nullable Status status, long restNanos, long ageNanos) {}

    List<Aged> aged(Connection connection, long after, int limit) throws SQLException {
        List<Aged> rows = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(statements.aged())) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.add(new Aged(row.getLong(1), layout.status(row.getString(2)), row.getLong(3), row.getLong(4)));
                }
            }
        }
        return rows;
    }

    /** The statement that finds work, for plans and their tests. */
    public String fetchStatement() {
        return fetch;
    }

    /** The statement that looks behind, for plans and their tests. */
    public String scanStatement() {
        return scan;
    }
}
