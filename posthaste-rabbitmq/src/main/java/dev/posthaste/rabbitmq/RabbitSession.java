package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BlockedListener;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.rabbitmq.RabbitBroker.Publication;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, from its opening to its end. Each exchange has a channel of its own, so that a missing exchange, which
 * closes the channel, takes nobody else's confirms along.
 */
final class RabbitSession {
    private static final int GOODBYE_MILLIS = 1_000;
    private static final Logger log = LoggerFactory.getLogger(RabbitSession.class);

    private final RabbitSettings settings;
    private final Connection connection;
    private final AtomicReference<@Nullable Socket> socket;
    private final Semaphore window;
    private final Map<String, Lane> lanes = new HashMap<>(); // touched by the publisher's thread and end()
    private volatile @Nullable String blocked;
    private volatile boolean ended;

    private RabbitSession(RabbitSettings settings, Connection connection, AtomicReference<@Nullable Socket> socket) {
        this.settings = settings;
        this.connection = connection;
        this.socket = socket;
        this.window = new Semaphore(settings.confirmWindow());
    }

    static RabbitSession open(RabbitSettings settings) throws IOException, TimeoutException {
        ConnectionFactory factory = settings.connectionFactory();
        AtomicReference<@Nullable Socket> socket = new AtomicReference<>();
        var configurator = factory.getSocketConfigurator();
        factory.setSocketConfigurator(opened -> {
            configurator.configure(opened);
            socket.set(opened);
        });
        Connection connection = factory.newConnection("posthaste-publisher");
        RabbitSession session = new RabbitSession(settings, connection, socket);
        connection.addBlockedListener(session.new Blocked());
        connection.addShutdownListener(cause -> session.end("the connection was lost: " + cause.getMessage()));
        try {
            for (Route route : settings.declare()) {
                RabbitTopology.declare(connection, route);
            }
        } catch (IOException e) {
            session.end("the topology could not be declared");
            throw e;
        }
        log.info("Publishing to RabbitMQ at {}", settings.address());
        return session;
    }

    boolean usable() {
        return !ended && connection.isOpen();
    }

    private final class Blocked implements BlockedListener {
        @Override
        public void handleBlocked(String reason) {
            blocked = reason;
            log.warn("RabbitMQ at {} takes nothing for now: {}", settings.address(), reason);
        }

        @Override
        public void handleUnblocked() {
            blocked = null;
            log.info("RabbitMQ at {} takes messages again", settings.address());
        }
    }

    /** A message that was sent, until its confirm. */
    private static final class Outstanding {
        final Publication publication;
        final long deadline;
        volatile @Nullable String returned;

        Outstanding(Publication publication, long deadline) {
            this.publication = publication;
            this.deadline = deadline;
        }
    }

    /** The channel of one exchange. Its map is guarded by itself. */
    private final class Lane {
        final Channel channel;
        final java.util.TreeMap<Long, Outstanding> outstanding = new java.util.TreeMap<>();

        Lane() throws IOException {
            channel = connection.createChannel();
            channel.confirmSelect();
            channel.addConfirmListener(
                    (tag, multiple) -> confirmed(tag, multiple, true),
                    (tag, multiple) -> confirmed(tag, multiple, false));
            channel.addReturnListener(returned ->
                    returned(returned.getProperties(), returned.getReplyCode() + " " + returned.getReplyText()));
            channel.addShutdownListener(this::closed);
        }

        void send(Publication publication) throws IOException {
            Message message = publication.message();
            long tag = channel.getNextPublishSeqNo();
            synchronized (outstanding) {
                outstanding.put(
                        tag,
                        new Outstanding(
                                publication,
                                System.nanoTime() + settings.confirmTimeout().toNanos()));
            }
            String routingKey = message.routingKey();
            channel.basicPublish(
                    message.destination(),
                    routingKey == null ? "" : routingKey,
                    true,
                    RabbitMessages.properties(message, Map.of()),
                    message.body());
        }

        private void returned(AMQP.BasicProperties properties, String reason) {
            synchronized (outstanding) {
                for (Outstanding each : outstanding.values()) {
                    String id = each.publication.message().eventId();
                    if (id != null && id.equals(properties.getMessageId())) {
                        each.returned = reason;
                    }
                }
            }
        }

        private void confirmed(long tag, boolean multiple, boolean ack) {
            List<Outstanding> done = new ArrayList<>();
            synchronized (outstanding) {
                if (multiple) {
                    Map<Long, Outstanding> upTo = outstanding.headMap(tag, true);
                    done.addAll(upTo.values());
                    upTo.clear();
                } else {
                    Outstanding one = outstanding.remove(tag);
                    if (one != null) {
                        done.add(one);
                    }
                }
            }
            for (Outstanding each : done) {
                answer(each, outcome(each, ack));
            }
        }

        private Outcome outcome(Outstanding sent, boolean ack) {
            if (!ack) {
                return Outcome.rejected("RabbitMQ refused it (nack)");
            }
            String returned = sent.returned;
            if (returned == null) {
                return Outcome.ACKNOWLEDGED;
            }
            Message message = sent.publication.message();
            return Outcome.rejected("no queue is bound to exchange '" + message.destination() + "' for routing key '"
                    + message.routingKey() + "' (" + returned + ")");
        }

        private void closed(ShutdownSignalException cause) {
            Method method = cause.getReason();
            if (method instanceof AMQP.Channel.Close close
                    && (close.getReplyCode() == AMQP.NOT_FOUND || close.getReplyCode() == AMQP.ACCESS_REFUSED)) {
                // All of this channel's messages were for the exchange that is missing or forbidden.
                answerAll(Outcome.rejected("RabbitMQ refused it: " + close.getReplyText()));
            } else {
                answerAll(new Outcome.Unknown("the channel was closed: " + cause.getMessage()));
            }
        }

        void answerAll(Outcome outcome) {
            List<Outstanding> all;
            synchronized (outstanding) {
                all = new ArrayList<>(outstanding.values());
                outstanding.clear();
            }
            all.forEach(each -> answer(each, outcome));
        }

        boolean overdue(long now) {
            synchronized (outstanding) {
                Map.Entry<Long, Outstanding> oldest = outstanding.firstEntry();
                return oldest != null && now - oldest.getValue().deadline > 0;
            }
        }
    }

    private void answer(Outstanding answered, Outcome outcome) {
        window.release();
        answered.publication.callback().accept(outcome);
    }

    /** Sends one message, after waiting for room in the window. Called by the publisher's thread only. */
    void send(Publication publication) throws InterruptedException {
        while (!window.tryAcquire(50, TimeUnit.MILLISECONDS)) {
            if (!usable()) {
                publication.callback().accept(new Outcome.Unavailable("the connection was lost"));
                return;
            }
        }
        String alarm = blocked;
        if (alarm != null) {
            window.release();
            publication.callback().accept(new Outcome.Unavailable("RabbitMQ takes nothing for now: " + alarm));
            return;
        }
        Lane lane;
        try {
            lane = lane(publication.message().destination());
        } catch (IOException | RuntimeException e) {
            window.release();
            publication.callback().accept(new Outcome.Unavailable("no channel can be opened: " + e));
            return;
        }
        // If that fails, the message stands among the outstanding ones, whose channel is closed or will be.
        try {
            lane.send(publication);
        } catch (ShutdownSignalException e) {
            lane.closed(e);
        } catch (IOException | RuntimeException e) {
            lane.answerAll(new Outcome.Unknown("sending failed: " + e));
        }
    }

    private Lane lane(String exchange) throws IOException {
        synchronized (lanes) {
            Lane lane = lanes.get(exchange);
            if (lane == null || !lane.channel.isOpen()) {
                lane = new Lane();
                lanes.put(exchange, lane);
            }
            return lane;
        }
    }

    private List<Lane> allLanes() {
        synchronized (lanes) {
            return new ArrayList<>(lanes.values());
        }
    }

    /**
     * Ends the session if a confirm is overdue; a server may take messages for ever and confirm none. While an alarm blocks
     * the connection, confirms stay out for a reason that is known, and the connection is kept to hear when it ends.
     */
    void endIfConfirmsStayOut() {
        long now = System.nanoTime();
        for (Lane lane : allLanes()) {
            if (lane.overdue(now)) {
                String alarm = blocked;
                if (alarm == null) {
                    end("no confirm came within " + settings.confirmTimeout());
                    return;
                }
                lane.answerAll(new Outcome.Unknown("RabbitMQ takes nothing for now: " + alarm));
            }
        }
    }

    /** As {@link #end}, but tells the server before, which has a second to answer. */
    void leave(String reason) {
        connection.abort(GOODBYE_MILLIS);
        end(reason);
    }

    /** Closes the connection without asking the server, and answers everything that is outstanding. Works twice. */
    void end(String reason) {
        boolean first = !ended;
        ended = true;
        if (first) {
            log.info("The connection to RabbitMQ at {} ends: {}", settings.address(), reason);
            closeSocket();
            connection.abort(0);
        }
        allLanes().forEach(lane -> lane.answerAll(new Outcome.Unknown(reason)));
    }

    /** A thread may hang in a write that only this ends. */
    private void closeSocket() {
        Socket open = socket.get();
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                log.debug("The socket was closed already", e);
            }
        }
    }
}
