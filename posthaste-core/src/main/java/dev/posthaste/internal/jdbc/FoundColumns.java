package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.messages.EventIds;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * What operators see of a row: its columns, and how they are read. What a page of events holds is bounded. Immutable.
 */
final class FoundColumns {
    private static final int MAX_CHARACTERS = 2_000;
    /** A larger envelope is not opened to find the event's id; the row's is shown instead. */
    private static final int MAX_OPENED_BYTES = 256 * 1024;

    private static final String COLUMNS = """
            {id}[, {first %1$s:event-id}], {first %1$s:type}[, {first %1$s:version}][, {first %1$s:key}]
                [, {first %1$s:destination}][, {first %1$s:routing-key}], {status}, {attempts}[, {max-attempts}]
                [, {first %1$s:last-error}][, {time:created-at} as created_micros],
                {time:next-attempt-at} as next_attempt_micros[, {time:published-at} as published_micros]
                [, {time:consumed-at} as consumed_micros][, {time:updated-at} as updated_micros]
            """.formatted(MAX_CHARACTERS).strip();

    private static final String OPENED = """
            , case when {bytes:payload} <= %s then {payload} end as {payload}
            """.formatted(MAX_OPENED_BYTES).strip();

    private final RowSql sql;
    private final EventTable layout;

    FoundColumns(RowSql sql) {
        this.sql = sql;
        this.layout = sql.layout;
    }

    /** What is selected, as a template. */
    String columns() {
        return isOpened() ? COLUMNS + OPENED : COLUMNS;
    }

    /** Whether only the payload contains the event's id. */
    private boolean isOpened() {
        return layout.payload() == Payload.ENVELOPE && !layout.has(Column.EVENT_ID);
    }

    FoundRow read(ResultSet row) throws SQLException {
        long id = row.getLong(sql.label(Column.ID));
        String destination = text(row, Column.DESTINATION);
        String code = String.valueOf(row.getString(sql.label(Column.STATUS)));
        String version = layout.has(Column.VERSION) ? row.getString(sql.label(Column.VERSION)) : null;
        return new FoundRow(
                id,
                eventId(row, id),
                row.getString(sql.label(Column.TYPE)),
                version == null ? "v1" : version,
                text(row, Column.KEY),
                destination == null ? null : layout.destinationPrefix() + destination,
                text(row, Column.ROUTING_KEY),
                layout.status(code),
                code,
                row.getInt(sql.label(Column.ATTEMPTS)),
                layout.has(Column.MAX_ATTEMPTS)
                        ? EventRow.noneIfZero(row.getInt(sql.label(Column.MAX_ATTEMPTS)))
                        : null,
                text(row, Column.LAST_ERROR),
                time(row, Column.CREATED_AT, "created_micros"),
                time(row, Column.NEXT_ATTEMPT_AT, "next_attempt_micros"),
                time(row, Column.PUBLISHED_AT, "published_micros"),
                time(row, Column.CONSUMED_AT, "consumed_micros"),
                time(row, Column.UPDATED_AT, "updated_micros"),
                null);
    }

    private String eventId(ResultSet row, long id) throws SQLException {
        String eventId = text(row, Column.EVENT_ID);
        if (eventId != null) {
            return eventId;
        }
        String ofRow = EventIds.ofPosition(sql.outbox, id);
        byte[] payload = isOpened() ? row.getBytes(sql.label(Column.PAYLOAD)) : null;
        return payload == null ? ofRow : EventRow.eventIdIn(payload, ofRow);
    }

    /** Null where the table lacks the column, or the row has nothing in it. */
    @Nullable
    String text(ResultSet row, Column column) throws SQLException {
        return layout.has(column) ? EventRow.noneIfEmpty(row.getString(sql.label(column))) : null;
    }

    /** Null where the table lacks the column, or the row has nothing in it. */
    @Nullable
    Instant time(ResultSet row, Column column, String label) throws SQLException {
        if (!layout.has(column)) {
            return null;
        }
        long micros = row.getLong(label);
        return row.wasNull() ? null : Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }
}
