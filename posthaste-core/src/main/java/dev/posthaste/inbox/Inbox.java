package dev.posthaste.inbox;

import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.Dialect;
import dev.posthaste.jdbc.InboxTable;
import dev.posthaste.journal.Receipt;
import io.opentelemetry.api.OpenTelemetry;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Handles each event once in effect. One database transaction notes {@code (consumer, event id)} and runs the handler
 * with the same connection; a duplicate finds the note and runs nothing.
 *
 * <pre>{@code
 * Inbox inbox = Inbox.builder(dataSource)
 *         .consumer("config-history")
 *         .on("config.history.created", ConfigHistory.class, (history, context) -> insert(context.connection(), history))
 *         .build();
 * }</pre>
 *
 * Knows no threads and no retries: that is {@link Consumer}. Thread-safe.
 */
public final class Inbox {
    private final DataSource dataSource;
    private final String consumer;
    private final Map<String, Typed<?>> handlers;
    private final JsonMapper json;
    private final MessageFormat format;
    private final Receipts receipts;
    private final @Nullable InboxTraces traces;
    private volatile @Nullable InboxTable table;

    private Inbox(Builder builder) {
        this.dataSource = builder.dataSource;
        this.consumer = Objects.requireNonNull(builder.consumer, "an inbox needs the name of its consumer");
        this.handlers = Map.copyOf(builder.handlers);
        this.json = builder.json;
        this.format = builder.format;
        this.receipts = builder.receipts;
        this.traces = builder.telemetry == null ? null : new InboxTraces(builder.telemetry, consumer);
        if (handlers.isEmpty()) {
            throw new IllegalArgumentException("Inbox " + consumer + " has no handler; call on(type, class, handler)");
        }
    }

    public static Builder builder(DataSource dataSource) {
        return new Builder(dataSource);
    }

    /** How one attempt ended. */
    public sealed interface Result {
        /** The handler ran, and its transaction committed. */
        record Handled() implements Result {}

        /** It was handled before. */
        record Duplicate() implements Result {}

        /** Worth another attempt. */
        record Failed(Throwable cause) implements Result {}

        /** Never to be handled. */
        record Refused(String reason, @Nullable Throwable cause) implements Result {}
    }

    public String consumer() {
        return consumer;
    }

    public Set<String> eventTypes() {
        return handlers.keySet();
    }

    DataSource dataSource() {
        return dataSource;
    }

    Receipts receipts() {
        return receipts;
    }

    /** The message as its format reads it, or as it came if that cannot be done. */
    Message opened(Message message) {
        try {
            return format.read(message);
        } catch (IllegalArgumentException e) {
            return message;
        }
    }

    /** Where the event of an opened message came from, if that outbox hears receipts. */
    Receipt.@Nullable Consumed origin(Message opened) {
        Receipt.Consumed origin = Receipts.consumed(opened);
        return origin != null && receipts.tracks(origin.outbox()) ? origin : null;
    }

    /** Makes one attempt at a message. Never throws for what is wrong with the message, the handler or the database. */
    public Result handle(Message message) {
        return traces == null ? attempt(message) : traces.around(message, this::attempt);
    }

    private Result attempt(Message message) {
        if (!Digest.matches(message)) {
            return new Result.Refused("its content is not what was sent: the digest does not match", null);
        }
        Message opened;
        try {
            opened = format.read(message);
        } catch (IllegalArgumentException e) {
            return new Result.Refused("the message cannot be read: " + e.getMessage(), e);
        }
        String eventId = opened.eventId();
        String type = opened.eventType();
        if (eventId == null || type == null || eventId.isBlank() || eventId.length() > 64) {
            return new Result.Refused("the message says no event id and type that could be used", null);
        }
        Typed<?> handler = handlers.get(type);
        if (handler == null) {
            return new Result.Refused(
                    "consumer " + consumer + " has no handler for events of type " + type + "; it has " + eventTypes(),
                    null);
        }
        try (Connection connection = dataSource.getConnection()) {
            return inTransaction(connection, eventId, opened, handler);
        } catch (SQLException e) {
            return new Result.Failed(e);
        }
    }

    private Result inTransaction(Connection connection, String eventId, Message message, Typed<?> handler)
            throws SQLException {
        connection.setAutoCommit(false);
        boolean committed = false;
        try {
            boolean first = table(connection).add(connection, consumer, eventId);
            if (first) {
                handler.run(json, message, new Context(connection, eventId, message));
            }
            Receipt.Consumed receipt = origin(message);
            if (receipt != null) {
                receipts.handled(connection, receipt);
            }
            if (first || receipt != null) {
                connection.commit();
                committed = true;
            }
            return first ? new Result.Handled() : new Result.Duplicate();
        } catch (RejectEvent e) {
            return new Result.Refused(e.getMessage() == null ? "rejected by the handler" : e.getMessage(), e);
        } catch (MalformedPayload e) {
            return new Result.Refused("the payload cannot be read: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Result.Failed(e);
        } catch (Exception e) {
            return new Result.Failed(e);
        } finally {
            end(connection, committed);
        }
    }

    private static void end(Connection connection, boolean committed) {
        try {
            if (!committed) {
                connection.rollback();
            }
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            // The connection is broken and is closed next; without a commit nothing counted, with one all of it did.
        }
    }

    private InboxTable table(Connection connection) throws SQLException {
        InboxTable known = table;
        if (known == null) {
            known = new InboxTable(Dialect.of(connection));
            table = known;
        }
        return known;
    }

    /** The payload is not what the handler's type needs. */
    private static final class MalformedPayload extends Exception {
        MalformedPayload(JacksonException cause) {
            super(
                    cause.getOriginalMessage() == null ? cause.getClass().getSimpleName() : cause.getOriginalMessage(),
                    cause);
        }
    }

    private record Typed<T>(Class<T> type, Handler<T> handler) {
        void run(JsonMapper json, Message message, Context context) throws Exception {
            handler.handle(read(json, message.body()), context);
        }

        private T read(JsonMapper json, byte[] body) throws MalformedPayload {
            if (type == byte[].class) {
                return type.cast(body);
            }
            if (type == String.class) {
                return type.cast(new String(body, java.nio.charset.StandardCharsets.UTF_8));
            }
            try {
                return json.readValue(body, type);
            } catch (JacksonException e) {
                throw new MalformedPayload(e);
            }
        }
    }

    /** Collects what an inbox needs. Not thread-safe. */
    public static final class Builder {
        private final DataSource dataSource;
        private final Map<String, Typed<?>> handlers = new LinkedHashMap<>();
        private @Nullable String consumer;
        private JsonMapper json = JsonMapper.shared();
        private MessageFormat format = MessageFormat.RAW;
        private Receipts receipts = Receipts.NONE;
        private @Nullable OpenTelemetry telemetry;

        private Builder(DataSource dataSource) {
            this.dataSource = dataSource;
        }

        /** Who handles; each consumer handles each event once. At most 100 characters, and kept for ever. */
        public Builder consumer(String consumer) {
            if (consumer.isBlank() || consumer.length() > 100) {
                throw new IllegalArgumentException("A consumer's name has 1 to 100 characters, not '" + consumer + "'");
            }
            this.consumer = consumer;
            return this;
        }

        public <T> Builder on(String eventType, Class<T> type, Handler<T> handler) {
            if (handlers.put(eventType, new Typed<>(type, handler)) != null) {
                throw new IllegalArgumentException("Two handlers for event type " + eventType);
            }
            return this;
        }

        public Builder json(JsonMapper json) {
            this.json = json;
            return this;
        }

        /** How messages are read: as the relay wrote them. {@link MessageFormat#RAW} when never called. */
        public Builder format(MessageFormat format) {
            this.format = format;
            return this;
        }

        /** How outboxes are told what became of their events. {@link Receipts#NONE} when never called. */
        public Builder receipts(Receipts receipts) {
            this.receipts = receipts;
            return this;
        }

        /**
         * Where spans go: one for each attempt at a message, in the trace of whoever wrote the event. It is current while the
         * handler runs, so that what the handler does, and the events that it writes, are of the same trace. None when never
         * called.
         */
        public Builder traces(OpenTelemetry telemetry) {
            this.telemetry = telemetry;
            return this;
        }

        public Inbox build() {
            return new Inbox(this);
        }
    }
}
