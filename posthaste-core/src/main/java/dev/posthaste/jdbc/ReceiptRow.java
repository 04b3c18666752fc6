package dev.posthaste.jdbc;

import dev.posthaste.jdbc.EventTable.Column;
import dev.posthaste.jdbc.EventTable.Payload;
import dev.posthaste.store.ReceiptTarget;
import dev.posthaste.store.StoredEvent;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Reads what receipts are compared with. */
final class ReceiptRow {
    private ReceiptRow() {}

    /** What is selected. */
    static final String COLUMNS = "{id}[, {event-id}], {attempts}[, {max-attempts}][, {generation}], {status}";

    /** A row of {@link #COLUMNS}. */
    static ReceiptTarget read(ResultSet row, RowSql sql) throws SQLException {
        EventTable layout = sql.layout;
        long id = row.getLong(sql.label(Column.ID));
        return new ReceiptTarget(
                id,
                layout.has(Column.EVENT_ID)
                        ? eventId(row.getString(sql.label(Column.EVENT_ID)), layout, sql.outbox, id)
                        : null,
                layout.status(row.getString(sql.label(Column.STATUS))),
                row.getInt(sql.label(Column.ATTEMPTS)),
                layout.has(Column.MAX_ATTEMPTS)
                        ? EventRow.noneIfZero(row.getInt(sql.label(Column.MAX_ATTEMPTS)))
                        : null,
                layout.has(Column.GENERATION) ? Integer.valueOf(row.getInt(sql.label(Column.GENERATION))) : null);
    }

    private static @Nullable String eventId(@Nullable String column, EventTable layout, String outbox, long id) {
        if (column != null && !column.isEmpty()) {
            return column;
        }
        return layout.payload() == Payload.ENVELOPE ? null : StoredEvent.idOfRow(outbox, id);
    }
}
