package dev.posthaste.rabbitmq;

import com.rabbitmq.client.ConnectionFactory;
import dev.posthaste.CheckReturnValue;
import dev.posthaste.internal.text.DurationText;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

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
 * Immutable: every method with a parameter returns a changed copy.
 */
@CheckReturnValue
public final class RabbitSettings {
    private static final int MAX_PREFETCH = 65_535;
    private static final Consumer<ConnectionFactory> UNTUNED = factory -> {};

    private final String url;
    private final boolean declare;
    private final int prefetch;
    private final int confirmWindow;
    private final Duration confirmTimeout;
    private final Consumer<ConnectionFactory> client;

    private RabbitSettings(
            String url,
            boolean declare,
            int prefetch,
            int confirmWindow,
            Duration confirmTimeout,
            Consumer<ConnectionFactory> client) {
        this.url = url;
        this.declare = declare;
        this.prefetch = prefetch;
        this.confirmWindow = confirmWindow;
        this.confirmTimeout = confirmTimeout;
        this.client = client;
    }

    /**
     * Nothing is declared; a prefetch of 500, a window of 1,000 messages, confirms within 4 s.
     *
     * @param url {@code amqp://user:password@host:port/vhost}, or {@code amqps://…} for TLS
     * @throws IllegalArgumentException if it cannot be used; the message does not contain the password
     */
    public static RabbitSettings of(String url) {
        var unused = requireUsable(url);
        return new RabbitSettings(url, false, 500, 1000, Duration.ofSeconds(4), UNTUNED);
    }

    /**
     * Whether the exchange, queue, binding and error queue of each route that the broker publishes to or subscribes to are
     * declared, again on every new connection. All are durable, and nothing drops messages: there is no time to live, length
     * limit or delivery limit. The exchange is a direct one. The queue serves one consumer at a time (single active
     * consumer), and the next when that one is gone: with several at the same time, a later message of a key could be
     * handled before an earlier one. What exists stays as it is. Unless this is set, Posthaste declares nothing.
     */
    public RabbitSettings declare(boolean declare) {
        return new RabbitSettings(url, declare, prefetch, confirmWindow, confirmTimeout, client);
    }

    /**
     * How many messages of a subscription may be waiting or being handled in this process, from 1 to 65,535; 500 unless set.
     * A key that keeps failing occupies one for each of its events near the queue's head, so leave room for other keys.
     */
    public RabbitSettings prefetch(int messages) {
        if (messages < 1 || messages > MAX_PREFETCH) {
            throw new IllegalArgumentException("prefetch must be 1 to " + MAX_PREFETCH + ", not " + messages);
        }
        return new RabbitSettings(url, declare, messages, confirmWindow, confirmTimeout, client);
    }

    /** How many messages may be unconfirmed at once; 1,000 unless set. */
    public RabbitSettings confirmWindow(int messages) {
        if (messages < 1) {
            throw new IllegalArgumentException("confirmWindow must be positive, not " + messages);
        }
        return new RabbitSettings(url, declare, prefetch, messages, confirmTimeout, client);
    }

    /**
     * After how long without a confirm a connection counts as slow, at least 4 ms; see above. A connection that is merely slow
     * is kept, and late confirms count. At most the relay's publish timeout; 4 s unless set.
     */
    public RabbitSettings confirmTimeout(Duration timeout) {
        if (timeout.toMillis() < 4) {
            throw new IllegalArgumentException("confirmTimeout must be at least 4 ms, not " + DurationText.of(timeout));
        }
        return new RabbitSettings(url, declare, prefetch, confirmWindow, timeout, client);
    }

    /**
     * Sets any other option of the client, such as a TLS context, instead of what was set before.
     *
     * @param tuning called for each connection
     */
    public RabbitSettings client(Consumer<ConnectionFactory> tuning) {
        return new RabbitSettings(url, declare, prefetch, confirmWindow, confirmTimeout, tuning);
    }

    boolean declare() {
        return declare;
    }

    int prefetch() {
        return prefetch;
    }

    int confirmWindow() {
        return confirmWindow;
    }

    Duration confirmTimeout() {
        return confirmTimeout;
    }

    /** How long after it was published a message may still be sent. */
    Duration sendWithin() {
        return confirmTimeout.multipliedBy(3).dividedBy(4);
    }

    /** How long a connection may bring no confirm before it is closed, at first. */
    Duration firstGiveUp() {
        return confirmTimeout.multipliedBy(3);
    }

    /** Like {@link #firstGiveUp}, after several such connections; also the longest wait for one message's confirm. */
    Duration longestGiveUp() {
        return confirmTimeout.multipliedBy(15);
    }

    /** A factory for the server that the URL names. The message of the exception does not contain the password. */
    private static ConnectionFactory requireUsable(String url) {
        ConnectionFactory factory = new ConnectionFactory();
        try {
            if (URI.create(url).getHost() == null) {
                throw new IllegalArgumentException("no host");
            }
            factory.setUri(url);
            return factory;
        } catch (URISyntaxException | GeneralSecurityException | RuntimeException e) {
            throw new IllegalArgumentException("Not a usable AMQP URI: " + address(url));
        }
    }

    ConnectionFactory connectionFactory() {
        ConnectionFactory factory = requireUsable(url);
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(5_000);
        factory.setHandshakeTimeout(5_000);
        factory.setRequestedHeartbeat(10);
        factory.setMaxInboundMessageBodySize(Integer.MAX_VALUE); // otherwise a larger one would end every connection
        client.accept(factory);
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

    /** The URL without user and password. */
    public String address() {
        return address(url);
    }

    private static String address(String url) {
        return url.replaceFirst("//[^/]*@", "//");
    }

    /** Two settings with a client option are equal if it is the same object. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RabbitSettings settings
                && url.equals(settings.url)
                && declare == settings.declare
                && prefetch == settings.prefetch
                && confirmWindow == settings.confirmWindow
                && confirmTimeout.equals(settings.confirmTimeout)
                && client.equals(settings.client);
    }

    @Override
    public int hashCode() {
        return Objects.hash(url, declare, prefetch, confirmWindow, confirmTimeout, client);
    }

    /** Does not show the password. */
    @Override
    public String toString() {
        return "RabbitMQ at " + address() + ", prefetch " + prefetch + ", window " + confirmWindow
                + ", confirms within " + DurationText.of(confirmTimeout);
    }
}
