package dev.posthaste.jdbc;

import dev.posthaste.DuplicateEventException;
import dev.posthaste.Event;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes events into an outbox's table, on the connection it is given. Thread-safe. */
public final class OutboxInsert {
    private final Dialect dialect;
    private final OutboxDefinition outbox;
    private final TableLayout layout;
    private final Map<List<Boolean>, String> inserts = new HashMap<>();

    public OutboxInsert(Dialect dialect, OutboxDefinition outbox) {
        this.dialect = dialect;
        this.outbox = outbox;
        this.layout = outbox.table();
        OutboxStatements statements = new OutboxStatements(dialect, layout);
        for (boolean delayed : new boolean[] {false, true}) {
            for (boolean limited : new boolean[] {false, true}) {
                inserts.put(List.of(delayed, limited), statements.insert(delayed, limited));
            }
        }
    }

    /** An event made ready for its row; {@code payload} is what the column is to hold. */
    public record NewRow(Event event, @Nullable String headers, byte[] payload) {
        private boolean delayed() {
            return !event.delay().isZero();
        }

        /** Which insert it wants: with a delay or without, with a limit of its own or without. */
        private List<Boolean> kind() {
            return List.of(delayed(), event.maxAttempts() != null);
        }
    }

    /** @throws DuplicateEventException if one of the event ids is there already */
    public void insert(Connection connection, List<NewRow> rows) throws SQLException {
        int from = 0;
        while (from < rows.size()) {
            int to = from + 1;
            while (to < rows.size() && rows.get(to).kind().equals(rows.get(from).kind())) {
                to++;
            }
            insertAlike(connection, rows.subList(from, to));
            from = to;
        }
    }

    private void insertAlike(Connection connection, List<NewRow> rows) throws SQLException {
        String sql = Objects.requireNonNull(inserts.get(rows.get(0).kind()));
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (NewRow row : rows) {
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
            for (@Nullable Throwable each = e; each != null; each = each.getCause()) {
                if (each instanceof SQLException sqlException && dialect.isDuplicate(sqlException)) {
                    throw new DuplicateEventException(
                            "An event is in table " + layout.table() + " already: "
                                    + rows.stream()
                                            .map(row -> row.event().id())
                                            .limit(10)
                                            .collect(Collectors.joining(", ")),
                            e);
                }
            }
            throw e;
        }
    }

    private void bind(PreparedStatement statement, NewRow row) throws SQLException {
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
                    Integer most = event.maxAttempts();
                    if (most != null) {
                        statement.setInt(next++, most);
                    }
                }
                case NEXT_ATTEMPT_AT -> {
                    if (row.delayed()) {
                        statement.setLong(next++, event.delay().toNanos() / 1000);
                    }
                }
                default -> {} // not a parameter
            }
        }
    }

    /** Other programs' tables know no null here: they find everything in the row. */
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
