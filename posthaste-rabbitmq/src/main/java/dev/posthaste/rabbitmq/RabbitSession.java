package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BlockedListener;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, from its opening to its end. Each exchange has a channel of its own, an {@link ExchangeLane}, so that a
 * message that makes RabbitMQ close its channel concerns no other exchange's confirms.
 *
 * <p>Three threads meet here: the publisher sends, the connection's thread brings confirms, the watch ends what takes too
 * long. None of them holds the lock while it writes, waits for the server or calls a callback.
 */
final class RabbitSession {
    private static final Logger log = LoggerFactory.getLogger(RabbitSession.class);
    private static final int GOODBYE_MILLIS = 1_000;
    /** RabbitMQ keeps several processes for each channel. */
    private static final int MAX_LANES = 256;

    private final RabbitSettings settings;
    private final Shared shared;
    private final Connection connection;
    private final ConnectionSocket socket;
    private final int maxLanes;
    private final Object lock = new Object();
    private final Map<String, ExchangeLane> lanes = new LinkedHashMap<>(16, 0.75f, true); // guarded by lock
    /** Guarded by lock. A lane that another replaced in {@link #lanes} is in here until its channel is closed. */
    private final Set<ExchangeLane> open = new LinkedHashSet<>();

    private int unconfirmed; // guarded by lock
    private boolean alone; // guarded by lock
    private long quietSince = System.nanoTime(); // guarded by lock
    private boolean confirmed; // guarded by lock
    private boolean slow; // the watch's thread
    private volatile long busySince;
    private volatile boolean writing;
    private volatile @Nullable String blocked;
    private volatile boolean closed;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicBoolean endLogged = new AtomicBoolean();

    /** What outlives a connection. */
    record Shared(Backlog backlog, Suspects suspects, Patience patience, FaultLog faults) {}

    private RabbitSession(RabbitSettings settings, Shared shared, Connection connection, ConnectionSocket socket) {
        this.settings = settings;
        this.shared = shared;
        this.connection = connection;
        this.socket = socket;
        int channelMax = connection.getChannelMax();
        this.maxLanes = channelMax == 0 ? MAX_LANES : Math.max(1, Math.min(MAX_LANES, channelMax - 1));
    }

    /** Connects. What the settings declare is declared by {@link #declareRoutes}. */
    static RabbitSession open(RabbitSettings settings, Shared shared) throws IOException, TimeoutException {
        ConnectionFactory factory = settings.connectionFactory();
        ConnectionSocket socket = ConnectionSocket.of(factory);
        Connection connection = factory.newConnection("posthaste-publisher");
        RabbitSession session = new RabbitSession(settings, shared, connection, socket);
        connection.addBlockedListener(session.new Blocked());
        connection.addShutdownListener(session::connectionClosed);
        return session;
    }

    /** Called by the publisher's thread, once. Ends the session if it fails. */
    void declareRoutes() throws IOException {
        boolean declared = false;
        busySince = System.nanoTime() | 1;
        try {
            for (Route route : settings.declare()) {
                RabbitTopology.declare(connection, route);
            }
            declared = true;
        } finally {
            busySince = 0;
            if (!declared) {
                end("the routes could not be declared");
            }
        }
        log.info("Publishing to RabbitMQ at {}", settings.address());
    }

    boolean usable() {
        return !ended.get() && connection.isOpen();
    }

    /** Whether something was confirmed on it. */
    boolean proven() {
        synchronized (lock) {
            return confirmed;
        }
    }

    private final class Blocked implements BlockedListener {
        @Override
        public void handleBlocked(String reason) {
            blocked = reason;
            log.warn("RabbitMQ at {} takes nothing for now: {}", settings.address(), reason);
            wake();
        }

        @Override
        public void handleUnblocked() {
            synchronized (lock) {
                quietSince = System.nanoTime();
                open.forEach(lane -> lane.unblocked(quietSince));
            }
            blocked = null;
            log.info("RabbitMQ at {} takes messages again", settings.address());
            wake();
        }
    }

    // --- Sending: the publisher's thread -----------------------------------------------------------------------------

    /** Why nothing can be sent now, or null if it can. */
    @Nullable
    String refusal() {
        String alarm = blocked;
        if (alarm != null) {
            return "RabbitMQ takes nothing for now: " + alarm;
        }
        long now = System.nanoTime();
        synchronized (lock) {
            return isQuiet(now, settings.confirmTimeout())
                    ? "RabbitMQ is slow: no confirm for "
                            + seconds(now - quietSince) + " with " + unconfirmed
                            + " unconfirmed; nothing more is sent until the next one"
                    : null;
        }
    }

    /** The outcome of a message whose exchange gives no confirms, or null. */
    private @Nullable Outcome silence(String exchange) {
        long now = System.nanoTime();
        long timeout = settings.confirmTimeout().toNanos();
        synchronized (lock) {
            ExchangeLane lane = lanes.get(exchange);
            return lane != null && lane.isOpen() && lane.isQuiet(now, timeout)
                    ? new Outcome.Unavailable("no confirm came for exchange '" + exchange + "' for " + seconds(timeout)
                            + "; nothing more is sent to it until the next one")
                    : null;
        }
    }

    /** The outcome of a message that waited too long: as {@link #silence} if only its own exchange is why. */
    Outcome tooLate(String exchange) {
        String waited = "the message waited longer than "
                + seconds(settings.sendWithin().toNanos()) + " and was not sent";
        String refusal = refusal();
        if (refusal != null) {
            return new Outcome.Unavailable(refusal);
        }
        boolean probing = patience().probing();
        synchronized (lock) {
            ExchangeLane lane = lanes.get(exchange);
            boolean room = unconfirmed < settings.confirmWindow() && !alone && !probing && busySince == 0;
            return room && usable() && lane != null && !lane.isIdle()
                    ? new Outcome.Unavailable(
                            "exchange '" + exchange + "' takes one message at a time for now: " + waited)
                    : new Outcome.Unavailable("RabbitMQ at " + settings.address() + " is too slow: " + waited);
        }
    }

    /** Under the lock. */
    private boolean isQuiet(long now, Duration time) {
        return unconfirmed > 0 && now - quietSince > time.toNanos();
    }

    private static String seconds(long nanos) {
        long millis = nanos / 1_000_000;
        return millis % 1000 == 0 || millis > 10_000 ? millis / 1000 + " s" : millis + " ms";
    }

    /** Whether {@link #send} can do something with the message now: send it, or refuse it. */
    boolean isReady(Publication publication) {
        if (!usable() || refusal() != null || silence(publication.exchange()) != null) {
            return true;
        }
        Suspects.Scope suspected = shared.suspects().scope(publication);
        synchronized (lock) {
            if (unconfirmed >= settings.confirmWindow()) {
                return false;
            }
            if (unconfirmed > 0
                    && (alone
                            || suspected == Suspects.Scope.CONNECTION
                            || patience().probing())) {
                return false;
            }
            ExchangeLane lane = lanes.get(publication.exchange());
            if (lane == null || !lane.isOpen()) {
                return lane != null
                        || lanes.size() < maxLanes
                        || lanes.values().stream().anyMatch(ExchangeLane::isIdle);
            }
            return lane.admits(suspected != null);
        }
    }

    /** Whether everything else waits for this message, so that it can be alone on the connection. */
    boolean isUrgent(Publication publication) {
        return shared.suspects().scope(publication) == Suspects.Scope.CONNECTION;
    }

    /** Sends a message that {@link #isReady}, or answers it. */
    void send(Publication publication) {
        String refusal = refusal();
        if (refusal != null) {
            publication.answer(new Outcome.Unavailable(refusal));
            return;
        }
        Outcome silence = isTooOld(publication) ? tooLate(publication.exchange()) : silence(publication.exchange());
        if (silence != null) {
            publication.answer(silence);
            return;
        }
        Message message = publication.message();
        AMQP.BasicProperties properties;
        try {
            properties = RabbitMessages.properties(message, Map.of());
        } catch (RuntimeException e) {
            publication.answer(new Outcome.Rejected("it cannot be encoded for AMQP: " + e, true));
            return;
        }
        Outcome defect = RabbitMessages.defect(message, properties, connection.getFrameMax());
        if (defect != null) {
            publication.answer(defect);
            return;
        }
        ExchangeLane lane = laneFor(publication);
        if (lane == null) {
            return;
        }
        Suspects.Scope suspected = shared.suspects().scope(publication);
        busySince = System.nanoTime() | 1;
        writing = true;
        try {
            lane.send(publication, properties, suspected);
        } finally {
            writing = false;
            busySince = 0;
        }
        if (ended.get()) {
            lane.answerAll(new Outcome.Unknown("the connection was lost")); // if it ended just before
        }
    }

    /** The exchange's lane, opened if need be; null if the message was answered or put back instead. */
    private @Nullable ExchangeLane laneFor(Publication publication) {
        synchronized (lock) {
            ExchangeLane lane = lanes.get(publication.exchange());
            if (lane != null && lane.isOpen()) {
                return lane;
            }
        }
        busySince = System.nanoTime() | 1;
        try {
            closeIdle();
            ExchangeLane lane = ExchangeLane.open(this, connection, publication.exchange());
            synchronized (lock) {
                lanes.put(publication.exchange(), lane);
                open.add(lane);
            }
            if (isTooOld(publication)) {
                publication.answer(new Outcome.Unavailable("RabbitMQ is slow: opening a channel took too long"));
                return null;
            }
            return lane;
        } catch (IOException | RuntimeException e) {
            if (usable()) {
                publication.answer(new Outcome.Unavailable("no channel can be opened: " + e));
            } else {
                notSent(publication);
            }
            return null;
        } finally {
            busySince = 0;
        }
    }

    private boolean isTooOld(Publication publication) {
        return System.nanoTime() - publication.since() > settings.sendWithin().toNanos();
    }

    /** Makes room for one more lane. */
    private void closeIdle() {
        ExchangeLane idle = null;
        synchronized (lock) {
            Iterator<ExchangeLane> longestUnused = lanes.values().iterator();
            while (lanes.size() >= maxLanes && idle == null && longestUnused.hasNext()) {
                ExchangeLane each = longestUnused.next();
                if (each.isIdle()) {
                    idle = each;
                }
            }
        }
        if (idle != null) {
            idle.close();
        }
    }

    /** Nothing of it was written: it may be sent on another channel. */
    void notSent(Publication publication) {
        shared.backlog().putBack(publication);
    }

    // --- What lanes report -------------------------------------------------------------------------------------------

    Object lock() {
        return lock;
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
        shared.backlog().wake();
    }

    /** One more message is unconfirmed. Under the lock. */
    void sending(boolean aloneOnConnection, long now) {
        if (unconfirmed == 0) {
            quietSince = now;
        }
        unconfirmed++;
        alone = aloneOnConnection;
    }

    /** So many messages are no longer unconfirmed. Under the lock. */
    void answered(int messages) {
        unconfirmed -= messages;
        if (messages > 0) {
            alone = false;
        }
    }

    /** The server confirmed so many messages. Under the lock. */
    void confirmed(int messages, long now) {
        confirmed = true;
        quietSince = now;
        answered(messages);
    }

    /** The lane's channel is closed. */
    void left(ExchangeLane lane) {
        synchronized (lock) {
            open.remove(lane);
            lanes.remove(lane.exchange(), lane);
        }
    }

    /** For what waits for the server, so that neither the publisher nor the connection's thread has to. */
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

    /**
     * The server closed the channel or connection, and this message was the only one that was unconfirmed there.
     *
     * @param scope what was closed
     */
    void verdict(Publication guilty, int code, String text, Suspects.Scope scope) {
        boolean perhapsTheServersOwnFault = code == AMQP.INTERNAL_ERROR || code == AMQP.RESOURCE_ERROR;
        if (perhapsTheServersOwnFault && suspects().scope(guilty) == null) {
            suspects().add(guilty, scope);
            guilty.answer(new Outcome.Unknown("RabbitMQ failed: " + text));
            return;
        }
        suspects().clear(guilty);
        Outcome refused = Outcome.rejected("RabbitMQ refused it: " + text);
        guilty.answer(refused);
        // What waits for a missing exchange would meet the same; asking once for each would be a storm of channels.
        if (code == AMQP.NOT_FOUND) {
            shared.backlog().answer(guilty.exchange(), waiting -> true, refused);
        } else if (code == AMQP.ACCESS_REFUSED) {
            shared.backlog()
                    .answer(guilty.exchange(), waiting -> waiting.routingKey().equals(guilty.routingKey()), refused);
        }
    }

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
            faults().report("Taking in the end of a connection failed", t);
            end("the connection was lost");
        }
    }

    /** An operator who closes a connection, or a server that shuts down, has nothing against any message. */
    private static boolean canBeAMessagesFault(int code) {
        return code >= 400;
    }

    private void blame(AMQP.Connection.Close close) {
        List<ExchangeLane.Outstanding> all = takeAll();
        if (all.size() == 1) {
            verdict(all.get(0).publication, close.getReplyCode(), close.getReplyText(), Suspects.Scope.CONNECTION);
            return;
        }
        suspect(() -> all, Suspects.Scope.CONNECTION, "RabbitMQ closed the connection: " + close.getReplyText());
    }

    /** One of these messages is why the server closed something; which one is not known. */
    void suspect(Supplier<List<ExchangeLane.Outstanding>> unconfirmed, Suspects.Scope scope, String reason) {
        Outcome unknown = new Outcome.Unknown(
                reason + ". Several messages were unconfirmed; each is sent alone when it is published again");
        List<ExchangeLane.Outstanding> all = unconfirmed.get();
        try {
            all.forEach(each -> suspects().add(each.publication, scope));
        } finally {
            all.forEach(each -> each.publication.answer(unknown));
        }
    }

    private List<ExchangeLane.Outstanding> takeAll() {
        synchronized (lock) {
            List<ExchangeLane.Outstanding> all = new ArrayList<>(unconfirmed);
            open.forEach(lane -> all.addAll(lane.takeAll()));
            return all;
        }
    }

    // --- Watching ----------------------------------------------------------------------------------------------------

    /** Ends what takes too long. Called again and again by the watch's thread. */
    void watch() {
        if (ended.get()) {
            if (!closed) {
                end("the connection was lost");
            }
            return;
        }
        long now = System.nanoTime();
        Duration giveUp = patience().giveUp();
        boolean slowNow;
        boolean silent;
        synchronized (lock) {
            slowNow = isQuiet(now, settings.confirmTimeout());
            silent = isQuiet(now, giveUp);
        }
        String alarm = blocked;
        logSlowness(slowNow && alarm == null);
        if (endIfStuck(now, giveUp, slowNow && alarm == null)) {
            return;
        }
        if (alarm != null) {
            // Confirms are missing for a known reason. The connection is kept, to hear when that ends.
            answerOverdue(now, giveUp, "RabbitMQ takes nothing for now: " + alarm);
        } else if (silent) {
            patience().noConfirmCame();
            end("no confirm came for " + seconds(giveUp.toNanos()));
        } else {
            retireSilentLanes(now, giveUp);
            answerOverdue(
                    now,
                    settings.longestGiveUp(),
                    "no confirm came for it within "
                            + seconds(settings.longestGiveUp().toNanos()));
        }
    }

    private void logSlowness(boolean slowNow) {
        if (slowNow != slow) {
            slow = slowNow;
            if (slowNow) {
                log.warn(
                        "RabbitMQ at {} is slow: no confirm for {}. Nothing more is sent until the next one",
                        settings.address(),
                        seconds(settings.confirmTimeout().toNanos()));
            } else {
                log.info("RabbitMQ at {} is no longer slow", settings.address());
            }
        }
    }

    /** A write that hangs while nothing is confirmed, or a question that gets no answer. */
    private boolean endIfStuck(long now, Duration giveUp, boolean slowNow) {
        long since = busySince;
        if (since == 0) {
            return false;
        }
        if (writing && slowNow && now - since > settings.confirmTimeout().toNanos()) {
            patience().noConfirmCame();
            end("a write hung for " + seconds(settings.confirmTimeout().toNanos()) + ", and no confirm came");
            return true;
        }
        if (now - since > giveUp.toNanos()) {
            end("RabbitMQ did not react for " + seconds(giveUp.toNanos()));
            return true;
        }
        return false;
    }

    /** Other exchanges get confirms on this connection, so only the silent ones start again. */
    private void retireSilentLanes(long now, Duration giveUp) {
        List<ExchangeLane> silent = new ArrayList<>();
        synchronized (lock) {
            open.stream().filter(lane -> lane.isQuiet(now, giveUp.toNanos())).forEach(silent::add);
        }
        silent.forEach(lane -> lane.retire("no confirm came for " + seconds(giveUp.toNanos())));
    }

    private void answerOverdue(long now, Duration time, String reason) {
        List<ExchangeLane> all;
        synchronized (lock) {
            all = List.copyOf(open);
        }
        all.forEach(lane -> lane.answerOverdue(now, time.toNanos(), reason));
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** As {@link #end}, but tells the server before, which has a second to answer. */
    void leave(String reason) {
        logEnd(reason);
        connection.abort(GOODBYE_MILLIS);
        end(reason);
    }

    /** Closes the connection without asking the server, and answers everything that is unconfirmed. Works twice. */
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
        Outcome unknown = new Outcome.Unknown(reason);
        takeAll().forEach(each -> each.publication.answer(unknown));
        wake();
    }
}
