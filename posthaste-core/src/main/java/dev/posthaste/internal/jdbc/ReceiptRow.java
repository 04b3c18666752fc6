package dev.posthaste.internal.jdbc;

import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.messages.EventIds;
import dev.posthaste.internal.store.ReceiptTarget;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Reads what receipts are compared with: the rows of one result. */
final class ReceiptRow {
    /** The selected columns. */
    static final String COLUMNS = "{id}[, {event-id}], {attempts}[, {max-attempts}][, {generation}], {status}";

    private final RowSql sql;
    private final ResultSet row;
    private final int id;
    private final int eventId;
    private final int status;
    private final int attempts;
    private final int maxAttempts;
    private final int generation;

    /** @param rows of {@link #COLUMNS}; their positions are looked up once, and not for every row */
    ReceiptRow(ResultSet rows, RowSql sql) throws SQLException {
        this.sql = sql;
        this.row = rows;
        this.id = find(Column.ID);
        this.eventId = find(Column.EVENT_ID);
        this.status = find(Column.STATUS);
        this.attempts = find(Column.ATTEMPTS);
        this.maxAttempts = find(Column.MAX_ATTEMPTS);
        this.generation = find(Column.GENERATION);
    }

    /** 0 if the table has none. */
    private int find(Column column) throws SQLException {
        return sql.layout.has(column) ? row.findColumn(sql.label(column)) : 0;
    }

    /** The current row. */
    ReceiptTarget read() throws SQLException {
        long position = row.getLong(id);
        return new ReceiptTarget(
                position,
                eventId == 0 ? null : eventId(row.getString(eventId), position),
                sql.layout.status(row.getString(status)),
                row.getInt(attempts),
                maxAttempts == 0 ? null : EventRow.noneIfZero(row.getInt(maxAttempts)),
                generation == 0 ? null : Integer.valueOf(row.getInt(generation)));
    }

    private @Nullable String eventId(@Nullable String column, long position) {
        if (column != null && !column.isEmpty()) {
            return column;
        }
        return sql.layout.payload() == Payload.ENVELOPE ? null : EventIds.ofPosition(sql.outbox, position);
    }
}
