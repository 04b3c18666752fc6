package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Return;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The channel of one exchange, from its opening to its end. A new channel carries one message until the first confirm, so
 * that a missing exchange is certain to be the fault of that message's exchange and costs the others nothing.
 *
 * <p>Whatever throws in here, no channel is used again after an exception of its client: the client may have counted a
 * message that was never sent. The state is guarded by the session's lock; nothing is sent and no callback is called
 * while it is held.
 */
final class ExchangeLane {
    private final RabbitSession session;
    private final String exchange;
    private final Channel channel;
    private final Object lock;
    private final TreeMap<Long, Outstanding> outstanding = new TreeMap<>();
    private boolean proven;
    private boolean alone;
    private boolean left;
    private long quietSince = System.nanoTime();

    /** A message that was sent and not confirmed yet. */
    static final class Outstanding {
        final Publication publication;
        final long sentAt = System.nanoTime();

        @Nullable
        String returned;

        Outstanding(Publication publication) {
            this.publication = publication;
        }
    }

    private ExchangeLane(RabbitSession session, String exchange, Channel channel) {
        this.session = session;
        this.exchange = exchange;
        this.channel = channel;
        this.lock = session.lock();
    }

    static ExchangeLane open(RabbitSession session, Connection connection, String exchange) throws IOException {
        Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("RabbitMQ allows no more channels on this connection (channel_max)");
        }
        ExchangeLane lane = new ExchangeLane(session, exchange, channel);
        boolean opened = false;
        try {
            channel.confirmSelect();
            channel.addConfirmListener(
                    (tag, multiple) -> lane.guard(() -> lane.confirmed(tag, multiple, true)),
                    (tag, multiple) -> lane.guard(() -> lane.confirmed(tag, multiple, false)));
            channel.addReturnListener(returned -> lane.guard(() -> lane.returned(returned)));
            channel.addShutdownListener(cause -> lane.guard(() -> lane.closed(cause)));
            opened = true;
            return lane;
        } finally {
            if (!opened) {
                abort(channel);
            }
        }
    }

    String exchange() {
        return exchange;
    }

    boolean isOpen() {
        return channel.isOpen();
    }

    // --- Sending: the publisher's thread -----------------------------------------------------------------------------

    /** Whether a message may be sent now. Under the lock. */
    boolean admits(boolean suspect) {
        return outstanding.isEmpty() || (proven && !alone && !suspect);
    }

    /** Under the lock. */
    boolean isIdle() {
        return outstanding.isEmpty();
    }

    /** Under the lock. */
    boolean isQuiet(long now, long nanos) {
        return !outstanding.isEmpty() && now - quietSince > nanos;
    }

    /** @param suspected what nothing else may be sent on until this message is confirmed, or null */
    void send(Publication publication, AMQP.BasicProperties properties, Suspects.@Nullable Scope suspected) {
        Message message = publication.message();
        Outstanding sent = new Outstanding(publication);
        long tag = channel.getNextPublishSeqNo();
        boolean sending;
        synchronized (lock) {
            sending = !left;
            if (sending) {
                if (outstanding.isEmpty()) {
                    quietSince = sent.sentAt;
                }
                outstanding.put(tag, sent);
                alone = suspected != null;
                session.sending(suspected == Suspects.Scope.CONNECTION, sent.sentAt);
            }
        }
        if (!sending) {
            session.notSent(publication);
            return;
        }
        try {
            channel.basicPublish(exchange, publication.routingKey(), true, properties, message.body());
        } catch (AlreadyClosedException e) {
            if (forget(tag) != null) {
                session.notSent(publication); // the client looks at its channel before it writes
            }
        } catch (Throwable t) {
            failed(tag, publication, properties, t);
        }
    }

    private @Nullable Outstanding forget(long tag) {
        synchronized (lock) {
            Outstanding forgotten = outstanding.remove(tag);
            if (forgotten != null) {
                alone = false;
                session.answered(1);
            }
            return forgotten;
        }
    }

    private void failed(long tag, Publication publication, AMQP.BasicProperties properties, Throwable cause) {
        boolean itsOwnFault = cause instanceof IllegalArgumentException
                && RabbitMessages.isUnencodable(publication.message(), properties);
        if (itsOwnFault && forget(tag) != null) {
            publication.answer(new Outcome.Rejected("it cannot be encoded for AMQP: " + cause.getMessage(), true));
        }
        if (!(cause instanceof IOException)) {
            session.faults().report("Sending a message failed", cause);
        }
        if (cause instanceof IllegalArgumentException) {
            retire("the client failed to send another message: " + cause); // which encodes before it writes
        } else {
            // Half of the message's frames may be written: no channel of this connection can be trusted any more.
            session.end("sending failed: " + cause);
        }
    }

    // --- What the server says: the connection's thread ---------------------------------------------------------------

    private void guard(Runnable listener) {
        try {
            listener.run();
        } catch (Throwable t) {
            session.faults().report("Taking in an answer of RabbitMQ failed", t);
            session.end("an answer of RabbitMQ could not be taken in: " + t);
        }
    }

    private void confirmed(long tag, boolean multiple, boolean ack) {
        List<Outstanding> done = new ArrayList<>();
        long now = System.nanoTime();
        synchronized (lock) {
            if (multiple) {
                Map<Long, Outstanding> upTo = outstanding.headMap(tag, true);
                done.addAll(upTo.values());
                upTo.clear();
            } else {
                Outstanding one = outstanding.get(tag);
                if (one != null) {
                    done.add(one);
                    outstanding.remove(tag);
                }
            }
            proven = true;
            quietSince = now;
            if (!done.isEmpty()) {
                alone = false;
            }
            session.confirmed(done.size(), now);
        }
        for (Outstanding each : done) {
            each.publication.answer(outcome(each, ack));
            session.suspects().clear(each.publication);
        }
        if (!done.isEmpty()) {
            session.patience().confirmed(now - done.get(done.size() - 1).sentAt);
        }
        session.wake();
    }

    private static Outcome outcome(Outstanding sent, boolean ack) {
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

    /**
     * A return names no tag; it comes before its message's confirm. All unconfirmed messages that look like it are taken
     * for returned: at worst one that arrived is sent again. One that matches none could be any of them, so then none of
     * them may count as acknowledged by its confirm.
     */
    private void returned(Return returned) {
        String reason = returned.getReplyCode() + " " + returned.getReplyText();
        synchronized (lock) {
            boolean known = false;
            for (Outstanding each : outstanding.values()) {
                if (outstanding.size() == 1 || looksLike(each.publication, returned)) {
                    each.returned = reason;
                    known = true;
                }
            }
            if (known || outstanding.isEmpty()) {
                return;
            }
        }
        suspectAll(
                Suspects.Scope.CHANNEL,
                "RabbitMQ returned a message as unroutable (" + reason + ") that cannot be told from others");
        retire("a returned message is none of those that were sent");
    }

    private static boolean looksLike(Publication publication, Return returned) {
        Message message = publication.message();
        String id = message.eventId();
        return Objects.equals(
                        id == null ? null : RabbitMessages.asSent(id),
                        returned.getProperties().getMessageId())
                && RabbitMessages.asSent(publication.routingKey()).equals(returned.getRoutingKey())
                && Arrays.equals(message.body(), returned.getBody());
    }

    private void closed(ShutdownSignalException cause) {
        if (cause.isHardError()) {
            session.connectionClosed(cause); // looks at what is unconfirmed on all lanes
        }
        leave();
        if (cause.getReason() instanceof AMQP.Channel.Close close && !cause.isInitiatedByApplication()) {
            blame(close.getReplyCode(), close.getReplyText());
        } else {
            answerAll(new Outcome.Unknown("the channel was closed: " + cause.getMessage()));
        }
        session.wake();
    }

    /** The server closed the channel because of a message: the one that is unconfirmed, if it is the only one. */
    private void blame(int code, String text) {
        Outstanding guilty = null;
        synchronized (lock) {
            if (outstanding.size() == 1) {
                guilty = outstanding.firstEntry().getValue();
            }
        }
        if (guilty == null) {
            suspectAll(Suspects.Scope.CHANNEL, "RabbitMQ closed the channel: " + text);
        } else {
            session.verdict(guilty.publication, code, text, Suspects.Scope.CHANNEL);
            answerAll(new Outcome.Unknown(text)); // it has its answer; this ends its time in the window
        }
    }

    private void suspectAll(Suspects.Scope scope, String reason) {
        session.suspect(this::takeAll, scope, reason);
    }

    /** From now on nothing is sent here. */
    private void leave() {
        synchronized (lock) {
            left = true;
        }
        session.left(this);
    }

    /** The connection's silence had a reason that is over. Under the lock. */
    void unblocked(long now) {
        quietSince = now;
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** Answers what waited too long for its own confirm; what comes for it later is ignored. */
    void answerOverdue(long now, long nanos, String reason) {
        List<Outstanding> overdue = new ArrayList<>();
        synchronized (lock) {
            while (!outstanding.isEmpty() && now - outstanding.firstEntry().getValue().sentAt > nanos) {
                overdue.add(outstanding.firstEntry().getValue());
                outstanding.pollFirstEntry();
            }
            if (!overdue.isEmpty()) {
                alone = false;
                session.answered(overdue.size());
            }
        }
        overdue.forEach(each -> each.publication.answer(new Outcome.Unknown(reason)));
    }

    void answerAll(Outcome outcome) {
        takeAll().forEach(each -> each.publication.answer(outcome));
    }

    /** What is unconfirmed, which leaves the window. */
    List<Outstanding> takeAll() {
        synchronized (lock) {
            List<Outstanding> all = new ArrayList<>(outstanding.values());
            outstanding.clear();
            alone = false;
            session.answered(all.size());
            return all;
        }
    }

    /** Closes the channel, which waits for the server. */
    void close() {
        leave();
        abort(channel);
        answerAll(new Outcome.Unknown("the channel was closed"));
    }

    /** Closes the channel and answers what is unconfirmed. Returns before the server has answered. */
    void retire(String reason) {
        leave();
        answerAll(new Outcome.Unknown(reason));
        session.later(() -> abort(channel));
        session.wake();
    }

    private static void abort(Channel channel) {
        try {
            channel.abort();
        } catch (IOException | RuntimeException e) {
            // It is closed already, or its connection is.
        }
    }
}
