package dev.posthaste.jdbc;

import dev.posthaste.Names;
import dev.posthaste.Status;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * How an outbox's table looks: the {@link #standard} one, whose scripts lie beside this class, or one that exists already
 * and belongs to other programs too, which {@link #of} takes. Immutable and thread-safe.
 */
public final class TableLayout {
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

    /** What a column may hold. The first group is the event's, the second is what became of it. */
    public enum Column {
        /** The order of publication: a number that grows with every row. */
        ID("id", 0),
        /** The event's identity. Without it, and without an envelope that says it, the outbox's name and the row's id. */
        EVENT_ID("event_id", MAX_EVENT_ID),
        TYPE("event_type", MAX_TYPE),
        VERSION("event_version", MAX_VERSION),
        /** Without it no order is kept. An empty key is none. */
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
         * Where it is missing, the time of the last update is taken for it, or else that of the writing. A table with
         * none of the three never says that an event is old: retention deletes nothing from it, and no event is reported or
         * published again because nobody consumed it.
         */
        PUBLISHED_AT("published_at", 0),
        CONSUMED_AT("consumed_at", 0),
        UPDATED_AT("updated_at", 0),
        /**
         * How often the event was requeued: receipts name it. Posthaste's own tables have it where the outbox is tracked;
         * others need not.
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

    private final String table;
    private final boolean mapped;
    private final Map<Column, String> columns;
    private final Map<Status, String> statuses;
    private final Map<Column, Integer> lengths;
    private final Rows rows;

    /**
     * What rows look like beside columns and codes.
     *
     * @param dueNow whether a new row that is due at once has the time of its writing as its next attempt, and not null
     * @param zone which clock the table's times show; null where the layout does not state it
     * @param destinationPrefix what stands before the destination column's value
     * @param script the script that creates the table; null where it exists and belongs to somebody else
     */
    record Rows(
            Payload payload,
            boolean dueNow,
            @Nullable String zone,
            String destinationPrefix,
            @Nullable String script) {}

    TableLayout(
            String table,
            boolean mapped,
            Map<Column, String> columns,
            Map<Status, String> statuses,
            Map<Column, Integer> lengths,
            Rows rows) {
        this.table = Names.requireTable(table);
        this.mapped = mapped;
        this.columns = columns;
        this.statuses = statuses;
        this.lengths = lengths;
        this.rows = rows;
    }

    /** Posthaste's own table. Dashes and blanks in the name become underscores. */
    public static TableLayout standard(String table) {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            if (!column.standardName.isEmpty()) {
                columns.put(column, column.standardName);
            }
        }
        return new TableLayout(
                table.replace('-', '_').replace(' ', '_'),
                false,
                columns,
                standardStatuses(),
                Map.of(),
                new Rows(Payload.TEXT, false, null, "", "outbox.sql"));
    }

    /**
     * The outbox table of Debezium's outbox event router, with the columns that a relay needs added to it: its writers
     * still write {@code id}, {@code aggregatetype}, {@code aggregateid}, {@code type} and {@code payload}, and events
     * still go to {@code outbox.event.} followed by the aggregate type. The script {@code debezium.sql} creates it, and
     * shows how to add the columns to a table that is there.
     */
    public static TableLayout debezium(String table) {
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
        return new TableLayout(
                table,
                true,
                columns,
                standardStatuses(),
                Map.of(Column.TYPE, MAX_DESTINATION, Column.KEY, MAX_DESTINATION),
                new Rows(Payload.TEXT, false, "session", "outbox.event.", "debezium.sql"));
    }

    private static Map<Status, String> standardStatuses() {
        return Arrays.stream(Status.values())
                .collect(Collectors.toMap(
                        status -> status, Status::code, (a, b) -> a, () -> new EnumMap<>(Status.class)));
    }

    /**
     * A table that exists already, described by name and value, so that a layout can stand in a configuration file. The keys:
     *
     * <ul>
     *   <li>{@code table}: its name, {@code table} or {@code schema.table}
     *   <li>{@code column.X}: the column that holds X, one of {@link Column} in lower case with dashes, as
     *       {@code column.next-attempt-at = next_retry_at}. A column that is not named is absent
     *   <li>{@code status.pending}, {@code .published}, {@code .consumed}, {@code .dead}: the codes in the status column, all
     *       numbers or all words; {@code consumed} may be missing where nobody keeps receipts
     *   <li>{@code payload}: {@code text} (the default), {@code binary}, or {@code envelope}: a JSON envelope with the event's
     *       id, version, aggregate and payload, to be opened
     *   <li>{@code due}: {@code null} (the default) when a new row that is due at once has no next attempt, {@code now} when it
     *       has the time of its writing
     *   <li>{@code zone}: which clock the table's times show where its columns do not store a zone: {@code UTC},
     *       {@code session} for that of the sessions that read and write them, or an offset such as {@code +08:00}. Left
     *       out, it is UTC on MySQL and MariaDB, and PostgreSQL's columns store their zone. PostgreSQL's {@code timestamp}
     *       requires it, MySQL's {@code timestamp} requires {@code session}, H2's columns always store their zone
     *   <li>{@code destination-prefix}: what stands before the destination column's value, as Debezium's
     *       {@code outbox.event.}
     *   <li>{@code length.X}: the longest value of column X in characters, where it is not the standard's; of
     *       {@code headers} (65,535 unless stated) and {@code payload} (no limit of the table's unless stated) in bytes of
     *       UTF-8
     * </ul>
     *
     * @throws IllegalArgumentException if a key is unknown, a value unusable, or something a relay cannot do without is
     *     missing; says which
     */
    public static TableLayout of(Map<String, String> description) {
        return TableLayoutProperties.read(description);
    }

    /** The same table with a payload column of bytes. */
    public TableLayout withBinaryPayload() {
        Rows binary = new Rows(Payload.BINARY, rows.dueNow(), rows.zone(), rows.destinationPrefix(), rows.script());
        return new TableLayout(table, mapped, columns, statuses, lengths, binary);
    }

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

    /** Whether rows can say that their event was consumed. */
    public boolean tracksConsumption() {
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

    /** The code as SQL writes it. */
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

    /** What stands before the destination column's value; usually nothing. */
    public String destinationPrefix() {
        return rows.destinationPrefix();
    }

    /**
     * The same for two layouts that mean the same by every row, and for no two others in practice. Relays of a version that
     * knows no generations agree with those that do.
     */
    public String fingerprint() {
        Map<Column, String> known = new EnumMap<>(columns);
        known.remove(Column.GENERATION);
        String all = table + known + statuses + rows.payload() + rows.dueNow() + rows.zone() + rows.destinationPrefix();
        CRC32C crc = new CRC32C();
        crc.update(all.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** The index that Posthaste's script made for its own statements; null where the database chooses another. */
    @Nullable
    String pendingIndex() {
        return rows.script() == null ? null : simpleName() + "_pending";
    }

    /** The script that creates the table; null where it exists and belongs to somebody else. */
    @Nullable
    String script() {
        return rows.script();
    }

    @Override
    public String toString() {
        return "TableLayout[" + table + "]";
    }
}
