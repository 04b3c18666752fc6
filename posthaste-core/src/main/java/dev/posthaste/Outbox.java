package dev.posthaste;

import dev.posthaste.format.Envelope;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.OutboxInsert;
import dev.posthaste.jdbc.OutboxInsert.NewRow;
import dev.posthaste.jdbc.TableLayout;
import dev.posthaste.jdbc.TableLayout.Column;
import dev.posthaste.jdbc.TableLayout.Payload;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes events in the caller's own transaction: one INSERT on the connection that is handed in, and nothing else. It
 * never opens, commits, rolls back or closes anything. If the transaction commits, the event will be published; if it
 * rolls back, the event never was.
 *
 * <p><b>Order.</b> Events of one key are published in the order of their row ids. Those follow the business order only
 * when the event is written after the aggregate's row was locked ({@code select … for update}, or the update itself) in
 * the same transaction. Writing the event first and locking later inverts them under load.
 *
 * <p>Thread-safe.
 */
public final class Outbox {
    private final Catalog catalog;
    private final OutboxSettings settings;
    private final JsonMapper json;
    private final Map<String, OutboxInsert> inserts = new ConcurrentHashMap<>();

    public Outbox(Catalog catalog) {
        this(catalog, OutboxSettings.defaults());
    }

    public Outbox(Catalog catalog, OutboxSettings settings) {
        this(catalog, settings, JsonMapper.shared());
    }

    /** @param json what makes JSON of payload objects */
    public Outbox(Catalog catalog, OutboxSettings settings, JsonMapper json) {
        this.catalog = catalog;
        this.settings = settings;
        this.json = json;
    }

    /**
     * Writes one event.
     *
     * @param connection the caller's, inside its transaction
     * @throws InvalidEventException before any SQL, if the event could never be stored or sent
     * @throws DuplicateEventException if an event with this id was written before
     * @throws SQLException whatever else the database says
     */
    public void write(Connection connection, Event event) throws SQLException {
        write(connection, List.of(event));
    }

    /** Writes many events, one JDBC batch for each outbox they belong to; otherwise as the other. */
    public void write(Connection connection, List<Event> events) throws SQLException {
        if (!settings.autoCommitAllowed() && connection.getAutoCommit()) {
            throw new InvalidEventException(
                    "The connection is in auto-commit mode, so the event would not share the fate"
                            + " of the business change. Call setAutoCommit(false), or allow it in OutboxSettings on purpose.");
        }
        Map<OutboxDefinition, List<NewRow>> rows = new LinkedHashMap<>();
        for (Event event : events) {
            OutboxDefinition outbox = catalog.outboxOf(event.type());
            rows.computeIfAbsent(outbox, each -> new ArrayList<>()).add(row(outbox, event));
        }
        for (Map.Entry<OutboxDefinition, List<NewRow>> each : rows.entrySet()) {
            insert(connection, each.getKey()).insert(connection, each.getValue());
        }
    }

    private OutboxInsert insert(Connection connection, OutboxDefinition outbox) throws SQLException {
        OutboxInsert insert = inserts.get(outbox.name());
        if (insert == null) {
            insert = new OutboxInsert(Dialect.of(connection), outbox);
            inserts.put(outbox.name(), insert);
        }
        return insert;
    }

    private NewRow row(OutboxDefinition outbox, Event event) {
        TableLayout layout = outbox.table();
        requireLength(event, "id", event.id(), layout.length(Column.EVENT_ID));
        requireLength(event, "type", event.type(), layout.length(Column.TYPE));
        requireLength(event, "version", event.version(), layout.length(Column.VERSION));
        requireLength(event, "key", event.key(), layout.length(Column.KEY));
        requireLength(event, "routing key", event.routingKey(), layout.length(Column.ROUTING_KEY));
        requireDestination(event, outbox);
        requireRoom(event, layout);
        if (event.delay().isNegative()) {
            throw refused(event, "its delay is negative: " + event.delay());
        }
        Integer maxAttempts = event.maxAttempts();
        if (maxAttempts != null && maxAttempts < 1) {
            throw refused(event, "its maxAttempts is " + maxAttempts + "; at least 1 is wanted");
        }
        return new NewRow(event, headers(event, layout), payload(event, layout));
    }

    private static void requireDestination(Event event, OutboxDefinition outbox) {
        String destination = event.destination();
        if (destination != null && !outbox.allows(destination)) {
            throw refused(
                    event,
                    "its destination '" + destination + "' is not among those allowed for outbox " + outbox.name());
        }
        String prefix = outbox.table().destinationPrefix();
        if (destination != null && !destination.startsWith(prefix)) {
            throw refused(event, "its destination '" + destination + "' does not begin with " + prefix);
        }
    }

    /** What the event says must have a column to stand in; nothing is left out in silence. */
    private static void requireRoom(Event event, TableLayout layout) {
        boolean envelope = layout.payload() == Payload.ENVELOPE;
        requireColumn(event, layout, Column.KEY, "a key, and without it no order is kept", event.key() != null);
        requireColumn(
                event,
                layout,
                Column.VERSION,
                "a version",
                !envelope && !event.version().equals("v1"));
        requireColumn(event, layout, Column.DESTINATION, "a destination", event.destination() != null);
        requireColumn(event, layout, Column.ROUTING_KEY, "a routing key", event.routingKey() != null);
        requireColumn(event, layout, Column.HEADERS, "headers", !event.headers().isEmpty());
        requireColumn(event, layout, Column.MAX_ATTEMPTS, "maxAttempts", event.maxAttempts() != null);
    }

    private static void requireColumn(Event event, TableLayout layout, Column column, String what, boolean wanted) {
        if (wanted && !layout.has(column)) {
            throw refused(event, "table " + layout.table() + " has no column for " + what);
        }
    }

    private @Nullable String headers(Event event, TableLayout layout) {
        if (!layout.has(Column.HEADERS)) {
            return null;
        }
        Map<String, String> headers = TraceContext.addTo(event.headers());
        headers.forEach((name, value) -> {
            requireLength(event, "header name", name, TableLayout.MAX_HEADER_NAME);
            requireLength(event, "header " + name, value, TableLayout.MAX_HEADER_VALUE);
        });
        return headers.isEmpty() ? null : json.writeValueAsString(headers);
    }

    private byte[] payload(Event event, TableLayout layout) {
        byte[] body = bytes(event);
        if (body.length > settings.maxPayloadBytes()) {
            throw refused(
                    event,
                    "its payload has " + body.length + " bytes; " + settings.maxPayloadBytes()
                            + " are allowed. Store it elsewhere and send a reference, or raise OutboxSettings.maxPayloadBytes");
        }
        if (layout.payload() == Payload.BINARY) {
            return body;
        }
        requireText(event, body);
        return layout.payload() == Payload.ENVELOPE ? envelope(event, body) : body;
    }

    private static byte[] envelope(Event event, byte[] body) {
        try {
            return new Envelope(0, event.id(), event.type(), event.version(), null, event.key(), body).toJson();
        } catch (IllegalArgumentException e) {
            throw new InvalidEventException(
                    event + " is refused: " + e.getMessage() + ", and its table keeps JSON envelopes", e);
        }
    }

    private byte[] bytes(Event event) {
        Object payload = event.payload();
        if (payload instanceof byte[] bytes) {
            return bytes;
        }
        if (payload instanceof CharSequence text) {
            return text.toString().getBytes(StandardCharsets.UTF_8);
        }
        try {
            return json.writeValueAsBytes(payload);
        } catch (JacksonException e) {
            throw new InvalidEventException(
                    event + " is refused: no JSON can be made of a "
                            + payload.getClass().getName(),
                    e);
        }
    }

    private static void requireText(Event event, byte[] body) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
        } catch (CharacterCodingException e) {
            throw new InvalidEventException(
                    event + " is refused: its payload is not UTF-8, and the table's payload column holds text."
                            + " Use a layout with a binary payload",
                    e);
        }
        for (byte each : body) {
            if (each == 0) {
                throw refused(event, "its payload has a NUL character, which text columns cannot hold");
            }
        }
    }

    private static void requireLength(Event event, String what, @Nullable String value, int most) {
        if (value == null) {
            return;
        }
        if (value.length() > most) {
            throw refused(event, "its " + what + " has more than " + most + " characters");
        }
        if (value.indexOf('\0') >= 0) {
            throw refused(event, "its " + what + " has a NUL character");
        }
        if ((what.equals("id") || what.equals("type")) && (value.isBlank() || !value.equals(value.strip()))) {
            throw refused(event, "its " + what + " is blank or has white space around it");
        }
    }

    private static InvalidEventException refused(Event event, String why) {
        return new InvalidEventException(event + " is refused: " + why);
    }
}
