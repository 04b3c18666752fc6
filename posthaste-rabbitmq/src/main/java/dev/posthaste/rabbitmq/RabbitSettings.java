package dev.posthaste.rabbitmq;

import com.rabbitmq.client.ConnectionFactory;
import dev.posthaste.Route;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * How to reach and use RabbitMQ.
 *
 * <p>The publisher's deadlines all follow from {@code confirmTimeout}, 4 s by default:
 *
 * <ul>
 *   <li>Three quarters of it (3 s): a message that was not sent within this time after {@link RabbitBroker#publish} is no
 *       longer sent; its outcome is {@code Unavailable}.
 *   <li>Once (4 s): a connection without any confirm for this time, although messages are unconfirmed, is slow. Nothing
 *       more is sent ({@code Unavailable}), messages already sent keep waiting, and the next confirm ends this state. A
 *       write that hangs for this time without any confirm ends the connection.
 *   <li>Three times (12 s): a connection without any confirm for this time is closed; the messages sent on it are {@code
 *       Unknown}. The time doubles with each further connection that ends like this, up to fifteen times {@code
 *       confirmTimeout} (60 s).
 *   <li>Fifteen times (60 s): a message whose own confirm is missing for this time is {@code Unknown}, even if others are
 *       confirmed meanwhile. So every message is answered within little more than 15.75 times {@code confirmTimeout}
 *       (63 s).
 * </ul>
 *
 * @param uri {@code amqp://user:password@host:port/vhost}, or {@code amqps://…} for TLS
 * @param confirmWindow how many messages may be unconfirmed at once
 * @param confirmTimeout after how long without a confirm a connection counts as slow; see above. A connection that is
 *     merely slow is kept, and late confirms count. At most the relay's publish timeout
 * @param declare the routes whose exchange, queue, binding and error queue are declared on every new connection
 * @param tuning sets any other option of the client, such as a TLS context
 */
public record RabbitSettings(
        String uri,
        int confirmWindow,
        Duration confirmTimeout,
        List<Route> declare,
        Consumer<ConnectionFactory> tuning) {
    public RabbitSettings {
        declare = List.copyOf(declare);
        if (confirmWindow < 1) {
            throw new IllegalArgumentException("confirmWindow must be positive, not " + confirmWindow);
        }
        if (confirmTimeout.toMillis() < 4) {
            throw new IllegalArgumentException(
                    "confirmTimeout must be at least 4 ms, not " + confirmTimeout.toMillis() + " ms");
        }
        requireUsable(uri);
    }

    /** A window of 1,000 messages, confirms within 4 s, nothing declared. */
    public static RabbitSettings of(String uri) {
        return new RabbitSettings(uri, 1000, Duration.ofSeconds(4), List.of(), factory -> {});
    }

    public RabbitSettings declaring(Route... routes) {
        return new RabbitSettings(uri, confirmWindow, confirmTimeout, List.of(routes), tuning);
    }

    public RabbitSettings withConfirmTimeout(Duration confirmTimeout) {
        return new RabbitSettings(uri, confirmWindow, confirmTimeout, declare, tuning);
    }

    public RabbitSettings tuned(Consumer<ConnectionFactory> tuning) {
        return new RabbitSettings(uri, confirmWindow, confirmTimeout, declare, tuning);
    }

    /** How long after it was published a message may still be sent. */
    Duration sendWithin() {
        return confirmTimeout.multipliedBy(3).dividedBy(4);
    }

    /** How long a connection may bring no confirm before it is closed, at first. */
    Duration firstGiveUp() {
        return confirmTimeout.multipliedBy(3);
    }

    /** As {@link #firstGiveUp}, after several such connections; also the longest wait for one message's confirm. */
    Duration longestGiveUp() {
        return confirmTimeout.multipliedBy(15);
    }

    /** A factory for the server that the URI names. The message of the exception does not contain the password. */
    private static ConnectionFactory requireUsable(String uri) {
        ConnectionFactory factory = new ConnectionFactory();
        try {
            if (URI.create(uri).getHost() == null) {
                throw new IllegalArgumentException("no host");
            }
            factory.setUri(uri);
            return factory;
        } catch (URISyntaxException | GeneralSecurityException | RuntimeException e) {
            throw new IllegalArgumentException("Not a usable AMQP URI: " + address(uri));
        }
    }

    ConnectionFactory connectionFactory() {
        ConnectionFactory factory = requireUsable(uri);
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(5_000);
        factory.setHandshakeTimeout(5_000);
        factory.setRequestedHeartbeat(10);
        factory.setMaxInboundMessageBodySize(Integer.MAX_VALUE); // otherwise a larger one would end every connection
        tuning.accept(factory);
        return factory;
    }

    /**
     * Connects as a broker with these settings does, and disconnects.
     *
     * @throws IllegalStateException if that is not possible; the message says why
     */
    public void check() {
        try {
            connectionFactory().newConnection("posthaste-check").close();
        } catch (IOException | TimeoutException e) {
            throw new IllegalStateException(Objects.requireNonNullElse(e.getMessage(), e.toString()), e);
        }
    }

    /** The URI without user and password. */
    public String address() {
        return address(uri);
    }

    private static String address(String uri) {
        return uri.replaceFirst("//[^/]*@", "//");
    }

    /** Does not show the password. */
    @Override
    public String toString() {
        return "RabbitSettings[" + address() + ", window " + confirmWindow + ", confirms within " + confirmTimeout
                + "]";
    }
}
