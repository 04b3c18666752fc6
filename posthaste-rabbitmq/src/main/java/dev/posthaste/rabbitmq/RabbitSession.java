package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BlockedListener;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, from its opening to its end. Each exchange has its own channel, an {@link ExchangeChannel}, so that a
 * message that makes RabbitMQ close its channel does not affect the confirms of other exchanges.
 *
 * <p>Thread-safe. Three threads meet here: the publisher sends, the connection's thread brings confirms, and the watch
 * ends what takes too long. One lock guards the state that they share; no thread holds it while it writes, waits for the
 * server or calls a callback.
 */
final class RabbitSession {
    private static final Logger log = LoggerFactory.getLogger(RabbitSession.class);
    private static final int GOODBYE_MILLIS = 1_000;

    private final RabbitSettings settings;
    private final Shared shared;
    private final Connection connection;
    private final ConnectionSocket socket;
    private final CloseVerdicts verdicts;
    private final SessionDeadlines deadlines;
    private final PublisherActivity activity = new PublisherActivity();
    private final Object lock = new Object();
    private final ExchangeChannels channels; // guarded by lock
    private final ConfirmWindow window; // guarded by lock
    private final SendGate gate;
    private final RouteDeclarations declarations; // confined to the publisher's thread
    private volatile @Nullable String alarm;
    private volatile boolean closed;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicBoolean endLogged = new AtomicBoolean();

    /**
     * What outlives a connection.
     *
     * @param routes to be declared on every connection
     */
    record Shared(
            UnsentMessages unsent,
            Suspects suspects,
            Patience patience,
            FaultLog faults,
            RouteDeclarations.Known routes) {}

    private RabbitSession(RabbitSettings settings, Shared shared, Connection connection, ConnectionSocket socket) {
        this.settings = settings;
        this.shared = shared;
        this.connection = connection;
        this.socket = socket;
        this.verdicts = new CloseVerdicts(shared.suspects(), shared.unsent());
        this.deadlines = new SessionDeadlines(this, settings, shared.patience());
        this.channels = new ExchangeChannels(connection.getChannelMax());
        this.window = new ConfirmWindow(settings.confirmWindow(), System.nanoTime());
        this.gate = new SendGate(this, settings, shared.suspects());
        this.declarations = new RouteDeclarations(settings.address(), connection, shared.routes());
    }

    /** Connects. {@link #declareRoutes} then declares what messages need. */
    static RabbitSession open(RabbitSettings settings, Shared shared) throws IOException, TimeoutException {
        ConnectionFactory factory = settings.connectionFactory();
        ConnectionSocket socket = ConnectionSocket.of(factory);
        Connection connection = factory.newConnection("posthaste-publisher");
        RabbitSession session = new RabbitSession(settings, shared, connection, socket);
        connection.addBlockedListener(session.new Blocked());
        connection.addShutdownListener(session::connectionClosed);
        return session;
    }

    /**
     * Declares the routes that have not been declared on this connection yet. Not while the gate refuses, because a
     * connection that RabbitMQ has blocked gets no answer. Ends the session if the connection is lost.
     */
    void declareRoutes() throws IOException {
        if (!declarations.isDue() || gate.refusal() != null) {
            return;
        }
        activity.asking();
        try {
            declarations.declare(() -> gate.refusal() == null);
        } finally {
            activity.over();
            if (!connection.isOpen()) {
                end("the connection was lost");
            }
        }
    }

    boolean usable() {
        return !ended.get() && connection.isOpen();
    }

    /** Whether anything was confirmed on this connection. */
    boolean proven() {
        synchronized (lock) {
            return window.isProven();
        }
    }

    private final class Blocked implements BlockedListener {
        @Override
        public void handleBlocked(String reason) {
            alarm = reason;
            log.warn("RabbitMQ at {} blocks publishers: {}", settings.address(), reason);
            wake();
        }

        @Override
        public void handleUnblocked() {
            synchronized (lock) {
                long now = System.nanoTime();
                window.unblocked(now);
                channels.open().forEach(channel -> channel.unblocked(now));
            }
            alarm = null;
            log.info("RabbitMQ at {} no longer blocks publishers", settings.address());
            wake();
        }
    }

    // --- Sending: the publisher's thread -----------------------------------------------------------------------------

    /** Sends a message that {@link SendGate#isReady}, or answers it. */
    void send(Publication publication) {
        String refusal = gate.refusal();
        if (refusal != null) {
            publication.answer(Outcome.unavailable(refusal));
            return;
        }
        Outcome exchangeRefusal = gate.isTooOld(publication)
                ? gate.tooLate(publication.exchange())
                : gate.refusal(publication.exchange());
        if (exchangeRefusal != null) {
            publication.answer(exchangeRefusal);
            return;
        }
        if (declarations.isPending(publication.exchange())) {
            notSent(publication); // what refused a moment ago kept its route from being declared
            return;
        }
        Message message = publication.message();
        AMQP.BasicProperties properties;
        try {
            properties = RabbitMessages.properties(message, Map.of());
        } catch (RuntimeException e) {
            publication.answer(
                    Outcome.rejected("it cannot be encoded for AMQP: " + e).permanent(true));
            return;
        }
        Outcome defect = RabbitMessages.defect(message, properties, connection.getFrameMax());
        if (defect != null) {
            publication.answer(defect);
            return;
        }
        ExchangeChannel channel = channelFor(publication);
        if (channel == null) {
            return;
        }
        Suspects.Scope suspected = shared.suspects().scope(publication);
        activity.writing();
        try {
            channel.send(publication, properties, suspected);
        } finally {
            activity.over();
        }
        if (ended.get()) {
            channel.answerAll(Outcome.unknown("the connection was lost")); // if it ended just before
        }
    }

    /** The exchange's channel, opened if necessary; null if the message was answered or put back instead. */
    private @Nullable ExchangeChannel channelFor(Publication publication) {
        synchronized (lock) {
            ExchangeChannel channel = channels.of(publication.exchange());
            if (channel != null && channel.isOpen()) {
                return channel;
            }
        }
        activity.asking();
        try {
            closeIdle();
            ExchangeChannel channel = ExchangeChannel.open(this, connection, publication.exchange());
            synchronized (lock) {
                channels.add(channel);
            }
            if (gate.isTooOld(publication)) {
                publication.answer(Outcome.unavailable("RabbitMQ is slow: opening a channel took too long"));
                return null;
            }
            return channel;
        } catch (IOException | RuntimeException e) {
            if (usable()) {
                publication.answer(Outcome.unavailable("no channel can be opened: " + e));
            } else {
                notSent(publication);
            }
            return null;
        } finally {
            activity.over();
        }
    }

    /** Makes room for one more channel. */
    private void closeIdle() {
        ExchangeChannel idle;
        synchronized (lock) {
            idle = channels.toClose();
        }
        if (idle != null) {
            idle.close();
        }
    }

    /** Nothing of the message was written, so it may be sent on another channel. */
    void notSent(Publication publication) {
        shared.unsent().putBack(publication);
    }

    // --- For the channels and their deadlines ------------------------------------------------------------------------

    Object lock() {
        return lock;
    }

    /** To be used under the lock, as are the {@link #channels}. */
    ConfirmWindow window() {
        return window;
    }

    ExchangeChannels channels() {
        return channels;
    }

    SendGate gate() {
        return gate;
    }

    RouteDeclarations declarations() {
        return declarations;
    }

    PublisherActivity activity() {
        return activity;
    }

    CloseVerdicts verdicts() {
        return verdicts;
    }

    /** Why the server blocks publishers, or null if it does not. */
    @Nullable
    String alarm() {
        return alarm;
    }

    Suspects suspects() {
        return shared.suspects();
    }

    Patience patience() {
        return shared.patience();
    }

    FaultLog faults() {
        return shared.faults();
    }

    void wake() {
        shared.unsent().wake();
    }

    /** Nothing more is sent on this channel. */
    void left(ExchangeChannel channel) {
        synchronized (lock) {
            channels.remove(channel);
        }
    }

    /** Runs what waits for the server, so that neither the publisher nor the connection's thread has to. */
    void later(Runnable work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (Throwable t) {
                        faults().report("Closing a channel failed", t);
                    }
                },
                "posthaste-rabbitmq-close");
        thread.setDaemon(true);
        thread.start();
    }

    // --- Why the server closed something -----------------------------------------------------------------------------

    /** The connection is gone: closed by the server or by this side, or lost. */
    void connectionClosed(ShutdownSignalException cause) {
        try {
            ended.set(true);
            AMQP.Connection.Close close = cause.getReason() instanceof AMQP.Connection.Close byServer
                            && !cause.isInitiatedByApplication()
                            && canBeAMessagesFault(byServer.getReplyCode())
                    ? byServer
                    : null;
            if (close != null) {
                blame(close);
            }
            // The client closes its socket after this. If it hangs before, the watch or the publisher calls end().
            String reason = "the connection was lost: " + cause.getMessage();
            logEnd(reason);
            answerAll(reason);
        } catch (Throwable t) {
            faults().report("Handling the end of a connection failed", t);
            end("the connection was lost");
        }
    }

    /** Codes below 400 mean that an operator closes the connection, or that the server shuts down. */
    private static boolean canBeAMessagesFault(int code) {
        return code >= 400;
    }

    private void blame(AMQP.Connection.Close close) {
        List<ExchangeChannel.Outstanding> all = takeAll();
        if (all.size() == 1) {
            verdicts.guilty(
                    all.get(0).publication, close.getReplyCode(), close.getReplyText(), Suspects.Scope.CONNECTION);
            return;
        }
        verdicts.suspects(
                () -> all, Suspects.Scope.CONNECTION, "RabbitMQ closed the connection: " + close.getReplyText());
    }

    private List<ExchangeChannel.Outstanding> takeAll() {
        synchronized (lock) {
            return channels.takeAll(window.unconfirmed());
        }
    }

    // --- Watching ----------------------------------------------------------------------------------------------------

    /** Ends what takes too long. Called periodically by the watch's thread. */
    void watch() {
        if (ended.get()) {
            if (!closed) {
                end("the connection was lost");
            }
            return;
        }
        deadlines.check();
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** Like {@link #end}, but first notifies the server, which has a second to answer. */
    void leave(String reason) {
        logEnd(reason);
        connection.abort(GOODBYE_MILLIS);
        end(reason);
    }

    /** Closes the connection without asking the server, and answers everything that is unconfirmed. May be called twice. */
    void end(String reason) {
        ended.set(true);
        logEnd(reason);
        socket.close();
        answerAll(reason);
        connection.abort(0);
        closed = true;
    }

    private void logEnd(String reason) {
        if (endLogged.compareAndSet(false, true)) {
            log.info("The connection to RabbitMQ at {} ends: {}", settings.address(), reason);
        }
    }

    private void answerAll(String reason) {
        Outcome unknown = Outcome.unknown(reason);
        takeAll().forEach(each -> each.publication.answer(unknown));
        wake();
    }
}
