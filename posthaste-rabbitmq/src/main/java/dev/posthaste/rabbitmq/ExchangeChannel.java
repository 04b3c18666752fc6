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
 * The channel of one exchange, from its opening to its end. A new channel carries a single message until the first confirm,
 * so that a missing exchange is discovered with one message and costs the others nothing.
 *
 * <p>After an exception of the client, its channel is never used again: the client may have counted a message that was
 * never sent.
 *
 * <p>Thread-safe. The state is guarded by the session's lock, which is never held while something is sent or a callback is
 * called.
 */
final class ExchangeChannel {
    private final RabbitSession session;
    private final String exchange;
    private final Channel channel;
    private final Object lock;
    private final TreeMap<Long, Outstanding> outstanding = new TreeMap<>();
    private boolean proven;
    private boolean alone;
    private boolean left;
    private long quietSince = System.nanoTime();

    /** A message that was sent and is not confirmed yet. */
    static final class Outstanding {
        final Publication publication;
        final long sentAt = System.nanoTime();

        @Nullable
        String returned;

        Outstanding(Publication publication) {
            this.publication = publication;
        }
    }

    private ExchangeChannel(RabbitSession session, String exchange, Channel channel) {
        this.session = session;
        this.exchange = exchange;
        this.channel = channel;
        this.lock = session.lock();
    }

    static ExchangeChannel open(RabbitSession session, Connection connection, String exchange) throws IOException {
        Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("RabbitMQ allows no more channels on this connection (channel_max)");
        }
        ExchangeChannel made = new ExchangeChannel(session, exchange, channel);
        boolean opened = false;
        try {
            channel.confirmSelect();
            channel.addConfirmListener(
                    (tag, multiple) -> made.guard(() -> made.confirmed(tag, multiple, true)),
                    (tag, multiple) -> made.guard(() -> made.confirmed(tag, multiple, false)));
            channel.addReturnListener(returned -> made.guard(() -> made.returned(returned)));
            channel.addShutdownListener(cause -> made.guard(() -> made.closed(cause)));
            opened = true;
            return made;
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

    /** Whether a message may be sent now. Call under the lock. */
    boolean admits(boolean suspect) {
        return outstanding.isEmpty() || (proven && !alone && !suspect);
    }

    /** Call under the lock. */
    boolean isIdle() {
        return outstanding.isEmpty();
    }

    /** Call under the lock. */
    boolean isQuiet(long now, long nanos) {
        return !outstanding.isEmpty() && now - quietSince > nanos;
    }

    /** @param suspected the scope on which nothing else may be sent until this message is confirmed, or null */
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
                session.window().sending(suspected == Suspects.Scope.CONNECTION, sent.sentAt);
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
                session.notSent(publication); // the client checks its channel before it writes
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
                session.window().answered(1);
            }
            return forgotten;
        }
    }

    private void failed(long tag, Publication publication, AMQP.BasicProperties properties, Throwable cause) {
        boolean itsOwnFault = cause instanceof IllegalArgumentException
                && RabbitMessages.isUnencodable(publication.message(), properties);
        if (itsOwnFault && forget(tag) != null) {
            publication.answer(Outcome.rejected("it cannot be encoded for AMQP: " + cause.getMessage())
                    .permanent(true));
        }
        if (!(cause instanceof IOException)) {
            session.faults().report("Sending a message failed", cause);
        }
        if (cause instanceof IllegalArgumentException) {
            retire("the client failed to send another message: " + cause); // it encodes before it writes
        } else {
            // Some of the message's frames may have been written, so no channel of this connection can be trusted.
            session.end("sending failed: " + cause);
        }
    }

    // --- The server's answers: the connection's thread ---------------------------------------------------------------

    private void guard(Runnable listener) {
        try {
            listener.run();
        } catch (Throwable t) {
            session.faults().report("Handling an answer of RabbitMQ failed", t);
            session.end("an answer of RabbitMQ could not be handled: " + t);
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
            session.window().confirmed(done.size(), now);
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
            return Outcome.acknowledged();
        }
        Message message = sent.publication.message();
        return Outcome.rejected("no queue is bound to exchange '" + message.destination() + "' for routing key '"
                + message.routingKey() + "' (" + returned + ")");
    }

    /**
     * A return carries no tag; it comes before its message's confirm. All unconfirmed messages that look like it count as
     * returned: at worst, one that arrived is sent again. If it matches none, it could be any of them, so none may count as
     * acknowledged by its confirm.
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
                "RabbitMQ returned a message as unroutable (" + reason + ") that cannot be identified");
        retire("a returned message is not one of those that were sent");
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
            session.connectionClosed(cause); // looks at what is unconfirmed on all channels
        }
        leave();
        if (cause.getReason() instanceof AMQP.Channel.Close close && !cause.isInitiatedByApplication()) {
            blame(close.getReplyCode(), close.getReplyText());
        } else {
            answerAll(Outcome.unknown("the channel was closed: " + cause.getMessage()));
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
            session.verdicts().guilty(guilty.publication, code, text, Suspects.Scope.CHANNEL);
            answerAll(Outcome.unknown(text)); // it has its answer; this takes it out of the window
        }
    }

    private void suspectAll(Suspects.Scope scope, String reason) {
        session.verdicts().suspects(this::takeAll, scope, reason);
    }

    /** From now on nothing is sent here. */
    private void leave() {
        synchronized (lock) {
            left = true;
        }
        session.left(this);
    }

    /** The connection's silence had a reason, which is over. Call under the lock. */
    void unblocked(long now) {
        quietSince = now;
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** Answers messages that waited too long for their own confirms, which are ignored if they come later. */
    void answerOverdue(long now, long nanos, String reason) {
        List<Outstanding> overdue = new ArrayList<>();
        synchronized (lock) {
            while (!outstanding.isEmpty() && now - outstanding.firstEntry().getValue().sentAt > nanos) {
                overdue.add(outstanding.firstEntry().getValue());
                outstanding.pollFirstEntry();
            }
            if (!overdue.isEmpty()) {
                alone = false;
                session.window().answered(overdue.size());
            }
        }
        overdue.forEach(each -> each.publication.answer(Outcome.unknown(reason)));
    }

    void answerAll(Outcome outcome) {
        takeAll().forEach(each -> each.publication.answer(outcome));
    }

    /** Takes everything that is unconfirmed out of the window. */
    List<Outstanding> takeAll() {
        synchronized (lock) {
            List<Outstanding> all = new ArrayList<>(outstanding.values());
            outstanding.clear();
            alone = false;
            session.window().answered(all.size());
            return all;
        }
    }

    /** Closes the channel and waits for the server. */
    void close() {
        leave();
        abort(channel);
        answerAll(Outcome.unknown("the channel was closed"));
    }

    /** Closes the channel and answers what is unconfirmed. Does not wait for the server. */
    void retire(String reason) {
        leave();
        answerAll(Outcome.unknown(reason));
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
