package dev.posthaste.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Subscription;
import dev.posthaste.inbox.Delivery;
import dev.posthaste.inbox.Failure;
import dev.posthaste.inbox.Receiver;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds a consumer from a RabbitMQ queue. A message is acknowledged after it was handled, never put back: what fails is
 * tried again in place, and what is given up goes to the queue's error queue, confirmed, before it is acknowledged.
 *
 * <p>The prefetch bounds what waits in memory. A key that fails for long holds as many of them as it has events in the
 * queue's head, so leave room for the other keys. Thread-safe.
 */
public final class RabbitSubscription implements Subscription {
    private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long LONGEST_WAIT_MILLIS = 5_000;

    private final RabbitSettings settings;
    private final String queue;
    private final int prefetch;
    private final Receiver consumer;
    private final Thread thread;
    private final Object state = new Object();
    private boolean started; // guarded by state
    private volatile boolean closed;
    private volatile @Nullable Connection connection;

    /** @param consumer closed together with this subscription */
    public RabbitSubscription(RabbitSettings settings, String queue, int prefetch, Receiver consumer) {
        settings.connectionFactory();
        if (prefetch < 1 || prefetch > 65_535) {
            throw new IllegalArgumentException("prefetch must be 1 to 65535, not " + prefetch);
        }
        this.settings = settings;
        this.queue = queue;
        this.prefetch = prefetch;
        this.consumer = consumer;
        this.thread = new Thread(this::receive, "posthaste-rabbitmq-" + queue);
        thread.setDaemon(true);
    }

    @Override
    public void start() {
        synchronized (state) {
            if (!started && !closed) {
                started = true;
                thread.start();
            }
        }
    }

    @Override
    public boolean healthy() {
        Connection current = connection;
        return !closed && current != null && current.isOpen();
    }

    private void receive() {
        long wait = FIRST_WAIT_MILLIS;
        while (!closed) {
            try {
                CountDownLatch lost = new CountDownLatch(1);
                try (Connection opened = connect(lost)) {
                    connection = opened;
                    log.info("Receiving from queue {} of RabbitMQ at {}", queue, settings.address());
                    wait = FIRST_WAIT_MILLIS;
                    lost.await();
                }
            } catch (InterruptedException e) {
                return;
            } catch (IOException | TimeoutException | RuntimeException e) {
                if (!closed) {
                    log.warn(
                            "Queue {} of RabbitMQ at {} cannot be received, next try in {} ms: {}",
                            queue,
                            settings.address(),
                            wait,
                            String.valueOf(e.getCause() == null ? e : e.getCause()));
                }
            }
            try {
                TimeUnit.MILLISECONDS.sleep(wait);
            } catch (InterruptedException e) {
                return;
            }
            wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS);
        }
    }

    private Connection connect(CountDownLatch lost) throws IOException, TimeoutException {
        Connection opened = settings.connectionFactory().newConnection("posthaste-" + consumer.name());
        try {
            opened.addShutdownListener(cause -> lost.countDown());
            for (Route route : settings.declare()) {
                RabbitTopology.declare(opened, route);
            }
            Channel channel = opened.createChannel();
            channel.addShutdownListener(cause -> lost.countDown());
            channel.basicQos(prefetch);
            channel.basicConsume(queue, false, consumer.name(), new Arrivals(channel, opened, lost));
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.abort(1000);
            throw e;
        }
    }

    /** Hands deliveries on; called on the client's threads. */
    private final class Arrivals extends DefaultConsumer {
        private final Connection connection;
        private final CountDownLatch lost;

        Arrivals(Channel channel, Connection connection, CountDownLatch lost) {
            super(channel);
            this.connection = connection;
            this.lost = lost;
        }

        @Override
        public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
            consumer.accept(new RabbitDelivery(
                    connection,
                    getChannel(),
                    envelope.getDeliveryTag(),
                    RabbitMessages.message(envelope.getExchange(), envelope.getRoutingKey(), properties, body)));
        }

        /** The queue was deleted, or its node went away. */
        @Override
        public void handleCancel(String tag) {
            lost.countDown();
        }
    }

    /** One message, to be answered on the channel that brought it. */
    private final class RabbitDelivery implements Delivery {
        private final Connection connection;
        private final Channel channel;
        private final long tag;
        private final Message message;

        RabbitDelivery(Connection connection, Channel channel, long tag, Message message) {
            this.connection = connection;
            this.channel = channel;
            this.tag = tag;
            this.message = message;
        }

        @Override
        public Message message() {
            return message;
        }

        @Override
        public void done() {
            try {
                synchronized (channel) {
                    channel.basicAck(tag, false);
                }
            } catch (IOException | ShutdownSignalException e) {
                // The channel is gone; the message comes again and is found to have been handled.
                log.debug("Queue {}: {} could not be acknowledged", queue, message, e);
            }
        }

        @Override
        public void deadLetter(Failure failure) throws Exception {
            if (!channel.isOpen()) {
                return; // the message comes again on another channel, and is given up there
            }
            Channel errors = connection.createChannel();
            try {
                boolean[] returned = new boolean[1];
                errors.confirmSelect();
                errors.addReturnListener(each -> returned[0] = true);
                errors.basicPublish(
                        "",
                        RabbitTopology.errorQueue(queue),
                        true,
                        RabbitMessages.properties(message, failure.headers(queue)),
                        message.body());
                errors.waitForConfirmsOrDie(settings.confirmTimeout().toMillis());
                if (returned[0]) {
                    throw new IOException("queue " + RabbitTopology.errorQueue(queue) + " does not exist");
                }
            } finally {
                errors.abort();
            }
            done();
        }

        @Override
        public void abandoned() {
            // Closing the channel gives it back.
        }
    }

    @Override
    public void close() {
        synchronized (state) {
            if (closed) {
                return;
            }
            closed = true;
        }
        consumer.close(); // running handlers still acknowledge on the open connection
        Connection current = connection;
        if (current != null) {
            current.abort(2_000);
        }
        thread.interrupt();
        try {
            thread.join(5_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
