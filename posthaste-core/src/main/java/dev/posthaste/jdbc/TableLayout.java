package dev.posthaste.jdbc;

import dev.posthaste.Names;
import dev.posthaste.Status;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * How an outbox's table looks: the {@link #standard} one, whose scripts lie beside this class, or one that exists already
 * and belongs to other programs too.
 *
 * <p>A table that exists is described by name and value, so that a layout can stand in a configuration file. The keys:
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
 * Immutable and thread-safe.
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

    private static final Pattern COLUMN_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");
    private static final Pattern CODE = Pattern.compile("[A-Za-z0-9_-]{1,32}");
    private static final Pattern ZONE = Pattern.compile("UTC|session|[+-][01][0-9]:[0-5][0-9]");
    private static final Set<Column> REQUIRED =
            EnumSet.of(Column.ID, Column.TYPE, Column.PAYLOAD, Column.STATUS, Column.ATTEMPTS, Column.NEXT_ATTEMPT_AT);

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
    private final Payload payload;
    private final boolean dueNow;
    private final @Nullable String zone;
    private final String destinationPrefix;
    private final @Nullable String pendingIndex;
    private final @Nullable String script;

    private TableLayout(
            String table,
            boolean mapped,
            Map<Column, String> columns,
            Map<Status, String> statuses,
            Map<Column, Integer> lengths,
            Payload payload,
            Map<String, String> rest) {
        this.table = Names.requireTable(table);
        this.mapped = mapped;
        this.columns = columns;
        this.statuses = statuses;
        this.lengths = lengths;
        this.payload = payload;
        this.dueNow = rest.getOrDefault("due", "null").equals("now");
        this.zone = rest.get("zone");
        this.destinationPrefix = rest.getOrDefault("destination-prefix", "");
        this.script = rest.get("script");
        this.pendingIndex = script == null ? null : simpleName() + "_pending";
    }

    /** Posthaste's own table. Dashes and blanks in the name become underscores. */
    public static TableLayout standard(String table) {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            if (!column.standardName.isEmpty() && column != Column.GENERATION) {
                columns.put(column, column.standardName);
            }
        }
        return new TableLayout(
                table.replace('-', '_').replace(' ', '_'),
                false,
                columns,
                standardStatuses(),
                Map.of(),
                Payload.TEXT,
                Map.of("script", "outbox.sql"));
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
                Payload.TEXT,
                Map.of("script", "debezium.sql", "zone", "session", "destination-prefix", "outbox.event."));
    }

    private static Map<Status, String> standardStatuses() {
        return Arrays.stream(Status.values())
                .collect(Collectors.toMap(
                        status -> status, Status::code, (a, b) -> a, () -> new EnumMap<>(Status.class)));
    }

    /**
     * A table that exists already, described as this class's comment says.
     *
     * @throws IllegalArgumentException if a key is unknown, a value unusable, or something a relay cannot do without is
     *     missing; says which
     */
    public static TableLayout of(Map<String, String> description) {
        Map<String, String> rest = new TreeMap<>(description);
        String table = rest.remove("table");
        if (table == null) {
            throw new IllegalArgumentException("A layout says its table; 'table' is missing in " + description);
        }
        Map<Column, String> columns = new EnumMap<>(Column.class);
        Map<Column, Integer> lengths = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            String name = rest.remove("column." + column.key());
            if (name != null) {
                columns.put(column, require(table, "column name", name, COLUMN_NAME));
            }
            String length = rest.remove("length." + column.key());
            if (length != null) {
                lengths.put(column, number(table, length));
            }
        }
        Map<Status, String> statuses = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            String code = rest.remove("status." + status.code());
            if (code != null) {
                statuses.put(status, require(table, "status code", code, CODE));
            }
        }
        Payload payload = payload(table, rest.remove("payload"));
        require(table, "zone", rest.getOrDefault("zone", "UTC"), ZONE);
        require(table, "due", rest.getOrDefault("due", "null"), Pattern.compile("null|now"));
        rest.keySet().stream()
                .filter(key -> !Set.of("due", "zone", "destination-prefix").contains(key))
                .findFirst()
                .ifPresent(key -> {
                    throw new IllegalArgumentException("Layout of table " + table + ": there is no '" + key + "'");
                });
        requireEnough(table, columns, statuses);
        return new TableLayout(table, true, columns, statuses, lengths, payload, rest);
    }

    private static void requireEnough(String table, Map<Column, String> columns, Map<Status, String> statuses) {
        List<String> missing = REQUIRED.stream()
                .filter(column -> !columns.containsKey(column))
                .map(column -> "column." + column.key())
                .collect(Collectors.toList());
        for (Status status : List.of(Status.PENDING, Status.PUBLISHED, Status.DEAD)) {
            if (!statuses.containsKey(status)) {
                missing.add("status." + status.code());
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(
                    "Layout of table " + table + ": a relay cannot do without " + String.join(", ", missing));
        }
        if (Set.copyOf(statuses.values()).size() < statuses.size()
                || Set.copyOf(columns.values()).size() < columns.size()) {
            throw new IllegalArgumentException(
                    "Layout of table " + table + ": a column or a status code stands for two things");
        }
    }

    private static String require(String table, String what, String value, Pattern pattern) {
        if (!pattern.matcher(value).matches()) {
            throw new IllegalArgumentException("Layout of table " + table + ": not a usable " + what + ": '" + value
                    + "' (wanted: " + pattern + ")");
        }
        return value;
    }

    private static int number(String table, String value) {
        return Integer.parseInt(require(table, "length", value, Pattern.compile("[1-9][0-9]{0,6}")));
    }

    private static Payload payload(String table, @Nullable String value) {
        String word = value == null ? "text" : value;
        return Payload.valueOf(require(table, "payload", word, Pattern.compile("text|binary|envelope"))
                .toUpperCase(Locale.ROOT));
    }

    /** The same table, whose outbox is tracked: Posthaste's own then keeps each event's generation. */
    public TableLayout tracked() {
        if (mapped || has(Column.GENERATION)) {
            return this;
        }
        Map<Column, String> more = new EnumMap<>(columns);
        more.put(Column.GENERATION, Column.GENERATION.standardName);
        return new TableLayout(table, false, more, statuses, lengths, payload, rest());
    }

    /** The same table with a payload column of bytes. */
    public TableLayout withBinaryPayload() {
        return new TableLayout(table, mapped, columns, statuses, lengths, Payload.BINARY, rest());
    }

    private Map<String, String> rest() {
        Map<String, String> rest =
                new TreeMap<>(Map.of("due", dueNow ? "now" : "null", "destination-prefix", destinationPrefix));
        if (zone != null) {
            rest.put("zone", zone);
        }
        if (script != null) {
            rest.put("script", script);
        }
        return rest;
    }

    public String table() {
        return table;
    }

    public Payload payload() {
        return payload;
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
        return dueNow;
    }

    /** The clock that the table's times show; empty where the layout does not state it. */
    String zone() {
        return zone == null ? "" : zone;
    }

    /** What stands before the destination column's value; usually nothing. */
    public String destinationPrefix() {
        return destinationPrefix;
    }

    /**
     * The same for two layouts that mean the same by every row, and for no two others in practice. Relays of a version that
     * knows no generations agree with those that do.
     */
    public String fingerprint() {
        Map<Column, String> known = new EnumMap<>(columns);
        known.remove(Column.GENERATION);
        String all = table + known + statuses + payload + dueNow + zone + destinationPrefix;
        CRC32C crc = new CRC32C();
        crc.update(all.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** The index that Posthaste's script made for its own statements; null where the database chooses another. */
    @Nullable
    String pendingIndex() {
        return pendingIndex;
    }

    /** The script that creates the table; null where it exists and belongs to somebody else. */
    @Nullable
    String script() {
        return script;
    }

    @Override
    public String toString() {
        return "TableLayout[" + table + "]";
    }
}
