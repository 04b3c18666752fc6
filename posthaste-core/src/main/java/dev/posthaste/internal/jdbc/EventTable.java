package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.internal.names.Names;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An outbox's table as statements need it: its name, its columns and codes. {@link dev.posthaste.TableLayout} is what
 * users write; not part of the API. Immutable and thread-safe.
 */
public final class EventTable {
    public static final int MAX_EVENT_ID = 64;
    public static final int MAX_TYPE = 128;
    public static final int MAX_VERSION = 16;
    public static final int MAX_KEY = 128;
    public static final int MAX_DESTINATION = 255;
    public static final int MAX_ERROR = 2000;
    public static final int MAX_HEADER_NAME = 128;
    public static final int MAX_HEADER_VALUE = 4096;

    /** The bytes that a column {@code text} of MySQL and MariaDB holds, which other programs' tables usually have. */
    private static final int MAX_MAPPED_HEADERS = 65_535;

    /** What a column may hold. The first group is the event, the second its outcome. */
    public enum Column {
        /** The order of publication: a number that grows with every row. */
        ID("id", 0),
        /**
         * The event's identity. Without it, and without an envelope that contains it, the outbox's name and the row's
         * id.
         */
        EVENT_ID("event_id", MAX_EVENT_ID),
        TYPE("event_type", MAX_TYPE),
        VERSION("event_version", MAX_VERSION),
        /** Without it no order is kept. An empty key counts as none. */
        KEY("event_key", MAX_KEY),
        /** Without it the route says where events go. */
        DESTINATION("destination", MAX_DESTINATION),
        ROUTING_KEY("routing_key", MAX_DESTINATION),
        /** Without it an event has no headers, and the writer's trace does not travel. */
        HEADERS("headers", 0),
        PAYLOAD("payload", 0),
        /** The name of the outbox that owns the row; written, not read. */
        SERVICE("", MAX_EVENT_ID),

        STATUS("status", 0),
        ATTEMPTS("attempts", 0),
        MAX_ATTEMPTS("max_attempts", 0),
        NEXT_ATTEMPT_AT("next_attempt_at", 0),
        LAST_ERROR("last_error", MAX_ERROR),
        CREATED_AT("created_at", 0),
        /**
         * Where it is missing, the time of the last update is used, or else that of the write. In a table with none of
         * the three, no event is ever known to be old: retention deletes nothing from it, and no event is reported or
         * published again because it was not consumed.
         */
        PUBLISHED_AT("published_at", 0),
        CONSUMED_AT("consumed_at", 0),
        UPDATED_AT("updated_at", 0),
        /**
         * How often the event was requeued: receipts name it. Posthaste's own tables have it where the outbox is tracked;
         * others may lack it.
         */
        GENERATION("generation", 0);

        private final String standardName;
        private final int standardLength;

        Column(String standardName, int standardLength) {
            this.standardName = standardName;
            this.standardLength = standardLength;
        }

        /** As configuration calls it. */
        public String key() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What the payload column holds. */
    public enum Payload {
        TEXT,
        BINARY,
        /** A JSON envelope around the payload. */
        ENVELOPE
    }

    private static final String NONE = "";

    private final String table;
    private final boolean mapped;
    private final Map<Column, String> columns;
    private final Map<Status, String> statuses;
    private final Map<Column, Integer> lengths;
    private final Rows rows;

    /**
     * What rows look like, besides columns and codes.
     *
     * @param dueNow whether a new row that is due immediately has the time of its writing as its next attempt, and not
     *     null
     * @param zone which clock the table's times show; null where the layout does not state it
     * @param destinationPrefix what precedes the destination column's value
     * @param script the script that creates the table; null where it exists and belongs to another program
     */
    record Rows(
            Payload payload,
            boolean dueNow,
            @Nullable String zone,
            String destinationPrefix,
            @Nullable String script) {}

    EventTable(
            String table,
            boolean mapped,
            Map<Column, String> columns,
            Map<Status, String> statuses,
            Map<Column, Integer> lengths,
            Rows rows) {
        this.table = table;
        this.mapped = mapped;
        this.columns = columns;
        this.statuses = statuses;
        this.lengths = lengths;
        this.rows = rows;
    }

    /** Posthaste's own, of no table yet. */
    public static EventTable standard() {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            if (!column.standardName.isEmpty()) {
                columns.put(column, column.standardName);
            }
        }
        return new EventTable(
                NONE,
                false,
                columns,
                standardStatuses(),
                Map.of(),
                new Rows(Payload.TEXT, false, null, "", "outbox.sql"));
    }

    /** Debezium's, of no table yet. */
    public static EventTable debezium() {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        columns.put(Column.ID, "position");
        columns.put(Column.EVENT_ID, "id");
        columns.put(Column.TYPE, "type");
        columns.put(Column.KEY, "aggregateid");
        columns.put(Column.DESTINATION, "aggregatetype");
        columns.put(Column.PAYLOAD, "payload");
        for (Column column : EnumSet.range(Column.STATUS, Column.UPDATED_AT)) {
            columns.put(column, column.standardName);
        }
        return new EventTable(
                NONE,
                true,
                columns,
                standardStatuses(),
                Map.of(Column.TYPE, MAX_DESTINATION, Column.KEY, MAX_DESTINATION),
                new Rows(Payload.TEXT, false, "session", "outbox.event.", "debezium.sql"));
    }

    /** The table of an outbox, as statements need it. */
    public static EventTable of(OutboxDefinition outbox) {
        return DefinedTables.supplied().eventTable(outbox);
    }

    /**
     * The table described in the terms of {@link dev.posthaste.TableLayout#mapped}; of no table where it names none.
     *
     * @throws IllegalArgumentException with everything that is wrong with it
     */
    public static EventTable of(Map<String, String> description) {
        return LayoutProperties.read(description);
    }

    /** A description as the text that {@link dev.posthaste.TableLayout#mapped} reads. */
    public static String text(Map<String, String> description) {
        Properties properties = new Properties();
        properties.putAll(description);
        StringWriter text = new StringWriter();
        try {
            properties.store(text, null);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // writing a string does not fail
        }
        return text.toString();
    }

    /** The same layout, of a table in the database. Dashes and blanks become underscores in the name of one of ours. */
    public EventTable at(String name) {
        String usable = mapped ? name : name.replace('-', '_').replace(' ', '_');
        return new EventTable(Names.requireTable(usable), mapped, columns, statuses, lengths, rows);
    }

    /** The same, with bytes in the payload column; or if not, with text where there were bytes. */
    public EventTable withBinaryPayload(boolean binary) {
        Payload text = rows.payload() == Payload.BINARY ? Payload.TEXT : rows.payload();
        Rows changed = new Rows(
                binary ? Payload.BINARY : text, rows.dueNow(), rows.zone(), rows.destinationPrefix(), rows.script());
        return new EventTable(table, mapped, columns, statuses, lengths, changed);
    }

    private static Map<Status, String> standardStatuses() {
        return Arrays.stream(Status.values())
                .collect(Collectors.toMap(
                        status -> status, Status::code, (a, b) -> a, () -> new EnumMap<>(Status.class)));
    }

    /** Empty if it is of no table yet. */
    public String table() {
        return table;
    }

    public Payload payload() {
        return rows.payload();
    }

    /** The name without its schema; indexes are named after it. */
    public String simpleName() {
        return table.substring(table.indexOf('.') + 1);
    }

    public boolean has(Column column) {
        return columns.containsKey(column);
    }

    /** Whether rows can record that their event was consumed. */
    public boolean canBeTracked() {
        return statuses.containsKey(Status.CONSUMED);
    }

    /** The longest text of a column, in UTF-16 units; of headers and payload in bytes of UTF-8, 0 being no limit. */
    public int length(Column column) {
        int usual = column == Column.HEADERS && mapped ? MAX_MAPPED_HEADERS : column.standardLength;
        return lengths.getOrDefault(column, usual);
    }

    /** The column's name in the table; only for columns that it {@link #has}. */
    public String column(Column column) {
        return Objects.requireNonNull(columns.get(column), column.key());
    }

    /** The status's code in the table; only for those it has. */
    public String code(Status status) {
        return Objects.requireNonNull(statuses.get(status), status.code());
    }

    Map<Column, String> columns() {
        return columns;
    }

    /** The code as an SQL literal. */
    String literal(Status status) {
        boolean numbers = statuses.values().stream().allMatch(code -> code.matches("[0-9]+"));
        return numbers ? code(status) : "'" + code(status) + "'";
    }

    /** The status that a code stands for, or null: other programs may have more of them. */
    @Nullable
    Status status(String code) {
        return statuses.entrySet().stream()
                .filter(each -> each.getValue().equals(code))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(null);
    }

    /** Whether it is Posthaste's own table. Its column names are never quoted, those of others always. */
    public boolean isStandard() {
        return !mapped;
    }

    boolean dueNow() {
        return rows.dueNow();
    }

    /** The clock that the table's times show; empty where the layout does not state it. */
    String zone() {
        return Objects.requireNonNullElse(rows.zone(), "");
    }

    /** What precedes the destination column's value; usually nothing. */
    public String destinationPrefix() {
        return rows.destinationPrefix();
    }

    /**
     * Equal for two layouts that interpret every row in the same way, and in practice for no two others. Relays of a
     * version without generations agree with those that have them.
     */
    public String fingerprint() {
        Map<Column, String> known = new EnumMap<>(columns);
        known.remove(Column.GENERATION);
        CRC32C crc = new CRC32C();
        crc.update(meaning(known).getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    private String meaning(Map<Column, String> named) {
        return table + named + statuses + rows.payload() + rows.dueNow() + rows.zone() + rows.destinationPrefix();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof EventTable that
                && mapped == that.mapped
                && lengths.equals(that.lengths)
                && meaning(columns).equals(that.meaning(that.columns));
    }

    @Override
    public int hashCode() {
        return meaning(columns).hashCode();
    }

    /** The index that Posthaste's script creates for its own statements; null where the database chooses another. */
    @Nullable
    String pendingIndex() {
        return rows.script() == null ? null : simpleName() + "_pending";
    }

    /** The script that creates the table; null where it exists and belongs to another program. */
    @Nullable
    String script() {
        return rows.script();
    }

    @Override
    public String toString() {
        return mapped ? "mapped table " + table : "table " + table;
    }
}
