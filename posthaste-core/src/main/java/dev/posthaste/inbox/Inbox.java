package dev.posthaste.inbox;

import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.jdbc.InboxTransaction;
import dev.posthaste.jdbc.InboxTransactions;
import dev.posthaste.jdbc.Schema;
import dev.posthaste.journal.Receipt;
import io.opentelemetry.api.OpenTelemetry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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
    private static final Logger log = LoggerFactory.getLogger(Inbox.class);

    private final DataSource dataSource;
    private final String consumer;
    private final Map<String, Typed<?>> handlers;
    private final JsonMapper json;
    private final MessageFormat format;
    private final Receipts receipts;
    private final @Nullable InboxTraces traces;
    private final Duration silenceLimit;
    private final InboxTransactions transactions;
    private final AtomicBoolean checked = new AtomicBoolean();

    private Inbox(Builder builder) {
        this.dataSource = builder.dataSource;
        this.consumer = Objects.requireNonNull(builder.consumer, "an inbox needs the name of its consumer");
        this.handlers = Map.copyOf(builder.handlers);
        this.json = builder.json;
        this.format = builder.format;
        this.receipts = builder.receipts;
        this.traces = builder.telemetry == null ? null : new InboxTraces(builder.telemetry, consumer);
        this.silenceLimit = builder.silenceLimit;
        this.transactions = new InboxTransactions(dataSource, consumer, silenceLimit);
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

        /** The handler failed. Worth another attempt, which counts. */
        record Failed(Throwable cause) implements Result {}

        /** Never to be handled. */
        record Refused(String reason, @Nullable Throwable cause) implements Result {}

        /** This event cannot be handled now, and its handler is not to blame. Others may be; no attempt is counted. */
        record Postponed(Throwable cause) implements Result {}

        /** The inbox's database takes nothing now, for any event. No attempt is counted. */
        record Unavailable(Throwable cause) implements Result {}
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

    /** Why the database can handle no event at all now; null if it can. */
    @Nullable
    Throwable fault() {
        return transactions.fault();
    }

    /** The message as its format reads it, or as it came if that cannot be done. */
    Message opened(Message message) {
        try {
            return format.read(message);
        } catch (RuntimeException | StackOverflowError e) {
            return message;
        }
    }

    /** Where the event of an opened message came from, if that outbox hears receipts. */
    Receipt.@Nullable Consumed origin(Message opened) {
        Receipt.Consumed origin = Receipts.consumed(opened);
        return origin != null && receipts.tracks(origin.outbox()) ? origin : null;
    }

    /**
     * Makes one attempt at a message. Never throws, whatever is wrong with the message, the handler or the database.
     */
    public Result handle(Message message) {
        return traces == null ? attempt(message) : traces.around(message, this::attempt);
    }

    private Result attempt(Message message) {
        Received event;
        try {
            if (!Digest.matches(message)) {
                return refused("its content is not what was sent: the digest does not match", null);
            }
            Message opened = format.read(message);
            String eventId = opened.eventId();
            String fault = NoteId.fault(eventId);
            if (eventId == null || fault != null) {
                return refused(String.valueOf(fault), null);
            }
            String type = opened.eventType();
            if (type == null) {
                return refused("the message has no event type", null);
            }
            Typed<?> handler = handlers.get(type);
            if (handler == null) {
                return refused(
                        "consumer " + consumer + " has no handler for events of type " + type + "; it has "
                                + eventTypes(),
                        null);
            }
            event = new Received(opened, eventId, handler, origin(opened));
        } catch (RuntimeException e) {
            return refused("the message cannot be read: " + Thrown.message(e), e);
        } catch (Error e) {
            return new Result.Failed(e);
        }
        Result result;
        try {
            result = inTransaction(event);
        } catch (Throwable e) {
            return new Result.Postponed(e); // no memory for a result; what was done, the note says at the next attempt
        }
        if (result instanceof Result.Handled && checked.compareAndSet(false, true)) {
            logFindings();
        }
        return result;
    }

    /** An event that can be handled. */
    private record Received(Message message, String eventId, Typed<?> handler, Receipt.@Nullable Consumed receipt) {
        String noteId() {
            return NoteId.of(eventId);
        }

        void runHandler(JsonMapper json, Connection connection) throws Exception {
            handler.run(json, message, new Context(connection, eventId, message));
        }
    }

    private static Result refused(String reason, @Nullable Throwable cause) {
        return new Result.Refused(reason, cause);
    }

    /** Says once what endangers that an event takes effect once. */
    private void logFindings() {
        try {
            Schema.checkInbox(dataSource)
                    .warnings()
                    .forEach(warning -> log.warn("Inbox of consumer {}: {}", consumer, warning));
        } catch (SQLException | RuntimeException e) {
            log.debug("Inbox of consumer {}: its table cannot be checked", consumer, e);
        }
    }

    // --- The transaction ---------------------------------------------------------------------------------------------

    private Result inTransaction(Received event) {
        InboxTransaction transaction;
        try {
            transaction = transactions.begin();
        } catch (Throwable e) {
            return InboxTransactions.isContention(e) ? new Result.Postponed(e) : new Result.Unavailable(e);
        }
        boolean first;
        Connection connection;
        try {
            first = transaction.note(event.noteId());
            if (!first && event.receipt() == null) {
                transaction.close();
                return new Result.Duplicate();
            }
            connection = transaction.open();
        } catch (Throwable e) {
            transaction.close();
            return noteFailed(e);
        }
        try {
            if (first) {
                event.runHandler(json, connection);
            }
            if (event.receipt() != null) {
                receipts.handled(connection, event.receipt());
            }
            if (first) {
                transaction.prove();
            }
        } catch (Throwable e) {
            return failed(event, first, transaction, e);
        }
        try {
            transaction.commit();
        } catch (Throwable e) {
            transaction.close();
            return commitFailed(e);
        }
        transaction.close();
        return first ? new Result.Handled() : new Result.Duplicate();
    }

    /** No handler has run, so none is to blame: it is the database, other transactions, or what the event is called. */
    private Result noteFailed(Throwable e) {
        if (InboxTransactions.isContention(e)) {
            return new Result.Postponed(e);
        }
        Throwable fault = transactions.fault();
        if (fault != null) {
            return new Result.Unavailable(fault);
        }
        return InboxTransactions.isRefused(e)
                ? refused("the database does not take its event id: " + Thrown.message(e), e)
                : new Result.Postponed(e);
    }

    /** The handler threw an exception, or the transaction is not the note's any more. */
    private Result failed(Received event, boolean first, InboxTransaction transaction, Throwable e) {
        InboxTransaction.End end = transaction.rollBack(e);
        try {
            if (first && end == InboxTransaction.End.LOST && transactions.handled(event.noteId())) {
                return refused(
                        "its handler, or a statement of it, committed the inbox's transaction too early: its effects may be"
                                + " half done, and it is not handled again",
                        e);
            }
        } catch (Throwable fault) {
            return new Result.Unavailable(fault);
        } finally {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
        }
        if (e instanceof RejectEvent) {
            return refused(e.getMessage() == null ? "rejected by the handler" : e.getMessage(), e);
        }
        if (e instanceof MalformedPayload) {
            return refused("the payload cannot be read: " + Thrown.message(e), e);
        }
        if (InboxTransactions.isPassing(e)) {
            return new Result.Postponed(e);
        }
        return switch (end) {
            case BROKEN -> broken(transaction, e);
            case LOST ->
                new Result.Failed(new SQLException(
                        "The inbox's transaction was rolled back while the handler ran, by a deadlock or a timeout"
                                + " that the handler caught, or by a ROLLBACK of its own",
                        e));
            case ROLLED_BACK -> new Result.Failed(e);
        };
    }

    /** Either the database is away, or the handler broke its connection. */
    private Result broken(InboxTransaction transaction, Throwable e) {
        Throwable fault = transactions.fault();
        if (fault != null) {
            return new Result.Unavailable(fault);
        }
        if (transaction.age().compareTo(silenceLimit) < 0) {
            return new Result.Failed(e);
        }
        return new Result.Failed(new SQLException(
                "The handler lost its connection after " + transaction.age().toSeconds()
                        + " s: the server ends a session"
                        + " that says nothing for " + silenceLimit.toSeconds()
                        + " s inside the inbox's transaction (Inbox.Builder.silenceLimit)",
                e));
    }

    /** Whether it was committed, the note says at the next attempt. */
    private Result commitFailed(Throwable e) {
        if (InboxTransactions.isPassing(e)) {
            return new Result.Postponed(e);
        }
        if (InboxTransactions.isAnswer(e)) {
            return new Result.Failed(e);
        }
        Throwable fault = transactions.fault();
        return fault != null ? new Result.Unavailable(fault) : new Result.Postponed(e);
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
        private Duration silenceLimit = Duration.ofMinutes(1);

        private Builder(DataSource dataSource) {
            this.dataSource = dataSource;
        }

        /**
         * Who handles; each consumer handles each event once. At most 100 characters, and kept for ever. All processes of
         * one consumer use one database: notes that another database holds are not seen, and the event has its effect in
         * both.
         */
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

        /**
         * For how long a handler may leave {@link Context#connection()} unused before the server ends its session, and with
         * it the locks that a stopped process would otherwise hold for hours. A handler that is silent for longer, such as one
         * that waits for another service, fails. 60 s when never called; 1 s to 24 h. H2 has no such limit.
         */
        public Builder silenceLimit(Duration limit) {
            if (limit.compareTo(Duration.ofSeconds(1)) < 0 || limit.compareTo(Duration.ofHours(24)) > 0) {
                throw new IllegalArgumentException("A silence limit is 1 s to 24 h, not " + limit);
            }
            this.silenceLimit = limit;
            return this;
        }

        public Inbox build() {
            return new Inbox(this);
        }
    }
}
