package dev.posthaste.reliability.simulation;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.messages.EventIds;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the rows of the outbox's table, whatever its columns and codes are called. */
final class OutboxTable {
    private static final Pattern ID_IN_ENVELOPE = Pattern.compile("\"event_id\":\"([^\"]+)\"");

    /** The last member that the program writes there. */
    private static final String PAYLOAD_IN_ENVELOPE = "\"payload\":";

    private final String outbox;
    private final EventTable layout;
    private final Map<Column, Integer> places = new EnumMap<>(Column.class);

    OutboxTable(OutboxDefinition outbox) {
        this.outbox = outbox.name();
        this.layout = EventTable.of(outbox);
        List<String> columns = Database.columns(layout.table());
        for (Column column : Column.values()) {
            if (layout.has(column)) {
                places.put(column, columns.indexOf(layout.column(column)));
            }
        }
    }

    String name() {
        return layout.table();
    }

    /** A status's code as SQL writes it. */
    String literal(Status status) {
        String code = layout.code(status);
        return code.matches("[0-9]+") ? code : "'" + code + "'";
    }

    EventTable layout() {
        return layout;
    }

    boolean has(Column column) {
        return layout.has(column);
    }

    /** A column's value; null also where the table has no such column. */
    @Nullable
    Object value(Column column, @Nullable Object[] row) {
        Integer place = places.get(column);
        return place == null ? null : row[place];
    }

    long id(@Nullable Object[] row) {
        return (Long) Objects.requireNonNull(value(Column.ID, row));
    }

    /** The event's id, which may be only in its envelope, or be derived from the row's. */
    String event(@Nullable Object[] row) {
        Object event = value(Column.EVENT_ID, row);
        if (event instanceof String id && !id.isEmpty()) {
            return id;
        }
        if (layout.payload() == EventTable.Payload.ENVELOPE) {
            Matcher id = ID_IN_ENVELOPE.matcher(String.valueOf(value(Column.PAYLOAD, row)));
            if (id.find()) {
                return id.group(1);
            }
        }
        return EventIds.ofPosition(outbox, id(row));
    }

    /** The payload, which may be in an envelope. */
    String payload(@Nullable Object[] row) {
        String payload = String.valueOf(value(Column.PAYLOAD, row));
        return layout.payload() == EventTable.Payload.ENVELOPE
                ? payload.substring(
                        payload.indexOf(PAYLOAD_IN_ENVELOPE) + PAYLOAD_IN_ENVELOPE.length(), payload.length() - 1)
                : payload;
    }

    @Nullable
    String key(@Nullable Object[] row) {
        return value(Column.KEY, row) instanceof String key && !key.isEmpty() ? key : null;
    }

    /** Posthaste's name for it; null for one that only the table's own program knows. */
    @Nullable
    String status(@Nullable Object[] row) {
        String code = String.valueOf(value(Column.STATUS, row));
        if (layout.isStandard()) {
            return code;
        }
        for (Status status : Status.values()) {
            boolean known = status != Status.CONSUMED || layout.canBeTracked();
            if (known && layout.code(status).equals(code)) {
                return status.code();
            }
        }
        return null;
    }

    long attempts(@Nullable Object[] row) {
        return (Long) Objects.requireNonNull(value(Column.ATTEMPTS, row));
    }

    /** How often the event was requeued, as far as the table records it. */
    long generation(@Nullable Object[] row) {
        return value(Column.GENERATION, row) instanceof Long generation ? generation : 0;
    }

    /** When it may be published; null for immediately. */
    @Nullable
    Long dueAt(@Nullable Object[] row) {
        return (Long) value(Column.NEXT_ATTEMPT_AT, row);
    }

    /**
     * Since when it has had its status, as far as the table records it: Posthaste uses the time of the row's last
     * change, or else of its publication, or else of its writing.
     */
    @Nullable
    Long since(@Nullable Object[] row, String status) {
        if (layout.isStandard()) {
            return (Long) value(status.equals("consumed") ? Column.CONSUMED_AT : Column.PUBLISHED_AT, row);
        }
        Column said = has(Column.UPDATED_AT)
                ? Column.UPDATED_AT
                : has(Column.PUBLISHED_AT) ? Column.PUBLISHED_AT : Column.CREATED_AT;
        Long since = (Long) value(said, row);
        return since == null ? (Long) value(Column.CREATED_AT, row) : since;
    }
}
