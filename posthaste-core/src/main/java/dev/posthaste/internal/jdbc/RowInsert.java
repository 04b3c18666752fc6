package dev.posthaste.internal.jdbc;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.InvalidEventException;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.store.NewEvent;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes events into an outbox's table, on the connection it is given. Thread-safe. */
public final class RowInsert {
    private final Dialect dialect;
    private final OutboxDefinition outbox;
    private final EventTable layout;
    private final RowSql sql;
    private final Map<List<Boolean>, String> inserts = new HashMap<>();

    public RowInsert(Dialect dialect, OutboxDefinition outbox) {
        this.dialect = dialect;
        this.outbox = outbox;
        this.layout = EventTable.of(outbox);
        this.sql = new RowSql(dialect, outbox);
        for (boolean delayed : new boolean[] {false, true}) {
            for (boolean limited : new boolean[] {false, true}) {
                inserts.put(List.of(delayed, limited), sql.text(template(delayed, limited)));
            }
        }
    }

    private static boolean delayed(NewEvent event) {
        return !event.event().delay().isZero();
    }

    /** Which insert it needs: with or without a delay, with or without its own limit. */
    private static List<Boolean> kind(NewEvent event) {
        return List.of(delayed(event), event.event().attempts() != null);
    }

    /** @throws DuplicateEventException if one of the event ids exists already */
    public void insert(Connection connection, List<NewEvent> rows) throws SQLException {
        int from = 0;
        while (from < rows.size()) {
            int to = from + 1;
            while (to < rows.size() && kind(rows.get(to)).equals(kind(rows.get(from)))) {
                to++;
            }
            insertAlike(connection, rows.subList(from, to));
            from = to;
        }
    }

    /**
     * Inserts an event unless one with its id exists.
     *
     * @return whether it was inserted
     */
    public boolean insertIfAbsent(Connection connection, NewEvent row) throws SQLException {
        if (!layout.has(Column.EVENT_ID)) {
            throw new InvalidEventException(row.event() + " is invalid: table " + layout.table()
                    + " has no column for the event's id, so it cannot be told whether it exists");
        }
        if (dialect.duplicatesLockTheirNeighbours()
                && isThere(connection, row.event().id())) {
            return false;
        }
        String insert = Objects.requireNonNull(inserts.get(kind(row)));
        try (PreparedStatement statement =
                connection.prepareStatement(dialect.ignoringDuplicates(insert, sql.text("{event-id}")))) {
            bind(statement, row);
            return statement.executeUpdate() == 1;
        } catch (SQLException e) {
            SQLException duplicate = SqlErrors.find(e, dialect::isDuplicate);
            if (duplicate != null && !isOfPosition(duplicate)) {
                return false;
            }
            throw duplicate == null ? e : positionTaken(e);
        }
    }

    private boolean isThere(Connection connection, String eventId) throws SQLException {
        String find = sql.text("select 1 from {table} where {event-id} = ?");
        try (PreparedStatement statement = connection.prepareStatement(find)) {
            dialect.bindText(statement, 1, eventId);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next();
            }
        }
    }

    private SQLException positionTaken(SQLException e) {
        return new SQLIntegrityConstraintViolationException(
                "The next position of table " + layout.table()
                        + " is taken, so no event was written: the sequence or AUTO_INCREMENT of its column "
                        + layout.column(Column.ID)
                        + " is behind its rows, as after an import. Set it to more than the column's maximum",
                e.getSQLState(),
                e.getErrorCode(),
                e);
    }

    private void insertAlike(Connection connection, List<NewEvent> rows) throws SQLException {
        String sql = Objects.requireNonNull(inserts.get(kind(rows.get(0))));
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (NewEvent row : rows) {
                bind(statement, row);
                if (rows.size() > 1) {
                    statement.addBatch();
                }
            }
            if (rows.size() > 1) {
                statement.executeBatch();
            } else {
                statement.executeUpdate();
            }
        } catch (SQLException e) {
            SQLException duplicate = SqlErrors.find(e, dialect::isDuplicate);
            if (duplicate == null) {
                throw e;
            }
            if (isOfPosition(duplicate)) {
                throw positionTaken(e);
            }
            throw new DuplicateEventException("An event is in table " + layout.table() + " already: " + ids(rows), e);
        }
    }

    private static String ids(List<NewEvent> rows) {
        String first = rows.stream().map(row -> row.event().id()).limit(10).collect(Collectors.joining(", "));
        return rows.size() > 10 ? "one of " + rows.size() + ", " + first + ", …" : first;
    }

    /** Whether not this event exists already, but another one at the position that this one got. */
    private boolean isOfPosition(SQLException duplicate) {
        return !layout.has(Column.EVENT_ID) || (layout.isStandard() && dialect.isDuplicateOfPrimaryKey(duplicate));
    }

    /**
     * The columns of {@link Column}, in its order, that the table has; {@link #bind} binds in that order.
     *
     * @param limited whether the event has its own limit
     */
    private String template(boolean delayed, boolean limited) {
        List<String> columns = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (Column column : Column.values()) {
            String value = value(column, delayed, limited);
            if (value != null && layout.has(column)) {
                columns.add("{" + column.key() + "}");
                values.add(value);
            }
        }
        return """
                insert into {table} (%s)
                values (%s)
                """.formatted(String.join(", ", columns), String.join(", ", values));
    }

    /** Null for a column that a new row leaves to its default. */
    private @Nullable String value(Column column, boolean delayed, boolean limited) {
        return switch (column) {
            case EVENT_ID, TYPE, VERSION, KEY, DESTINATION, ROUTING_KEY, HEADERS, PAYLOAD, SERVICE -> "?";
            case STATUS -> "{pending}";
            case ATTEMPTS -> "0";
            case MAX_ATTEMPTS -> limited ? "?" : null;
            case NEXT_ATTEMPT_AT -> delayed ? "{fromNow}" : layout.dueNow() ? "{now}" : null;
            case CREATED_AT, UPDATED_AT -> "{now}";
            case ID, LAST_ERROR, PUBLISHED_AT, CONSUMED_AT, GENERATION -> null;
        };
    }

    private void bind(PreparedStatement statement, NewEvent row) throws SQLException {
        Event event = row.event();
        int next = 1;
        for (Column column : Column.values()) {
            if (!layout.has(column)) {
                continue;
            }
            switch (column) {
                case EVENT_ID -> dialect.bindText(statement, next++, event.id());
                case TYPE -> statement.setString(next++, event.type());
                case VERSION -> statement.setString(next++, event.version());
                case KEY -> statement.setString(next++, key(event));
                case DESTINATION -> statement.setString(next++, destination(event));
                case ROUTING_KEY -> statement.setString(next++, routingKey(event));
                case HEADERS -> statement.setString(next++, row.headers());
                case PAYLOAD -> {
                    if (layout.payload() == Payload.BINARY) {
                        statement.setBytes(next++, row.payload());
                    } else {
                        dialect.bindText(statement, next++, new String(row.payload(), StandardCharsets.UTF_8));
                    }
                }
                case SERVICE -> statement.setString(next++, outbox.name());
                case MAX_ATTEMPTS -> {
                    Integer most = event.attempts();
                    if (most != null) {
                        statement.setInt(next++, most);
                    }
                }
                case NEXT_ATTEMPT_AT -> {
                    if (delayed(row)) {
                        statement.setLong(next++, event.delay().toNanos() / 1000);
                    }
                }
                default -> {} // not a parameter
            }
        }
    }

    /** Other programs' tables have no null here: they expect everything in the row. */
    private @Nullable String key(Event event) {
        return event.key() == null && !layout.isStandard() ? "" : event.key();
    }

    private @Nullable String destination(Event event) {
        String destination = event.destination();
        if (layout.isStandard()) {
            return destination;
        }
        String full = destination == null ? outbox.route().destination() : destination;
        return full.substring(layout.destinationPrefix().length());
    }

    private @Nullable String routingKey(Event event) {
        String routingKey = event.routingKey();
        if (routingKey != null || layout.isStandard()) {
            return routingKey;
        }
        return outbox.route().routingKey() == null ? "" : outbox.route().routingKey();
    }
}
