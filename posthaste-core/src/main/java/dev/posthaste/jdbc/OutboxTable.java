package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.format.Envelope;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.PendingMark;
import dev.posthaste.journal.StoredEvent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads an outbox's table, on the connection it is given. Thread-safe. */
public final class OutboxTable {
    private static final int MANY = 5_000;
    private static final long LOOK_NANOS = 1_000_000_000L;

    private final Dialect dialect;
    private final OutboxDefinition outbox;
    private final TableLayout layout;
    private final OutboxStatements statements;
    private final boolean choosesPlans;
    private final String fetch;
    private final String scan;
    private final String load;
    private volatile @Nullable Pending pending;

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
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    List<PendingEvent> fetch(Connection connection, long after, int limit, long maxBytes) throws SQLException {
        String sql = hasManyPending(connection) ? statements.fetchByPrimaryKey() : fetch;
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, after);
            statement.setInt(2, limit);
            return read(statement, maxBytes);
        }
    }

    List<PendingEvent> load(Connection connection, Collection<Long> ids, long maxBytes) throws SQLException {
        try (PreparedStatement statement = dialect.prepareWithIds(connection, load, ids)) {
            return read(statement, maxBytes);
        }
    }

    List<PendingMark> scan(Connection connection, long after, long through, int limit) throws SQLException {
        String sql = hasManyPending(connection) ? statements.scanByPrimaryKey() : scan;
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, after);
            statement.setLong(2, through);
            statement.setInt(3, limit);
            List<PendingMark> marks = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    marks.add(new PendingMark(rows.getLong(1), noneIfEmpty(rows.getString(2)), rows.getLong(3)));
                }
            }
            return marks;
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
        Pending known = pending;
        long now = System.nanoTime();
        if (known == null || now - known.at() > LOOK_NANOS) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(statements.countPendingUpTo(MANY))) {
                rows.next();
                known = new Pending(rows.getInt(1) == MANY, now);
                pending = known;
            }
        }
        return known.many();
    }

    private record Pending(boolean many, long at) {}

    List<PendingEvent> read(PreparedStatement statement, long maxBytes) throws SQLException {
        boolean inTransaction = !statement.getConnection().getAutoCommit();
        if (inTransaction || !dialect.streamsInTransactionOnly()) {
            statement.setFetchSize(dialect.streamingFetchSize());
        }
        List<PendingEvent> events = new ArrayList<>();
        long bytes = 0;
        try (ResultSet rows = statement.executeQuery()) {
            while (bytes < maxBytes && rows.next()) {
                PendingEvent event = event(rows);
                events.add(event);
                bytes += event.event().payload().length;
            }
        }
        return events;
    }

    private PendingEvent event(ResultSet row) throws SQLException {
        long id = row.getLong(1);
        String eventId = noneIfEmpty(row.getString(2));
        String version = row.getString(4);
        String destination = noneIfEmpty(row.getString(6));
        byte[] payload = row.getBytes(9);
        StoredEvent event = new StoredEvent(
                id,
                eventId == null ? StoredEvent.idOfRow(outbox.name(), id) : eventId,
                row.getString(3),
                version == null ? "v1" : version,
                noneIfEmpty(row.getString(5)),
                destination == null ? null : layout.destinationPrefix() + destination,
                noneIfEmpty(row.getString(7)),
                row.getString(8),
                payload == null ? new byte[0] : payload);
        int maxAttempts = row.getInt(11);
        return new PendingEvent(
                payload == null
                        ? event.defective("its payload is null")
                        : layout.payload() == Payload.ENVELOPE ? opened(event) : event,
                row.getInt(10),
                maxAttempts == 0 ? null : maxAttempts,
                row.getLong(12),
                row.getLong(13));
    }

    private static @Nullable String noneIfEmpty(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** The event's id that an envelope says, or the other. */
    static String eventIdIn(byte[] envelope, String other) {
        try {
            String eventId = Envelope.open(envelope).eventId();
            return eventId == null ? other : eventId;
        } catch (IllegalArgumentException e) {
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

    List<PendingEvent> unconsumed(Connection connection, Duration limit, int most) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(statements.unconsumed())) {
            statement.setLong(1, -(limit.toNanos() / 1000));
            statement.setInt(2, most);
            return read(statement, Long.MAX_VALUE);
        }
    }

    // --- Operating ---------------------------------------------------------------------------------------------------

    Map<String, Long> deadKeys(Connection connection, int limit) throws SQLException {
        Map<String, Long> keys = new LinkedHashMap<>();
        if (!layout.has(Column.KEY)) {
            return keys;
        }
        try (PreparedStatement statement = connection.prepareStatement(statements.deadKeys())) {
            statement.setInt(1, limit);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    keys.put(rows.getString(1), rows.getLong(2));
                }
            }
        }
        return keys;
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
