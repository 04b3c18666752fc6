package dev.posthaste.rabbitmq;

import com.rabbitmq.client.ConnectionFactory;
import dev.posthaste.Route;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * How to reach and use RabbitMQ.
 *
 * <p>The publisher's deadlines all follow from {@code confirmTimeout}, 4 s by default:
 *
 * <ul>
 *   <li>Three quarters of it (3 s): a message that could not be sent so long after {@link RabbitBroker#publish} is not sent any
 *       more; its outcome is {@code Unavailable}.
 *   <li>Once (4 s): a connection on which no confirm came for so long, although messages are unconfirmed, is slow. Nothing
 *       more is sent ({@code Unavailable}), what was sent keeps waiting, and the next confirm ends this state. A write
 *       that hangs for so long without any confirm ends the connection.
 *   <li>Three times (12 s): a connection without any confirm for so long is ended; what was sent is {@code Unknown}. The
 *       time doubles with each further connection that ends so, up to fifteen times {@code confirmTimeout} (60 s).
 *   <li>Fifteen times (60 s): a message whose own confirm is missing for so long is {@code Unknown}, even if others are
 *       confirmed meanwhile. So each message is answered within little more than 15.75 times {@code confirmTimeout}
 *       (63 s).
 * </ul>
 *
 * @param uri {@code amqp://user:password@host:port/vhost}, or {@code amqps://…} for TLS
 * @param confirmWindow how many messages may be unconfirmed at once
 * @param confirmTimeout how long no confirm may come before the connection counts as slow; see above. A connection that
 *     is merely slow is kept, and late confirms count. No longer than the relay's publish timeout
 * @param declare the routes whose exchange, queue, binding and error queue are declared on every new connection
 * @param tuning sets whatever else the client can do, as TLS contexts
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
            throw new IllegalArgumentException("confirmTimeout must be at least 4 ms, not " + confirmTimeout);
        }
    }

    /** A window of 1,000, confirms within 4 seconds, nothing declared. */
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

    /** How long after it was handed over a message may still be sent. */
    Duration sendWithin() {
        return confirmTimeout.multipliedBy(3).dividedBy(4);
    }

    /** After which time without any confirm a connection is ended, at first. */
    Duration firstGiveUp() {
        return confirmTimeout.multipliedBy(3);
    }

    /** As {@link #firstGiveUp}, after several such connections; and the longest wait for one message's confirm. */
    Duration longestGiveUp() {
        return confirmTimeout.multipliedBy(15);
    }

    /** @throws IllegalArgumentException if the URI is none; its password is not repeated */
    ConnectionFactory connectionFactory() {
        ConnectionFactory factory = new ConnectionFactory();
        try {
            if (URI.create(uri).getHost() == null) {
                throw new IllegalArgumentException("no host");
            }
            factory.setUri(uri);
        } catch (URISyntaxException | GeneralSecurityException | RuntimeException e) {
            throw new IllegalArgumentException("Not a usable AMQP URI: " + address(uri));
        }
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(5_000);
        factory.setHandshakeTimeout(5_000);
        factory.setRequestedHeartbeat(10);
        factory.setMaxInboundMessageBodySize(Integer.MAX_VALUE); // else one that is larger ends every connection
        tuning.accept(factory);
        return factory;
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
