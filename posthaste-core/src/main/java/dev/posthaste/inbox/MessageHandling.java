package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.messages.Digest;
import dev.posthaste.internal.receipts.OriginHeaders;
import dev.posthaste.internal.store.Receipt;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one attempt at a message, or at a batch of them: one database transaction notes {@code (inbox, event id)} and runs
 * the handler with the same connection; a duplicate finds the note and runs nothing. Knows no threads and no retries: that
 * is {@link Deliveries}. Thread-safe.
 */
final class MessageHandling {
    private static final Logger log = LoggerFactory.getLogger(MessageHandling.class);

    private final String inbox;
    private final InboxDatabase database;
    private final Handlers handlers;
    private final MessageFormat format;
    private final ReceiptChannel receipts;
    private final @Nullable InboxTraces traces;
    private final AtomicBoolean checked = new AtomicBoolean();

    MessageHandling(
            String inbox,
            InboxDatabase database,
            Handlers handlers,
            MessageFormat format,
            ReceiptChannel receipts,
            @Nullable InboxTraces traces) {
        this.inbox = inbox;
        this.database = database;
        this.handlers = handlers;
        this.format = format;
        this.receipts = receipts;
        this.traces = traces;
    }

    String inbox() {
        return inbox;
    }

    boolean handles(String eventType) {
        return handlers.find(eventType) != null;
    }

    /** Why the database can handle no event at all now; null if it can. */
    @Nullable
    Throwable fault() {
        return database.fault();
    }

    ReceiptChannel receipts() {
        return receipts;
    }

    /** The message as its format reads it, or as it came if it cannot be read. */
    Message opened(Message message) {
        try {
            return format.read(message);
        } catch (RuntimeException | StackOverflowError e) {
            return message;
        }
    }

    /** Where the event of an opened message came from, if that outbox gets receipts. */
    Receipt.@Nullable Consumed origin(Message opened) {
        Receipt.Consumed origin = OriginHeaders.consumed(opened);
        return origin != null && receipts.tracks(origin.outbox()) ? origin : null;
    }

    /** The handler of the message's type if it takes several events at once. */
    @Nullable
    TypedHandler<?> batchHandler(Message message) {
        String type = handlers.takeBatches() ? opened(message).eventType() : null;
        TypedHandler<?> handler = type == null ? null : handlers.find(type);
        return handler != null && handler.takesBatches() ? handler : null;
    }

    /**
     * Makes one attempt at a message. Never throws, whatever is wrong with the message, the handler or the database.
     *
     * @param attempt which one it is, from 1
     * @param givenUp what the handler threw at its last attempt, to run its fallback now; null to run the handler
     */
    AttemptResult handle(Message message, int attempt, @Nullable Throwable givenUp) {
        return traced(message, each -> attempt(each, attempt, givenUp));
    }

    /**
     * Makes one attempt at several messages of one handler, in one transaction: all of them are handled, or none. A
     * result other than {@link AttemptResult.Handled} is about at least one of them. Never throws.
     */
    AttemptResult handle(TypedHandler<?> handler, List<Message> messages) {
        return traced(messages.get(0), first -> attempt(handler, messages));
    }

    private AttemptResult traced(Message message, Function<Message, AttemptResult> attempt) {
        return traces == null ? attempt.apply(message) : traces.around(message, opened(message), attempt);
    }

    private AttemptResult attempt(Message message, int attempt, @Nullable Throwable givenUp) {
        Read read = read(message);
        if (read.event() == null) {
            return read.instead();
        }
        return run(new Work(read.event().handler(), List.of(read.event()), attempt, givenUp));
    }

    private AttemptResult attempt(TypedHandler<?> handler, List<Message> messages) {
        List<Received> events = new ArrayList<>(messages.size());
        for (Message message : messages) {
            Read read = read(message);
            if (read.event() == null) {
                return read.instead();
            }
            events.add(read.event());
        }
        return run(new Work(handler, events, 1, null));
    }

    private AttemptResult run(Work work) {
        AttemptResult result;
        try {
            result = database.run(work);
        } catch (Throwable e) {
            // No memory for a result: the next attempt learns from the note what was done.
            return new AttemptResult.Postponed(e);
        }
        if (result instanceof AttemptResult.Handled && checked.compareAndSet(false, true)) {
            logWarnings();
        }
        return result;
    }

    /** Logs, the first time only, what endangers the guarantee that an event takes effect once. */
    private void logWarnings() {
        try {
            database.warnings().forEach(warning -> log.warn("Inbox {}: {}", inbox, warning));
        } catch (SQLException | RuntimeException e) {
            log.debug("Inbox {}: its table cannot be checked", inbox, e);
        }
    }

    // --- Reading -----------------------------------------------------------------------------------------------------

    /** An event that can be handled, or the result to report instead. */
    private record Read(@Nullable Received event, AttemptResult instead) {}

    private record Received(
            Message message, String eventId, String type, TypedHandler<?> handler, Receipt.@Nullable Consumed receipt) {
        EventContext context(Connection connection, int attempt) {
            return new HandledEvent(connection, eventId, type, message, attempt);
        }
    }

    private Read read(Message message) {
        try {
            if (!Digest.matches(message)) {
                return refused("its content is not what was sent: the digest does not match", null);
            }
            return event(format.read(message));
        } catch (RuntimeException e) {
            return refused("the message cannot be read: " + Thrown.message(e), e);
        } catch (Error e) {
            return new Read(null, new AttemptResult.Failed(e, HandlerOptions.none()));
        }
    }

    private Read event(Message opened) {
        String type = opened.eventType();
        TypedHandler<?> handler = type == null ? null : handlers.find(type);
        if (type != null && handler == null) {
            return new Read(null, handlers.unknown(inbox, type));
        }
        String eventId = opened.eventId();
        String fault = NoteId.fault(eventId);
        if (eventId == null || fault != null) {
            return refused(String.valueOf(fault), null);
        }
        return type == null || handler == null
                ? refused("the message has no event type", null)
                : new Read(new Received(opened, eventId, type, handler, origin(opened)), new AttemptResult.Handled());
    }

    private static Read refused(String reason, @Nullable Throwable cause) {
        return new Read(null, Blame.refused(reason, cause));
    }

    // --- In the transaction ------------------------------------------------------------------------------------------

    private final class Work implements EventWork {
        private final TypedHandler<?> handler;
        private final List<Received> events;
        private final int attempt;
        private final @Nullable Throwable givenUp;

        Work(TypedHandler<?> handler, List<Received> events, int attempt, @Nullable Throwable givenUp) {
            this.handler = handler;
            this.events = events;
            this.attempt = attempt;
            this.givenUp = givenUp;
        }

        @Override
        public List<String> noteIds() {
            return events.stream().map(event -> NoteId.of(event.eventId())).toList();
        }

        @Override
        public void handle(Connection connection) throws Exception {
            if (givenUp == null) {
                List<EventContext> contexts = events.stream()
                        .map(event -> event.context(connection, attempt))
                        .toList();
                handler.run(handlers.serializer(), connection, contexts);
            } else {
                handler.runFallback(handlers.serializer(), events.get(0).context(connection, attempt), givenUp);
            }
        }

        @Override
        public boolean reportsDuplicates() {
            return events.size() == 1 && events.get(0).receipt() != null;
        }

        @Override
        public void report(Connection connection, boolean first) throws SQLException {
            for (Received event : events) {
                Receipt.Consumed receipt = event.receipt();
                if (receipt != null && first) {
                    receipts.handled(connection, receipt);
                } else if (receipt != null) {
                    receipts.handledBefore(connection, receipt);
                }
            }
        }

        @Override
        public HandlerOptions<?> options() {
            return handler.options();
        }
    }
}
