package dev.posthaste;

import dev.posthaste.internal.jdbc.ConnectionStores;
import dev.posthaste.internal.jdbc.Dialect;
import dev.posthaste.internal.jdbc.EventTable;
import dev.posthaste.internal.jdbc.EventTable.Column;
import dev.posthaste.internal.jdbc.EventTable.Payload;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.messages.Envelope;
import dev.posthaste.internal.names.Names;
import dev.posthaste.internal.store.NewEvent;
import dev.posthaste.internal.tracing.GuardedTracing;
import dev.posthaste.internal.tracing.MessageTrace;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes events in the caller's own transaction: one INSERT on the connection that is handed in, and nothing else. It
 * never opens, commits, rolls back or closes anything. If the transaction commits, the event will be published; if it
 * rolls back, the event never was.
 *
 * <p><b>Order.</b> Events of one key are published in the order of their row ids. Those follow the business order only
 * when the event is written after the aggregate's row was locked ({@code select … for update}, or the update itself) in
 * the same transaction. Writing the event first and locking later inverts them under load.
 *
 * <p><b>The transaction must be yours.</b> A connection in auto-commit mode is an error, unless {@link #allowAutoCommit}
 * permits it. With auto-commit off, JDBC cannot tell whether a transaction was begun on purpose: if a pool hands out
 * connections with auto-commit off and the code never commits, the write succeeds here, and the pool rolls it back,
 * with the business change, when the connection is returned. The event is then not published, and nothing reports it.
 *
 * <p><b>Limits.</b> An event that could not be stored or sent is invalid: before any SQL, the write throws {@link
 * InvalidEventException}:
 *
 * <ul>
 *   <li>id: 64 characters, no white space around it and no control characters in it; type: 128 characters, registered in
 *       the catalog; key and version: 128 and 16 characters; routing key: 255 characters; the event's own destination:
 *       one that the outbox allows
 *   <li>headers: names of 128 characters, values of 4,096, and {@link #maxHeaderBytes} together, as JSON
 *   <li>headers with a name of {@link dev.posthaste.broker.MessageHeaders} are left out when the event is sent: a program may
 *       pass on those of a message that it received
 *   <li>id, type, routing key, destination and header names also at most 255 bytes of UTF-8, as RabbitMQ counts them
 *   <li>payload: {@link #maxPayloadBytes}, in UTF-8 without NUL unless the layout's payload is binary, and
 *       JSON where the table keeps envelopes
 *   <li>no NUL and no half of a surrogate pair in any text; key and header values may have white space around them
 *   <li>delay: up to 100 years; attempts: at least 1
 * </ul>
 *
 * Characters are UTF-16 units. A layout may state other lengths, {@code length.X}, and where a table has no
 * column for something, an event that has it is invalid.
 *
 * <p>One outbox object serves any number of databases: each write learns the kind of database from its connection,
 * without a round trip. Immutable and thread-safe; create one and keep it.
 */
@CheckReturnValue
public final class JdbcOutbox {
    private static final String JSON = "application/json";

    /** The longest payload unless {@link #maxPayloadBytes} says otherwise. */
    public static final int MAX_PAYLOAD_BYTES = 1_000_000;
    /** The longest headers unless {@link #maxHeaderBytes} says otherwise. */
    public static final int MAX_HEADER_BYTES = 100_000;

    private final Catalog catalog;
    private final PayloadSerializer serializer;
    private final Tracing tracing;
    private final int maxPayloadBytes;
    private final int maxHeaderBytes;
    private final boolean autoCommitAllowed;
    private final ConnectionStores stores;

    private JdbcOutbox(
            Catalog catalog,
            PayloadSerializer serializer,
            Tracing tracing,
            int maxPayloadBytes,
            int maxHeaderBytes,
            boolean autoCommitAllowed) {
        if (maxPayloadBytes < 1) {
            throw new IllegalArgumentException("maxPayloadBytes must be positive, not " + maxPayloadBytes);
        }
        if (maxHeaderBytes < 1) {
            throw new IllegalArgumentException("maxHeaderBytes must be positive, not " + maxHeaderBytes);
        }
        this.catalog = catalog;
        this.serializer = serializer;
        this.tracing = tracing;
        this.maxPayloadBytes = maxPayloadBytes;
        this.maxHeaderBytes = maxHeaderBytes;
        this.autoCommitAllowed = autoCommitAllowed;
        this.stores = new ConnectionStores();
    }

    /**
     * An outbox writer for all outboxes of the catalog, with the defaults: payloads as JSON, the limits above, and no
     * writes in auto-commit mode.
     */
    public static JdbcOutbox of(Catalog catalog) {
        return new JdbcOutbox(
                catalog,
                PayloadSerializer.json(),
                new GuardedTracing(FoundTracing.get()),
                MAX_PAYLOAD_BYTES,
                MAX_HEADER_BYTES,
                false);
    }

    /** The same, with another serializer for payloads that are neither {@code byte[]} nor text. */
    public JdbcOutbox serializer(PayloadSerializer serializer) {
        return new JdbcOutbox(catalog, serializer, tracing, maxPayloadBytes, maxHeaderBytes, autoCommitAllowed);
    }

    /**
     * The same, with another way to learn the trace that a writer is in. OpenTelemetry's current trace is carried without
     * this, where OpenTelemetry is on the class path; a trace that the event's headers name is left alone.
     */
    public JdbcOutbox tracing(Tracing tracing) {
        return new JdbcOutbox(
                catalog, serializer, new GuardedTracing(tracing), maxPayloadBytes, maxHeaderBytes, autoCommitAllowed);
    }

    /**
     * The same, with the longest payload that is accepted, in bytes; 1,000,000 unless set. Keep it below what the broker
     * accepts: Kafka's default is 1,048,588 with headers.
     */
    public JdbcOutbox maxPayloadBytes(int bytes) {
        return new JdbcOutbox(catalog, serializer, tracing, bytes, maxHeaderBytes, autoCommitAllowed);
    }

    /**
     * The same, with the most that an event's headers may take together, as JSON in UTF-8; 100,000 bytes unless set.
     * RabbitMQ sends all of a message's properties in one frame, of 131,072 bytes unless configured.
     */
    public JdbcOutbox maxHeaderBytes(int bytes) {
        return new JdbcOutbox(catalog, serializer, tracing, maxPayloadBytes, bytes, autoCommitAllowed);
    }

    /** The same, which may write an event outside of a transaction, as a message on its own; not unless set. */
    public JdbcOutbox allowAutoCommit(boolean allow) {
        return new JdbcOutbox(catalog, serializer, tracing, maxPayloadBytes, maxHeaderBytes, allow);
    }

    /** The same as an outbox that finds its own connection: that of the current transaction. */
    public Outbox joining(Transactions transactions) {
        return new JoiningOutbox(this, transactions, outbox -> {});
    }

    /**
     * The same as an outbox that finds its own connection: that of the current transaction.
     *
     * @param afterCommit is given the name of each outbox that was written to, once the transaction has committed; a
     *     relay's {@code wake} publishes it immediately
     */
    public Outbox joining(Transactions transactions, Consumer<String> afterCommit) {
        return new JoiningOutbox(this, transactions, afterCommit);
    }

    /**
     * Writes an event without options.
     *
     * @param key events with the same key are published in order; null if the order does not matter
     * @param payload bytes or text, stored as they are; or any other object, as the serializer writes it
     * @see #write(Connection, Event)
     */
    public void write(Connection connection, String type, @Nullable String key, Object payload) throws SQLException {
        write(connection, Event.of(type, key, payload));
    }

    /**
     * Writes one event.
     *
     * @param connection the caller's, inside its transaction
     * @throws NoTransactionException if the connection is in auto-commit mode
     * @throws InvalidEventException before any SQL, if the event could never be stored or sent
     * @throws DuplicateEventException if an event with this id was written before
     * @throws SQLException whatever else the database reports
     */
    public void write(Connection connection, Event event) throws SQLException {
        write(connection, List.of(event));
    }

    /**
     * Writes many events, in one JDBC batch for each outbox they belong to. The same exceptions as for one; after any, roll
     * the transaction back.
     */
    public void write(Connection connection, Collection<Event> events) throws SQLException {
        Map<OutboxDefinition, List<NewEvent>> rows = new LinkedHashMap<>();
        requireTransaction(connection);
        for (Event event : events) {
            OutboxDefinition outbox = catalog.outboxOf(event.type());
            rows.computeIfAbsent(outbox, each -> new ArrayList<>()).add(row(outbox, event));
        }
        requireBegun(connection);
        for (Map.Entry<OutboxDefinition, List<NewEvent>> each : rows.entrySet()) {
            stores.of(connection, each.getKey()).write(connection, each.getValue());
        }
    }

    /**
     * Writes an event unless one with its id was written before. Unlike a {@link DuplicateEventException}, a {@code false}
     * leaves the transaction usable on every database. Of several transactions that write the same id concurrently, one
     * writes and the others wait for it; on MySQL and MariaDB they may end in a deadlock, whose victim is rolled back
     * and tries again.
     *
     * @return whether it was written
     * @throws NoTransactionException if the connection is in auto-commit mode
     * @throws InvalidEventException before any SQL, if the event could never be stored or sent, or if its table does not
     *     keep ids
     */
    public boolean writeIfAbsent(Connection connection, Event event) throws SQLException {
        requireTransaction(connection);
        OutboxDefinition outbox = catalog.outboxOf(event.type());
        NewEvent row = row(outbox, event);
        requireBegun(connection);
        return stores.of(connection, outbox).writeIfAbsent(connection, row);
    }

    /** Names the outboxes that it writes to. */
    @Override
    public String toString() {
        return "JdbcOutbox"
                + catalog.outboxes().stream().map(OutboxDefinition::name).toList();
    }

    /** The outbox that an event of this type belongs in. */
    String outboxOf(Event event) {
        return catalog.outboxOf(event.type()).name();
    }

    private void requireTransaction(Connection connection) throws SQLException {
        if (!autoCommitAllowed && connection.getAutoCommit()) {
            throw new NoTransactionException(
                    "The connection is in auto-commit mode, so the event would not share the fate"
                            + " of the business change. Call setAutoCommit(false), or allow it on purpose:"
                            + " JdbcOutbox.allowAutoCommit(true)");
        }
    }

    private static void requireBegun(Connection connection) throws SQLException {
        if (!connection.getAutoCommit()) {
            Dialect.of(connection).requireTransaction(connection);
        }
    }

    private NewEvent row(OutboxDefinition outbox, Event event) {
        EventLimits.check(event, outbox);
        return new NewEvent(event, headers(event, outbox.eventTable()), payload(event, outbox.eventTable()));
    }

    private @Nullable String headers(Event event, EventTable layout) {
        if (!layout.has(Column.HEADERS)) {
            return null;
        }
        Map<String, String> headers = new LinkedHashMap<>(event.headers());
        if (!isStoredAsItIs(event.payload()) && !serializer.contentType().startsWith(JSON)) {
            headers.putIfAbsent("content-type", serializer.contentType());
        }
        if (headers.containsKey(MessageTrace.TRACEPARENT)) {
            return written(event, headers, layout);
        }
        Map<String, String> traced = new LinkedHashMap<>(headers);
        tracing.inject(traced);
        try {
            return written(event, traced, layout);
        } catch (InvalidEventException e) {
            return written(event, headers, layout); // no event is invalid because of its trace
        }
    }

    private @Nullable String written(Event event, Map<String, String> headers, EventTable layout) {
        EventLimits.checkHeaders(event, headers);
        if (headers.isEmpty()) {
            return null;
        }
        String written = Json.write(headers);
        EventLimits.checkHeaderBytes(event, Names.bytes(written), maxHeaderBytes, layout);
        return written;
    }

    private static boolean isStoredAsItIs(Object payload) {
        return payload instanceof byte[] || payload instanceof CharSequence;
    }

    private byte[] payload(Event event, EventTable layout) {
        byte[] body = bytes(event);
        if (body.length > maxPayloadBytes) {
            throw EventLimits.invalid(
                    event,
                    "its payload has " + body.length + " bytes; " + maxPayloadBytes
                            + " are allowed. Store it elsewhere and send a reference, or raise JdbcOutbox.maxPayloadBytes");
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
                    event + " is invalid: " + e.getMessage() + ", and its table keeps JSON envelopes", e);
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
            return serializer.write(payload, new Info(event));
        } catch (InvalidEventException e) {
            throw new InvalidEventException(event + " is invalid: " + e.getMessage(), e);
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            throw new InvalidEventException(
                    event + " is invalid: its serializer (" + serializer.contentType() + ") cannot write a "
                            + payload.getClass().getName(),
                    e);
        }
    }

    private static void requireText(Event event, byte[] body) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
        } catch (CharacterCodingException e) {
            throw new InvalidEventException(
                    event + " is invalid: its payload is not UTF-8, and the table's payload column holds text."
                            + " Use a layout with a binary payload",
                    e);
        }
        for (byte each : body) {
            if (each == 0) {
                throw EventLimits.invalid(event, "its payload has a NUL character, which text columns cannot hold");
            }
        }
    }

    private record Info(Event event) implements PayloadInfo {
        @Override
        public String eventType() {
            return event.type();
        }

        @Override
        public String version() {
            return event.version();
        }

        @Override
        public Map<String, String> headers() {
            return event.headers();
        }
    }
}
