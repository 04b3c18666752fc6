package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Failure;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Receiver;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A channel that receives from a queue: passes deliveries to the consumer and answers them. When it ends, the server
 * delivers unanswered messages on another channel, and those still waiting here are dropped. Thread-safe.
 */
final class ReceivingChannel extends DefaultConsumer {
    private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
    private static final long FINISH_LOOK_MILLIS = 10;

    private final Channel channel;
    private final String queue;
    private final Receiver receiver;
    private final Prefetch prefetch;
    private final ErrorQueue errors;
    private final Set<RabbitDelivery> unanswered = ConcurrentHashMap.newKeySet();
    private volatile boolean received;
    private volatile boolean finishing;
    private boolean lost; // guarded by this

    private ReceivingChannel(Channel channel, String queue, Receiver receiver, Prefetch prefetch, ErrorQueue errors) {
        super(channel);
        this.channel = channel;
        this.queue = queue;
        this.receiver = receiver;
        this.prefetch = prefetch;
        this.errors = errors;
    }

    static ReceivingChannel open(
            Connection connection, String queue, Receiver receiver, Prefetch prefetch, ErrorQueue errors)
            throws IOException {
        Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("the connection has no free channel");
        }
        ReceivingChannel opened = new ReceivingChannel(channel, queue, receiver, prefetch, errors);
        channel.addShutdownListener(cause -> opened.lose());
        channel.basicQos(prefetch.current());
        channel.basicConsume(queue, false, receiver.name(), opened);
        return opened;
    }

    boolean isOpen() {
        return channel.isOpen();
    }

    /** Returns when the channel is lost, or when another prefetch would be better. */
    synchronized void awaitEnd() throws InterruptedException {
        while (!lost && !prefetch.isToChange()) {
            wait(1_000);
        }
    }

    synchronized boolean isLost() {
        return lost;
    }

    private synchronized void lose() {
        lost = true;
        notifyAll();
    }

    /** Whether any message has come. */
    boolean hasReceived() {
        return received;
    }

    /** Starts nothing more: the subscription is closing. */
    void stop() {
        finishing = true;
    }

    /** Waits for what has been started, until {@code end} on the clock of {@link System#nanoTime}. */
    void awaitEndOfBegun(long end) {
        try {
            while (channel.isOpen() && anyHasBegun() && System.nanoTime() - end < 0) {
                TimeUnit.MILLISECONDS.sleep(FINISH_LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean anyHasBegun() {
        return unanswered.stream().anyMatch(RabbitDelivery::hasBegun);
    }

    /** Gives unanswered messages back. */
    void end() {
        try {
            channel.abort();
        } catch (IOException e) {
            log.debug("Queue {}: the channel did not close cleanly", queue, e);
        }
        unanswered.forEach(RabbitDelivery::drop);
    }

    /** Called on the client's threads. If it throws, they close the channel, and the message comes again. */
    @Override
    public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
        RabbitDelivery delivery = new RabbitDelivery(envelope, properties, body);
        received = true;
        if (finishing) {
            return; // given back when the channel closes
        }
        unanswered.add(delivery);
        prefetch.arrived(delivery.size);
        try {
            receiver.accept(delivery);
        } catch (Throwable e) {
            delivery.release();
            throw e;
        }
        if (prefetch.isToChange()) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** The queue was deleted, or its node went away. */
    @Override
    public void handleCancel(String tag) {
        lose();
    }

    /** One message, to be answered on the channel that brought it. Thread-safe. */
    private final class RabbitDelivery implements Delivery {
        private final long tag;
        private final long size;
        private final AMQP.BasicProperties properties;
        private Message message; // guarded by this
        private boolean begun; // guarded by this

        RabbitDelivery(Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
            this.tag = envelope.getDeliveryTag();
            this.properties = properties;
            this.message = RabbitMessages.message(envelope.getExchange(), envelope.getRoutingKey(), properties, body);
            this.size = RabbitMessages.memory(message);
        }

        @Override
        public synchronized Message message() {
            return message;
        }

        @Override
        public synchronized boolean wanted() {
            begun = channel.isOpen() && !finishing;
            return begun;
        }

        @Override
        public synchronized void attemptEnded() {
            begun = false;
        }

        synchronized boolean hasBegun() {
            return begun;
        }

        @Override
        public void done() {
            release();
            try {
                synchronized (channel) {
                    channel.basicAck(tag, false);
                }
            } catch (IOException | ShutdownSignalException e) {
                // The channel is gone. The message comes again and is found to have been handled.
                log.debug("Queue {}: {} could not be acknowledged", queue, message(), e);
            }
        }

        @Override
        public void deadLetter(Failure failure) throws Exception {
            if (!channel.isOpen()) {
                release();
                return; // the message comes again on another channel and is given up there
            }
            errors.publish(properties, message().body(), failure);
            done();
        }

        /** The message is given back when the channel closes. */
        @Override
        public void abandoned() {
            release();
        }

        private void release() {
            if (unanswered.remove(this)) {
                prefetch.released(size);
            }
        }

        /**
         * The channel is gone. A message that has not begun will never be handled here, so its body is freed
         * immediately.
         */
        private synchronized void drop() {
            if (!begun) {
                message = Message.of(message.destination(), new byte[0])
                        .routingKey(message.routingKey())
                        .key(message.key())
                        .headers(message.headers());
                release();
            }
        }
    }
}
