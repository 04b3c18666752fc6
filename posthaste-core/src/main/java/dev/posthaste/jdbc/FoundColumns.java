package dev.posthaste.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import dev.posthaste.journal.StoredEvent;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** What operators see of a row, as columns and read back. Immutable. */
final class FoundColumns {
    private static final int MAX_CHARACTERS = 2_000;
    /** An envelope that is larger is not opened to find out the event's id; the row's is shown instead. */
    private static final int MAX_OPENED_BYTES = 256 * 1024;

    private final TableLayout layout;
    private final String outbox;
    private final OutboxStatements statements;

    FoundColumns(OutboxDefinition outbox, OutboxStatements statements) {
        this.layout = outbox.table();
        this.outbox = outbox.name();
        this.statements = statements;
    }

    /** With a dialect's marks. What a page of events holds is bounded, whatever other programs wrote. */
    String select() {
        return "select " + statements.name(Column.ID) + ", " + start(Column.EVENT_ID) + ", " + start(Column.TYPE) + ", "
                + start(Column.VERSION) + ", " + start(Column.KEY) + ", " + start(Column.DESTINATION) + ", "
                + start(Column.ROUTING_KEY) + ", " + statements.name(Column.STATUS) + ", "
                + statements.name(Column.ATTEMPTS) + ", " + statements.read(Column.MAX_ATTEMPTS) + ", "
                + start(Column.LAST_ERROR) + ", " + micros(Column.CREATED_AT) + ", "
                + micros(Column.NEXT_ATTEMPT_AT) + ", " + micros(Column.PUBLISHED_AT) + ", "
                + micros(Column.CONSUMED_AT) + ", " + micros(Column.UPDATED_AT) + ", "
                + (isOpened() ? statements.payloadUpTo(MAX_OPENED_BYTES) : "null");
    }

    private String start(Column column) {
        return statements.readStart(column, MAX_CHARACTERS);
    }

    /** Whether only the payload says who the event is. */
    private boolean isOpened() {
        return layout.payload() == Payload.ENVELOPE && !layout.has(Column.EVENT_ID);
    }

    String micros(Column column) {
        return layout.has(column) ? "{micros:" + statements.name(column) + "}" : "null";
    }

    FoundEvent read(ResultSet row) throws SQLException {
        long id = row.getLong(1);
        String eventId = row.getString(2);
        if (eventId == null || eventId.isEmpty()) {
            eventId = StoredEvent.idOfRow(outbox, id);
            if (isOpened()) {
                byte[] payload = row.getBytes(17);
                eventId = payload == null ? eventId : OutboxTable.eventIdIn(payload, eventId);
            }
        }
        String destination = none(row.getString(6));
        String code = String.valueOf(row.getString(8));
        int maxAttempts = row.getInt(10);
        String version = row.getString(4);
        return new FoundEvent(
                id,
                eventId,
                row.getString(3),
                version == null ? "v1" : version,
                none(row.getString(5)),
                destination == null ? null : layout.destinationPrefix() + destination,
                none(row.getString(7)),
                layout.status(code),
                code,
                row.getInt(9),
                maxAttempts == 0 ? null : maxAttempts,
                none(row.getString(11)),
                time(row, 12),
                time(row, 13),
                time(row, 14),
                time(row, 15),
                time(row, 16));
    }

    static @Nullable Instant time(ResultSet row, int column) throws SQLException {
        long micros = row.getLong(column);
        return row.wasNull() ? null : Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }

    static @Nullable String none(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }
}
