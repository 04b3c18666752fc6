package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.internal.jdbc.EventTable.Column;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Statements on an outbox's table. Each is written once, whole, where its parameters are bound, with these placeholders
 * in addition to those of {@link Dialect}; {@code COLUMN} is a column by its name in the configuration, such as {@code
 * next-attempt-at}:
 *
 * <ul>
 *   <li>{@code {table}}; {@code {table:id}} the same, read by ids; {@code {table:pending}} by the index that leads to rows
 *       of that status, or of another one; {@code {table:primary}} by the primary key; {@code {delete from table}} the
 *       beginning of a DELETE by ids
 *   <li>{@code {COLUMN}} a column's name; {@code {A|B}}, of two columns the first that the table has
 *   <li>{@code [...]} left out where the table lacks a column that is named in it
 *   <li>{@code {pending}} and so on: a status's code; {@code {status in pending, published}} whether a row has one of them,
 *       spelt so that no index on the status serves it: for rows that are found by their ids
 *   <li>{@code {id in ids}} whether a row's id is one of those that {@link #prepare(Connection, String, Collection)} binds
 *   <li>{@code {position}} a row's position in the index that leads to pending rows, {@code {order}} that index's order,
 *       {@code {order:desc}} the reverse, {@code {limit}} at most as many rows as a parameter allows
 *   <li>{@code {until:COLUMN}} nanoseconds from now to a time, {@code {since:COLUMN}} from a time to now, null where the
 *       time is and 0 where the table has none; {@code {time:COLUMN}} in microseconds since 1970
 *   <li>{@code {name:COLUMN}} a value that identifies the event or its destination, under the column's name; null where
 *       a row's are too large to be read. {@code {first 400:COLUMN}} at most this many characters of a text, where
 *       other programs may have written more, likewise
 *   <li>{@code {bytes:COLUMN}} how many bytes a value has; {@code {content bytes}} those of headers and payload, {@code
 *       {names bytes}} of the values that {@code {name:}} reads
 *   <li>{@code {due}} whether the next attempt is due, {@code {at once}} the next attempt of a row that is due
 *       immediately
 * </ul>
 *
 * <p>Each statement has one usable index, whatever the statistics say: a table that keeps a week of published events makes
 * the planner believe that hardly anything is pending, and an index that leads to pending events then seems to be the best
 * way to a thousand of them by their ids.
 *
 * <p>Each text is made once. Rows are read by {@link #label}s. Thread-safe.
 */
final class RowSql {
    /** The place of the hint for the index that leads to rows by their ids. */
    static final String BY_ID = "/*byId*/";

    /**
     * What the columns other than headers and payload may hold together; other programs' tables need not bound them.
     */
    static final int MAX_NAMES_BYTES = 64 * 1024;

    private static final List<Column> NAMES =
            List.of(Column.EVENT_ID, Column.TYPE, Column.VERSION, Column.KEY, Column.DESTINATION, Column.ROUTING_KEY);

    private static final Map<String, Column> COLUMNS =
            Arrays.stream(Column.values()).collect(Collectors.toMap(Column::key, column -> column));

    private static final Map<String, Status> STATUSES =
            Arrays.stream(Status.values()).collect(Collectors.toMap(Status::code, status -> status));

    private static final String STATUS_IN = "status in ";
    private static final String FIRST = "first ";
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^}]*)}");
    private static final Pattern OPTIONAL = Pattern.compile("\\[([^]]*)]");

    final Dialect dialect;
    final EventTable layout;
    final String outbox;
    private final String table;
    private final IdIndex idIndex;
    private final Map<String, String> texts = new ConcurrentHashMap<>();

    RowSql(Dialect dialect, OutboxDefinition outbox) {
        this.layout = EventTable.of(outbox);
        this.dialect = dialect.inZone(layout.zone());
        this.outbox = outbox.name();
        this.table = dialect.quoteTable(layout.table());
        this.idIndex = new IdIndex(dialect, layout);
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    /** The statement that a template describes. There are few templates, so they are cached. */
    String text(String template) {
        String known = texts.get(template);
        return known != null ? known : texts.computeIfAbsent(template, this::expand);
    }

    /** Like {@link #text}, for a template that is made for one call. */
    String expand(String template) {
        String there =
                OPTIONAL.matcher(template).replaceAll(optional -> quoted(has(optional) ? optional.group(1) : ""));
        return dialect.sql(PLACEHOLDER.matcher(there).replaceAll(each -> quoted(value(each))));
    }

    private static String quoted(String replacement) {
        return Matcher.quoteReplacement(replacement);
    }

    PreparedStatement prepare(Connection connection, String text) throws SQLException {
        return connection.prepareStatement(idIndex.apply(connection, text));
    }

    /** Also binds the ids, which are the first parameter if they are any. */
    PreparedStatement prepare(Connection connection, String text, Collection<Long> ids) throws SQLException {
        return IdLists.prepare(dialect, connection, idIndex.apply(connection, text), ids);
    }

    int update(Connection connection, String text, Collection<Long> ids) throws SQLException {
        try (PreparedStatement statement = prepare(connection, text, ids)) {
            return statement.executeUpdate();
        }
    }

    /** The name that a column of the table has in a result. */
    String label(Column column) {
        return layout.column(column);
    }

    // --- Placeholders ------------------------------------------------------------------------------------------------

    private boolean has(MatchResult optional) {
        return PLACEHOLDER.matcher(optional.group(1)).results().allMatch(each -> {
            String placeholder = each.group(1);
            String columns = placeholder.substring(placeholder.indexOf(':') + 1);
            return Arrays.stream(columns.split("\\|"))
                    .map(COLUMNS::get)
                    .anyMatch(column -> column == null || layout.has(column));
        });
    }

    private String value(MatchResult each) {
        String placeholder = each.group(1);
        int colon = placeholder.indexOf(':');
        String argument = placeholder.substring(colon + 1);
        return switch (placeholder.substring(0, colon < 0 ? placeholder.length() : colon)) {
            case "table" -> colon < 0 ? table : table(argument);
            case "pending", "published", "consumed", "dead" -> layout.literal(status(placeholder));
            case "position" -> position();
            case "order" -> order(colon >= 0);
            case "limit" -> layout.pendingIndex() == null ? "limit ?" : dialect.limit();
            case "until" -> nanos("nanosUntil", column(argument));
            case "since" -> nanos("nanosSince", column(argument));
            case "time" -> "{micros:" + name(column(argument)) + "}";
            case "name" -> eventName(column(argument));
            case "bytes" -> bytes(column(argument));
            case "content bytes" -> contentBytes();
            case "names bytes" -> namesBytes();
            case "due" -> dialect.isDue(name(Column.NEXT_ATTEMPT_AT));
            case "at once" -> layout.dueNow() ? "{now}" : "null";
            case "delete from table" -> dialect.deleteFrom(table, table("id"));
            case "id in ids" -> name(Column.ID) + " %s";
            default -> longer(placeholder, argument);
        };
    }

    private String longer(String placeholder, String argument) {
        if (placeholder.startsWith(STATUS_IN)) {
            return isOneOf(placeholder.substring(STATUS_IN.length()));
        }
        if (placeholder.startsWith(FIRST)) {
            String characters = placeholder.substring(FIRST.length(), placeholder.indexOf(':'));
            return first(Integer.parseInt(characters), column(argument));
        }
        boolean isColumn = COLUMNS.containsKey(placeholder) || placeholder.contains("|");
        return isColumn ? name(column(placeholder)) : "{" + placeholder + "}"; // the dialect's
    }

    /** The first of several that the table has, or else the last. */
    private Column column(String keys) {
        List<Column> columns =
                Arrays.stream(keys.split("\\|")).map(RowSql::columnOf).toList();
        return columns.stream().filter(layout::has).findFirst().orElse(columns.get(columns.size() - 1));
    }

    private static Column columnOf(String key) {
        Column column = COLUMNS.get(key);
        if (column == null) {
            throw new IllegalStateException("There is no column {" + key + "}");
        }
        return column;
    }

    private static Status status(String word) {
        Status status = STATUSES.get(word);
        if (status == null) {
            throw new IllegalStateException("There is no status {" + word + "}");
        }
        return status;
    }

    /** In the words of statements: for {@code {status in ...}}. */
    static String words(Collection<Status> statuses) {
        return statuses.stream().map(Status::code).collect(Collectors.joining(", "));
    }

    private String name(Column column) {
        return layout.isStandard() ? layout.column(column) : dialect.quote(layout.column(column));
    }

    private String table(String by) {
        String hint = switch (by) {
            case "id" -> dialect.afterHint(BY_ID).strip();
            case "primary" -> dialect.primaryKeyHint();
            default -> layout.pendingIndex() == null ? "" : dialect.statusHint(layout, status(by));
        };
        return hint.isEmpty() ? table : table + " " + hint;
    }

    /** Without the statuses that this table has no code for. */
    private String isOneOf(String statuses) {
        return dialect.isWithoutIndex(
                name(Column.STATUS),
                Arrays.stream(statuses.split(", "))
                        .map(RowSql::status)
                        .filter(status -> status != Status.CONSUMED || layout.canBeTracked())
                        .map(layout::literal)
                        .toList());
    }

    private String position() {
        String id = name(Column.ID);
        return layout.pendingIndex() == null ? id : dialect.pendingPosition(id);
    }

    private String order(boolean descending) {
        String order = layout.pendingIndex() == null
                ? name(Column.ID)
                : dialect.pendingOrder(name(Column.ID), name(Column.STATUS));
        return descending ? order.replace(",", " desc,") + " desc" : order;
    }

    /** Within 30,000 days of now: a time like {@code 9999-12-31} or {@code infinity} must not overflow. */
    private String nanos(String placeholder, Column column) {
        return layout.has(column)
                ? "case when " + name(column) + " is not null then {" + placeholder + ":"
                        + dialect.withinDecades(name(column)) + "} end"
                : "0";
    }

    private String eventName(Column column) {
        String name = name(column);
        return layout.isStandard()
                ? name
                : "case when " + namesBytes() + " <= " + MAX_NAMES_BYTES + " then " + name + " end as " + name;
    }

    private String first(int characters, Column column) {
        String name = name(column);
        return layout.isStandard() ? name : dialect.start(name, false, characters) + " as " + name;
    }

    private String bytes(Column column) {
        return "coalesce(" + dialect.octets(name(column), layout.isStandard()) + ", 0)";
    }

    private String contentBytes() {
        return layout.has(Column.HEADERS)
                ? "(" + bytes(Column.PAYLOAD) + " + " + bytes(Column.HEADERS) + ")"
                : bytes(Column.PAYLOAD);
    }

    private String namesBytes() {
        return layout.isStandard()
                ? "0"
                : NAMES.stream().filter(layout::has).map(this::bytes).collect(Collectors.joining(" + ", "(", ")"));
    }

    /** Whether an index leads to the rows of {@code status} without those of others. */
    boolean findsByIndex(Status status) {
        return status == Status.PENDING
                || status == Status.DEAD
                || layout.pendingIndex() != null && dialect.indexesEveryStatus();
    }
}
