package dev.posthaste.internal.jdbc;

import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Reads a layout that is described in the terms of {@link dev.posthaste.TableLayout#mapped}, and finds everything that
 * is wrong with it.
 */
final class LayoutProperties {
    /** Repeated, and checked, elsewhere. */
    private static final Pattern TABLE_NAME = Pattern.compile("[A-Za-z0-9_. -]{1,101}");

    private static final Pattern COLUMN_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");
    private static final Pattern CODE = Pattern.compile("[A-Za-z0-9_-]{1,32}");
    private static final Pattern ZONE = Pattern.compile("UTC|session|[+-][01][0-9]:[0-5][0-9]");
    private static final Pattern LENGTH = Pattern.compile("[1-9][0-9]{0,6}");
    private static final Pattern PAYLOAD = Pattern.compile("text|binary|envelope");
    private static final Pattern DUE = Pattern.compile("null|now");
    private static final Pattern ANY = Pattern.compile(".*", Pattern.DOTALL);
    private static final Set<Column> REQUIRED =
            EnumSet.of(Column.ID, Column.TYPE, Column.PAYLOAD, Column.STATUS, Column.ATTEMPTS, Column.NEXT_ATTEMPT_AT);

    private final Map<String, String> rest;
    private final List<String> problems = new ArrayList<>();

    private LayoutProperties(Map<String, String> description) {
        this.rest = new TreeMap<>(description);
    }

    /** @throws IllegalArgumentException with everything that is wrong */
    static EventTable read(Map<String, String> description) {
        return new LayoutProperties(description).read();
    }

    private EventTable read() {
        String table = take("table", "", TABLE_NAME);
        Map<Column, String> columns = new EnumMap<>(Column.class);
        Map<Column, Integer> lengths = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            String name = take("column." + column.key(), "", COLUMN_NAME);
            if (!name.isEmpty()) {
                columns.put(column, name);
            }
            String length = take("length." + column.key(), "", LENGTH);
            if (!length.isEmpty()) {
                lengths.put(column, Integer.valueOf(length));
            }
        }
        Map<Status, String> statuses = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            String code = take("status." + status.code(), "", CODE);
            if (!code.isEmpty()) {
                statuses.put(status, code);
            }
        }
        String payload = take("payload", "text", PAYLOAD);
        String zone = take("zone", "", ZONE);
        boolean dueNow = take("due", "null", DUE).equals("now");
        String prefix = take("destination-prefix", "", ANY);
        rest.keySet().forEach(key -> problems.add("there is no '" + key + "'"));
        requireEnough(columns, statuses);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(
                    "Layout" + (table.isEmpty() ? "" : " of table " + table) + ": " + String.join("; ", problems));
        }
        EventTable.Rows rows = new EventTable.Rows(
                Payload.valueOf(payload.toUpperCase(Locale.ROOT)), dueNow, zone.isEmpty() ? null : zone, prefix, null);
        return new EventTable(table, true, columns, statuses, lengths, rows);
    }

    /** The value of a key, or {@code fallback} where it is missing or unusable. */
    private String take(String key, String fallback, Pattern pattern) {
        String value = rest.remove(key);
        if (value == null) {
            return fallback;
        }
        if (!pattern.matcher(value).matches()) {
            problems.add("not a usable " + key + ": '" + value + "' (wanted: " + pattern + ")");
            return fallback;
        }
        return value;
    }

    private void requireEnough(Map<Column, String> columns, Map<Status, String> statuses) {
        List<String> missing = new ArrayList<>();
        REQUIRED.stream()
                .filter(column -> !columns.containsKey(column))
                .forEach(column -> missing.add("column." + column.key()));
        for (Status status : List.of(Status.PENDING, Status.PUBLISHED, Status.DEAD)) {
            if (!statuses.containsKey(status)) {
                missing.add("status." + status.code());
            }
        }
        if (!missing.isEmpty()) {
            problems.add("a relay cannot do without " + String.join(", ", missing));
        }
        if (new HashSet<>(statuses.values()).size() < statuses.size()
                || new HashSet<>(columns.values()).size() < columns.size()) {
            problems.add("a column or a status code is used for two things");
        }
    }
}
