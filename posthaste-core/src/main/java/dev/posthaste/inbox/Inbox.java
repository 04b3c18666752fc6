package dev.posthaste.inbox;

import dev.posthaste.PayloadSerializer;
import dev.posthaste.RetryPolicy;
import dev.posthaste.Tracing;
import dev.posthaste.Transactions;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Receiver;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.internal.text.DurationText;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Handles each event once in effect. One database transaction notes {@code (inbox, event id)} and runs the handler with the
 * same connection; a duplicate finds the note and runs nothing.
 *
 * <pre>{@code
 * Inbox stock = Inbox.builder("stock", database)
 *         .on("order.placed", Order.class, (order, context) -> reserve(context.connection(), order))
 *         .build();
 * }</pre>
 *
 * <p>Messages of one key are handled one after another, those of different keys in parallel; one that fails is tried
 * again in place, while later ones of its key wait behind it. A failure that no handler is to blame for, such as an
 * unavailable database, counts no attempt. {@link AfterLastAttempt} says what happens to an event that cannot be
 * handled; its key continues.
 *
 * <p>Where messages come from elsewhere, {@code once} does what a handler would do, in the caller's transaction.
 *
 * <p>Threads start with the first delivery or the first {@code once}, and end with {@link #close}. Thread-safe.
 */
public final class Inbox implements Receiver {
    private static final Duration MAX_TIME = Duration.ofDays(36_525);

    private final String name;
    private final @Nullable Transactions transactions;
    private final Deliveries deliveries;
    private final @Nullable NoteRetention retention;
    private final Duration closeTimeout;
    private volatile boolean closed;

    private Inbox(Builder builder) {
        name = builder.name;
        transactions = builder.transactions;
        closeTimeout = builder.closeTimeout;
        InboxDatabase database = builder.transactions == null
                ? new OwnDatabase(Objects.requireNonNull(builder.dataSource), name, builder.silenceLimit)
                : new JoinedDatabase(builder.transactions, name);
        deliveries = builder.deliveries(database);
        retention = builder.executor == null ? builder.retention(database) : null;
    }

    /**
     * An inbox that makes its own transactions.
     *
     * @param name who handles; each inbox handles each event once. 1 to 100 characters, and never to be changed: under
     *     another name everything that comes again is handled again. All processes with an inbox of one name use one
     *     database; notes that another database holds are not seen, and the event has its effect in both.
     * @param dataSource of the database that has the table {@code posthaste_inbox}
     */
    public static Builder builder(String name, DataSource dataSource) {
        return new Builder(name, dataSource, null);
    }

    /**
     * An inbox that works in the application's transactions, as its framework makes them: what handlers do through the
     * framework, such as a repository, joins the note's transaction.
     */
    public static Builder builder(String name, Transactions transactions) {
        return new Builder(name, null, transactions);
    }

    @Override
    public String name() {
        return name;
    }

    /** Whether there is a handler for events of this type. */
    @Override
    public boolean handles(String eventType) {
        return deliveries.handles(eventType);
    }

    @Override
    public void accept(Delivery delivery) {
        forgetFromNowOn();
        deliveries.accept(delivery);
    }

    private void forgetFromNowOn() {
        if (retention != null) {
            retention.start();
        }
    }

    // --- In the caller's transaction ---------------------------------------------------------------------------------

    /** What is done once in effect. */
    @FunctionalInterface
    public interface Work<X extends Exception> {
        /** What it throws goes to the caller of {@code once}, and undoes the note too. */
        void run() throws X;
    }

    /**
     * Does the work unless it was done before, in the current transaction; if there is none, in one of its own. The
     * note and what the work does in that transaction are committed together, or not at all. If the work throws, both
     * are undone, even in a transaction that is then committed. Nothing is tried again: that is up to the caller.
     *
     * @param eventId what distinguishes the work from any other: an event's id, a request's
     * @return false if it was done before
     * @throws InboxBusyException if another process or transaction is doing it now; the transaction remains usable
     * @throws dev.posthaste.StoreException if the database fails
     * @throws IllegalArgumentException if the id is blank, begins or ends with white space, or holds control characters
     * @throws IllegalStateException if this inbox was built without {@link Transactions}, or is closed
     */
    public <X extends Exception> boolean once(String eventId, Work<X> work) throws X {
        Transactions joined = transactions;
        if (joined == null) {
            throw new IllegalStateException(
                    "Inbox " + name + " does not know the current transaction. There are two ways:"
                            + " once(connection, eventId, work), or an inbox that was built with Transactions,"
                            + " Inbox.builder(name, transactions)");
        }
        requireOpen();
        return new OnceCall<>(name, eventId, work).in(joined);
    }

    /**
     * The same in the connection's transaction, which the caller commits or rolls back.
     *
     * @throws dev.posthaste.NoTransactionException if the connection is in auto-commit mode
     */
    public <X extends Exception> boolean once(Connection connection, String eventId, Work<X> work)
            throws X, SQLException {
        requireOpen();
        return new OnceCall<>(name, eventId, work).in(connection);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("Inbox " + name + " is closed");
        }
        forgetFromNowOn();
    }

    /**
     * Takes nothing more, waits for running handlers within {@link Builder#closeTimeout}, then interrupts them, and abandons
     * the rest: the broker hands it to another consumer. Works before the first delivery, and twice.
     */
    @Override
    public void close() {
        closed = true;
        deliveries.close(closeTimeout);
        if (retention != null) {
            retention.close();
        }
    }

    /** Collects what an inbox needs. Used by one thread. */
    public static final class Builder {
        private final String name;
        private final @Nullable DataSource dataSource;
        private final @Nullable Transactions transactions;
        private final Map<String, TypedHandler<?>> handlers = new LinkedHashMap<>();
        private final List<InboxListener> listeners = new ArrayList<>();
        private UnknownTypes unknownTypes = UnknownTypes.IGNORE;
        private RetryPolicy retry = RetryPolicy.exponential(Duration.ofMillis(100), Duration.ofSeconds(30))
                .attempts(10)
                .named("in-place");
        private AfterLastAttempt afterLastAttempt = AfterLastAttempt.DEAD_LETTER;
        private Duration keep = Duration.ofDays(30);
        private int threads = 4;
        private @Nullable ThreadFactory threadFactory;
        private Duration closeTimeout = Duration.ofSeconds(10);
        private @Nullable PayloadSerializer serializer;
        private MessageFormat format = MessageFormat.RAW;
        private Receipts receipts = Receipts.none();
        private @Nullable Tracing tracing;
        private Duration silenceLimit = Duration.ofMinutes(1);
        // Tests set these:
        @Nullable
        ScheduledExecutorService executor;

        RandomGenerator random = new Random();

        private Builder(String name, @Nullable DataSource dataSource, @Nullable Transactions transactions) {
            if (name.isBlank() || name.length() > 100) {
                throw new IllegalArgumentException("An inbox's name has 1 to 100 characters, not '" + name + "'");
            }
            this.name = name;
            this.dataSource = dataSource;
            this.transactions = transactions;
        }

        /** @throws IllegalArgumentException if there is a handler for this type already */
        public <T> Builder on(String eventType, Class<T> payload, Handler<? super T> handler) {
            return add(eventType, TypedHandler.single(payload, handler, HandlerOptions.none()));
        }

        /** The same, with what differs for this handler. */
        public <T> Builder on(
                String eventType,
                Class<T> payload,
                Handler<? super T> handler,
                UnaryOperator<HandlerOptions<T>> options) {
            return add(eventType, TypedHandler.single(payload, handler, options.apply(HandlerOptions.none())));
        }

        /** @param annotated with {@link dev.posthaste.OutboxEvent}, which says the type */
        public <T> Builder on(Class<T> annotated, Handler<? super T> handler) {
            return on(TypedHandler.type(annotated), annotated, handler);
        }

        /**
         * Handles up to {@code max} events together, in one transaction: those that are waiting when a thread is free.
         * It does not wait for more.
         *
         * @param max 1 to 1,000
         */
        public <T> Builder onBatch(String eventType, Class<T> payload, int max, BatchHandler<T> handler) {
            require(max >= 1 && max <= 1000, "a batch has 1 to 1000 events, not " + max);
            return add(eventType, new TypedHandler<>(payload, handler, max, HandlerOptions.none()));
        }

        private Builder add(String eventType, TypedHandler<?> handler) {
            require(handlers.putIfAbsent(eventType, handler) == null, "two handlers for event type " + eventType);
            return this;
        }

        private void require(boolean condition, String what) {
            if (!condition) {
                throw new IllegalArgumentException("Inbox " + name + ": " + what);
            }
        }

        /** What happens to events without a handler. {@link UnknownTypes#IGNORE} when never called. */
        public Builder unknownTypes(UnknownTypes policy) {
            this.unknownTypes = policy;
            return this;
        }

        /**
         * How a failing event is tried again in place, while later events of its key wait behind it. 10 attempts from
         * 100 ms doubling to 30 s, ± 20 %, when never called.
         */
        public Builder retry(RetryPolicy retry) {
            this.retry = retry;
            return this;
        }

        /** What happens to an event that has used up its attempts. A dead letter when never called. */
        public Builder afterLastAttempt(AfterLastAttempt then) {
            this.afterLastAttempt = then;
            return this;
        }

        /**
         * For how long handled events are remembered. A message that comes again after that is handled again, so this
         * must be longer than messages are kept anywhere that they may come from again: the outbox's retention, the
         * broker's. 30 days when never called.
         */
        public Builder keep(Duration keep) {
            this.keep = positive("keep", keep);
            return this;
        }

        /** How many handlers run in parallel; 4 when never called. */
        public Builder threads(int threads) {
            require(threads >= 1, "it needs at least one thread, not " + threads);
            this.threads = threads;
            return this;
        }

        /** What makes the inbox's threads. Daemons named {@code posthaste-inbox-NAME} when never called. */
        public Builder threadFactory(ThreadFactory factory) {
            this.threadFactory = factory;
            return this;
        }

        /** How long {@link Inbox#close} waits for running handlers; 10 s when never called. */
        public Builder closeTimeout(Duration timeout) {
            this.closeTimeout = positive("closeTimeout", timeout);
            return this;
        }

        private Duration positive(String what, Duration duration) {
            require(
                    duration.compareTo(Duration.ZERO) > 0 && duration.compareTo(MAX_TIME) <= 0,
                    what + " is positive and at most 100 years, not " + DurationText.of(duration));
            return duration;
        }

        /**
         * Reads payloads that are neither {@code byte[]} nor text; {@link PayloadSerializer#json} when never called.
         */
        public Builder serializer(PayloadSerializer serializer) {
            this.serializer = serializer;
            return this;
        }

        /** How messages are read: as the relay wrote them. {@link MessageFormat#RAW} when never called. */
        public Builder format(MessageFormat format) {
            this.format = format;
            return this;
        }

        /** How outboxes learn the outcome of their events. {@link Receipts#none} when never called. */
        public Builder receipts(Receipts receipts) {
            this.receipts = receipts;
            return this;
        }

        /** Adds a listener to what the inbox does; those added before stay. */
        public Builder listener(InboxListener listener) {
            listeners.add(listener);
            return this;
        }

        /**
         * Where spans go: one for each attempt at a message, or at a batch, in the trace of whoever wrote its first event. It is
         * current while the handler runs, so that what the handler does, and the events that it writes, are part of the
         * same trace. None when never called.
         */
        public Builder tracing(Tracing tracing) {
            this.tracing = tracing;
            return this;
        }

        /**
         * For how long a handler may leave {@link EventContext#connection()} unused before the server ends its session,
         * and with it releases the locks that a stopped process would otherwise hold for hours. A handler that leaves
         * it unused for longer, such as one that waits for another service, fails. 60 s when never called; 1 s to 24 h.
         * H2 has no such limit, and it is not set in an application's {@link Transactions}.
         */
        public Builder silenceLimit(Duration limit) {
            require(
                    limit.compareTo(Duration.ofSeconds(1)) >= 0 && limit.compareTo(Duration.ofHours(24)) <= 0,
                    "a silence limit is 1 s to 24 h, not " + DurationText.of(limit));
            this.silenceLimit = limit;
            return this;
        }

        /**
         * Starts nothing.
         *
         * @throws IllegalArgumentException if a handler's payload needs a JSON library and there is none
         */
        public Inbox build() {
            return new Inbox(this);
        }

        private Deliveries deliveries(InboxDatabase database) {
            MessageHandling handling = new MessageHandling(
                    name,
                    database,
                    new Handlers(handlers, unknownTypes, serializer),
                    format,
                    receipts.open(database),
                    tracing == null ? null : new InboxTraces(tracing, name));
            return new Deliveries(
                    handling,
                    retry,
                    afterLastAttempt,
                    new InboxListeners(name, List.copyOf(listeners)),
                    executor == null ? InboxThreads.of(name, threads, factory("")) : new InboxThreads(name, executor),
                    random);
        }

        private NoteRetention retention(InboxDatabase database) {
            return new NoteRetention(name, database, keep, receipts.longestKeep(), factory("-retention"));
        }

        private ThreadFactory factory(String suffix) {
            return threadFactory == null ? InboxThreads.daemons("posthaste-inbox-" + name + suffix) : threadFactory;
        }
    }
}
