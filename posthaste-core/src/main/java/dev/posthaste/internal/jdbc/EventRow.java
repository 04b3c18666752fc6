package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.StoredRow;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A row as a relay reads it. Anything wrong with a row makes its event defective; it must never keep others from being
 * read. Small contents come with the row. Thread-safe.
 */
final class EventRow {
    /** Contents of at most this many bytes come with the row; larger ones are loaded by id. */
    static final int MAX_INLINE_BYTES = 16 * 1024;

    /** The selected columns; headers and payload only where they are small. */
    static final String COLUMNS = columns("");

    /** The same, with headers and payload only where the event is also due. */
    static final String COLUMNS_IF_DUE = columns(" and {due}");

    private final RowSql sql;
    private final EventTable layout;

    EventRow(RowSql sql) {
        this.sql = sql;
        this.layout = sql.layout;
    }

    private static String columns(String andDue) {
        return """
                {id}[, {name:event-id}], {name:type}[, {name:version}][, {name:key}][, {name:destination}]
                    [, {name:routing-key}], {attempts}[, {max-attempts}][, {generation}],
                    {until:next-attempt-at} as wait_nanos, {since:created-at} as age_nanos,
                    {content bytes} as content_bytes, {names bytes} as names_bytes
                    [, case when {content bytes} <= %1$s%2$s then {headers} end as {headers}],
                    case when {content bytes} <= %1$s%2$s then {payload} end as {payload}
                """.formatted(MAX_INLINE_BYTES, andDue).strip();
    }

    /** Where a result has these columns: looked up once, and not for every row. */
    Reader of(ResultSet rows) throws SQLException {
        return new Reader(rows);
    }

    /** The rows of one result. */
    final class Reader {
        private final ResultSet row;
        private final int id;
        private final int eventId;
        private final int type;
        private final int version;
        private final int key;
        private final int destination;
        private final int routingKey;
        private final int attempts;
        private final int maxAttempts;
        private final int generation;
        private final int waitNanos;
        private final int ageNanos;
        private final int contentBytes;
        private final int namesBytes;
        private final int headers;
        private final int payload;

        private Reader(ResultSet rows) throws SQLException {
            row = rows;
            id = find(rows, Column.ID);
            eventId = find(rows, Column.EVENT_ID);
            type = find(rows, Column.TYPE);
            version = find(rows, Column.VERSION);
            key = find(rows, Column.KEY);
            destination = find(rows, Column.DESTINATION);
            routingKey = find(rows, Column.ROUTING_KEY);
            attempts = find(rows, Column.ATTEMPTS);
            maxAttempts = find(rows, Column.MAX_ATTEMPTS);
            generation = find(rows, Column.GENERATION);
            waitNanos = rows.findColumn("wait_nanos");
            ageNanos = rows.findColumn("age_nanos");
            contentBytes = rows.findColumn("content_bytes");
            namesBytes = rows.findColumn("names_bytes");
            headers = find(rows, Column.HEADERS);
            payload = find(rows, Column.PAYLOAD);
        }

        private @Nullable String text(int column) throws SQLException {
            return column == 0 ? null : row.getString(column);
        }

        /** The current row. */
        PendingEvent event() throws SQLException {
            long position = row.getLong(id);
            int counted = 0;
            Integer limit = null;
            Integer requeued = null;
            long wait = 0;
            long age = 0;
            StoredRow event = new StoredRow(
                    position, EventIds.ofPosition(sql.outbox, position), "", "v1", null, null, null, null, new byte[0]);
            try {
                counted = Math.toIntExact(row.getLong(attempts)); // one driver's getInt cuts a number that is too large
                wait = row.getLong(waitNanos);
                age = row.getLong(ageNanos);
                limit = maxAttempts == 0 ? null : noneIfZero(row.getInt(maxAttempts));
                requeued = generation == 0 ? null : Integer.valueOf(row.getInt(generation));
                event = stored(event);
            } catch (SQLException | RuntimeException | StackOverflowError e) {
                event = defective(event, e);
            }
            return new PendingEvent(event, counted, limit, requeued, wait, age);
        }

        /** Bytes of headers and payload. */
        long contentBytes() throws SQLException {
            return row.getLong(contentBytes);
        }

        private StoredRow stored(StoredRow unnamed) throws SQLException {
            long bytes = row.getLong(namesBytes);
            if (bytes > RowSql.MAX_NAMES_BYTES) {
                return unnamed.defective("its id, type, version, key, destination and routing key have " + bytes
                        + " bytes; at most " + RowSql.MAX_NAMES_BYTES + " are read");
            }
            String itsId = noneIfEmpty(text(eventId));
            String itsType = text(type);
            String itsVersion = text(version);
            String itsDestination = noneIfEmpty(text(destination));
            byte[] bytesOfPayload = row.getBytes(payload);
            StoredRow event = new StoredRow(
                    unnamed.position(),
                    itsId == null ? unnamed.eventId() : itsId,
                    itsType == null ? "" : itsType,
                    itsVersion == null ? "v1" : itsVersion,
                    noneIfEmpty(text(key)),
                    itsDestination == null ? null : layout.destinationPrefix() + itsDestination,
                    noneIfEmpty(text(routingKey)),
                    text(headers),
                    bytesOfPayload == null ? new byte[0] : bytesOfPayload);
            if (itsType == null) {
                return event.defective("its type is null");
            }
            if (bytesOfPayload != null) {
                return complete(event);
            }
            return contentBytes() <= MAX_INLINE_BYTES ? event.defective("its payload is null") : event;
        }
    }

    /** The same for a result of {@code id}, {@code headers} and {@code payload}. */
    Contents contents(ResultSet rows) throws SQLException {
        return new Contents(rows);
    }

    /** Headers and payloads of events that came without. */
    final class Contents {
        private final ResultSet row;
        private final int id;
        private final int headers;
        private final int payload;

        private Contents(ResultSet rows) throws SQLException {
            row = rows;
            id = find(rows, Column.ID);
            headers = find(rows, Column.HEADERS);
            payload = find(rows, Column.PAYLOAD);
        }

        long id() throws SQLException {
            return row.getLong(id);
        }

        /** The event with what the current row holds. */
        PendingEvent into(PendingEvent event) throws SQLException {
            StoredRow stored = event.event();
            try {
                String its = headers == 0 ? null : row.getString(headers);
                byte[] bytes = row.getBytes(payload);
                stored = bytes == null ? stored.defective("its payload is null") : complete(stored.with(its, bytes));
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

    /** 0 if the table has none. */
    private int find(ResultSet rows, Column column) throws SQLException {
        return layout.has(column) ? rows.findColumn(sql.label(column)) : 0;
    }

    private StoredRow complete(StoredRow event) {
        return layout.payload() == Payload.ENVELOPE ? opened(event) : event;
    }

    /** @throws SQLException the same, if the connection is at fault */
    private static StoredRow defective(StoredRow event, Throwable why) throws SQLException {
        if (why instanceof SQLException e && SqlErrors.isDisconnected(e)) {
            throw e;
        }
        return event.defective("its row cannot be read: " + why);
    }

    /** Other programs' tables may have no nulls. */
    static @Nullable String noneIfEmpty(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** A number that a column may lack. */
    static @Nullable Integer noneIfZero(int number) {
        return number == 0 ? null : Integer.valueOf(number);
    }

    /** The event's id from an envelope, or the other. */
    static String eventIdIn(byte[] envelope, String other) {
        try {
            String eventId = Envelope.open(envelope).eventId();
            return eventId == null ? other : eventId;
        } catch (RuntimeException | StackOverflowError e) {
            return other;
        }
    }

    /** The envelope's values from the payload column; the columns take precedence. */
    private static StoredRow opened(StoredRow row) {
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
}
