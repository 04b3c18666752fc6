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
 * @param uri {@code amqp://user:password@host:port/vhost}, or {@code amqps://…} for TLS
 * @param confirmWindow how many messages may wait for their confirm at once
 * @param confirmTimeout how long a confirm may take before the connection counts as dead; no longer than the relay's
 *     publish timeout
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
