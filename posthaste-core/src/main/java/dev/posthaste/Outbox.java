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
 * <p><b>The transaction must be yours.</b> A connection in auto-commit mode is refused, unless {@link OutboxSettings}
 * allow it. With auto-commit off, JDBC does not tell whether a transaction was begun on purpose: if a pool hands out
 * connections with auto-commit off and nobody commits, the write succeeds here, and the pool rolls it back, with the
 * business change, when the connection is returned. The event is then not published, and nothing reports it.
 *
 * <p><b>Limits.</b> What could not be stored or sent is refused before any SQL, by {@link InvalidEventException}:
 *
 * <ul>
 *   <li>id: 64 characters, no white space around it; type: 128 characters, registered in the catalog; key and version:
 *       128 and 16 characters; routing key: 255 characters; a destination of the event's own: one that the outbox allows
 *   <li>headers: names of 128 characters, values of 4,096, and {@link OutboxSettings#maxHeaderBytes} together, as JSON
 *   <li>headers with a name of {@link dev.posthaste.broker.MessageHeaders} are left out when the event is sent: a program may
 *       pass on those of a message that it received
 *   <li>id, type, routing key, destination and header names also at most 255 bytes of UTF-8, as RabbitMQ counts them
 *   <li>payload: {@link OutboxSettings#maxPayloadBytes}, in UTF-8 without NUL unless the layout's payload is binary, and
 *       JSON where the table keeps envelopes
 *   <li>no NUL and no half of a surrogate pair in any text; key and header values may have white space around them
 *   <li>delay: up to 100 years; maxAttempts: at least 1
 * </ul>
 *
 * Characters are units of UTF-16. A layout may state other lengths, {@code length.X}, and a table without a column for
 * something refuses an event that has it.
 *
 * <p>One outbox object serves any number of databases: each write asks its connection which kind it is, without asking the
 * server. Thread-safe.
 */
public final class Outbox {
    private final Catalog catalog;
    private final OutboxSettings settings;
    private final JsonMapper json;
    private final Map<Target, OutboxInsert> inserts = new ConcurrentHashMap<>();

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
        if (!connection.getAutoCommit()) {
            Dialect.of(connection).requireTransaction(connection);
        }
        for (Map.Entry<OutboxDefinition, List<NewRow>> each : rows.entrySet()) {
            insert(connection, each.getKey()).insert(connection, each.getValue());
        }
    }

    private record Target(Dialect dialect, String outbox) {}

    /** The drivers know their database's name since they connected, so that asking for it costs no round trip. */
    private OutboxInsert insert(Connection connection, OutboxDefinition outbox) throws SQLException {
        Target target = new Target(Dialect.of(connection), outbox.name());
        OutboxInsert insert = inserts.get(target);
        if (insert == null) {
            insert = new OutboxInsert(target.dialect(), outbox);
            inserts.put(target, insert);
        }
        return insert;
    }

    private NewRow row(OutboxDefinition outbox, Event event) {
        EventLimits.check(event, outbox);
        return new NewRow(event, headers(event, outbox.table()), payload(event, outbox.table()));
    }

    private @Nullable String headers(Event event, TableLayout layout) {
        if (!layout.has(Column.HEADERS)) {
            return null;
        }
        Map<String, String> headers = TraceContext.addTo(event.headers());
        EventLimits.checkHeaders(event, headers);
        if (headers.isEmpty()) {
            return null;
        }
        String written = json.writeValueAsString(headers);
        EventLimits.checkHeaderBytes(event, Names.bytes(written), settings, layout);
        return written;
    }

    private byte[] payload(Event event, TableLayout layout) {
        byte[] body = bytes(event);
        if (body.length > settings.maxPayloadBytes()) {
            throw EventLimits.refused(
                    event,
                    "its payload has " + body.length + " bytes; " + settings.maxPayloadBytes()
                            + " are allowed. Store it elsewhere and send a reference, or raise OutboxSettings.maxPayloadBytes");
        }
        if (layout.payload() != Payload.BINARY) {
            requireText(event, body);
        }
        byte[] stored = layout.payload() == Payload.ENVELOPE ? envelope(event, body) : body;
        EventLimits.checkStoredPayload(event, stored.length, layout);
        return stored;
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
            EventLimits.requireWholeCharacters(event, "payload", text);
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
                throw EventLimits.refused(event, "its payload has a NUL character, which text columns cannot hold");
            }
        }
    }
}
