package dev.posthaste.reliability.simulation;

import dev.posthaste.Event;
import dev.posthaste.Status;
import dev.posthaste.TableLayout;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * An outbox in another program's table: the layout that Posthaste is given, and the program, which fills the table as
 * it always has. The table has a column for everything; a layout names those that it may use.
 */
final class ExistingTable {
    static final String NAME = "their_messages";
    /** In the order of {@link Column}. */
    static final List<String> COLUMNS =
            List.of(("seq uid kind rev grp topic rkey hdrs body owner state tries most_tries "
                            + "next_try err made sent done touched gen")
                    .split(" "));

    private static final Map<Column, Integer> LEFT_OUT_OF_TWELVE = Map.of(
            Column.EVENT_ID, 4,
            Column.VERSION, 6,
            Column.KEY, 3,
            Column.LAST_ERROR, 3,
            Column.CREATED_AT, 3,
            Column.UPDATED_AT, 4,
            Column.GENERATION, 9);
    private static final int HALF = 6;

    private final OutboxTable table;
    private final Random random;

    ExistingTable(OutboxTable table, Random random) {
        this.table = table;
        this.random = random;
    }

    /** A layout with the columns that the seed leaves it, and with its own status codes. */
    static TableLayout layout(Random random, boolean tracked, boolean hostile) {
        Map<String, String> layout = new HashMap<>();
        for (Column column : Column.values()) {
            boolean required = switch (column) {
                case ID, TYPE, PAYLOAD, STATUS, ATTEMPTS, NEXT_ATTEMPT_AT -> true;
                default -> false;
            };
            if (required || random.nextInt(12) >= LEFT_OUT_OF_TWELVE.getOrDefault(column, HALF)) {
                layout.put("column." + column.key(), COLUMNS.get(column.ordinal()));
            }
        }
        boolean numbers = random.nextBoolean();
        for (Status status : Status.values()) {
            if (status != Status.CONSUMED || tracked || random.nextBoolean()) {
                layout.put(
                        "status." + status.code(),
                        numbers
                                ? String.valueOf(status.ordinal())
                                : status.name().substring(0, 3));
            }
        }
        layout.put("payload", !hostile && random.nextInt(3) == 0 ? "envelope" : "text");
        layout.put("due", random.nextBoolean() ? "null" : "now");
        return TableLayout.mapped(EventTable.text(layout));
    }

    /** A status that only this table's programs know. */
    private String held() {
        return table.literal(Status.PENDING).startsWith("'") ? "'HELD'" : "9";
    }

    /**
     * Writes events like a program that knows nothing of Posthaste: omits some columns, and fills others in its own
     * way.
     */
    void insert(Connection connection, List<Event> events) throws SQLException {
        for (Event event : events) {
            insert(connection, event);
        }
    }

    private void insert(Connection connection, Event event) throws SQLException {
        Map<Column, String> values = new HashMap<>();
        List<@Nullable Object> parameters = new ArrayList<>();
        boolean keeps = random.nextInt(10) == 0;
        values.put(Column.STATUS, keeps ? held() : table.literal(Status.PENDING));
        values.put(Column.ATTEMPTS, "0");
        if (random.nextBoolean()) {
            values.put(Column.CREATED_AT, "clock_timestamp()");
            values.put(Column.UPDATED_AT, "clock_timestamp()");
        }
        List<String> columns = new ArrayList<>();
        List<String> sql = new ArrayList<>();
        for (Column column : Column.values()) {
            String value = values.get(column);
            Object parameter = value == null ? parameter(column, event) : null;
            if (table.has(column) && (value != null || parameter != null)) {
                columns.add(table.layout().column(column));
                sql.add(
                        value != null
                                ? value
                                : column == Column.NEXT_ATTEMPT_AT
                                        ? "clock_timestamp() + ? * interval '1 microsecond'"
                                        : "?");
                if (parameter != null) {
                    parameters.add(parameter);
                }
            }
        }
        try (PreparedStatement insert = connection.prepareStatement("insert into " + NAME + " ("
                + String.join(", ", columns) + ") values (" + String.join(", ", sql) + ")")) {
            for (int i = 0; i < parameters.size(); i++) {
                insert.setObject(i + 1, parameters.get(i));
            }
            insert.executeUpdate();
        }
    }

    private @Nullable Object parameter(Column column, Event event) {
        return switch (column) {
            case EVENT_ID -> event.id();
            case TYPE -> event.type();
            case KEY -> event.key() == null && random.nextBoolean() ? "" : event.key();
            case DESTINATION -> event.destination();
            case HEADERS -> headers(event);
            case PAYLOAD -> payload(event);
            case NEXT_ATTEMPT_AT ->
                !event.delay().isZero() || random.nextBoolean()
                        ? Long.valueOf(event.delay().toNanos() / 1_000)
                        : null;
            default -> null;
        };
    }

    private static @Nullable String headers(Event event) {
        StringBuilder json = new StringBuilder();
        event.headers().forEach((name, value) -> {
            String escaped = value.replace("\\", "\\\\").replace("\"", "\\\"");
            json.append(json.isEmpty() ? "{\"" : ",\"")
                    .append(name)
                    .append("\":\"")
                    .append(escaped)
                    .append('"');
        });
        return json.isEmpty() ? null : json.append('}').toString();
    }

    private String payload(Event event) {
        String payload = Writers.payload(event);
        if (table.layout().payload() != EventTable.Payload.ENVELOPE) {
            return payload;
        }
        boolean named = table.has(Column.EVENT_ID) || random.nextBoolean();
        return "{\"event_id\":\"" + (named ? event.id() : "") + "\",\"event_type\":\"" + event.type()
                + "\",\"payload\":" + payload + "}";
    }

    /** Releases the rows that the program has held back. */
    void release(Connection connection) throws SQLException {
        String status = table.layout().column(Column.STATUS);
        try (PreparedStatement update = connection.prepareStatement("update " + NAME + " set " + status + " = "
                + table.literal(Status.PENDING) + " where " + status + " = " + held())) {
            update.executeUpdate();
        }
    }
}
