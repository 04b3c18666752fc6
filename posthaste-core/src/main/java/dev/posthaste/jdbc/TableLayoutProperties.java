package dev.posthaste.jdbc;

import dev.posthaste.Status;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads a layout that is described as {@link TableLayout#of} says. */
final class TableLayoutProperties {
    private static final Pattern COLUMN_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");
    private static final Pattern CODE = Pattern.compile("[A-Za-z0-9_-]{1,32}");
    private static final Pattern ZONE = Pattern.compile("UTC|session|[+-][01][0-9]:[0-5][0-9]");
    private static final Set<Column> REQUIRED =
            EnumSet.of(Column.ID, Column.TYPE, Column.PAYLOAD, Column.STATUS, Column.ATTEMPTS, Column.NEXT_ATTEMPT_AT);

    private TableLayoutProperties() {}

    /** @see TableLayout#of */
    static TableLayout read(Map<String, String> description) {
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
        TableLayout.Rows rows = new TableLayout.Rows(
                payload,
                rest.getOrDefault("due", "null").equals("now"),
                rest.get("zone"),
                rest.getOrDefault("destination-prefix", ""),
                null);
        return new TableLayout(table, true, columns, statuses, lengths, rows);
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
}
