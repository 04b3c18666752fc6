package dev.posthaste.kafka;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The producer and the admin client in use. Has missing ones made in the background, and gives up those that no longer
 * work.
 *
 * <p>Confined to the publisher's thread, except {@link #producerIsUseless}.
 */
final class ActiveClients {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final KafkaSettings settings;
    private final KafkaClients clients;
    private final BooleanSupplier closed;
    private final Consumer<KafkaClients.Made> whenMade;
    private @Nullable Producer<byte[], byte[]> producer;
    private @Nullable TopicLookup lookup;
    private volatile boolean producerIsUseless;
    private boolean connecting;
    private long triedAt;
    private boolean warned;
    /** Since when the clients are known to work: a message that came earlier had to wait for them to start. */
    private long warmSince;

    private boolean warm;

    /**
     * @param closed whether no more clients are to be made
     * @param whenMade called on any thread; passes what was made to the publisher's thread, which calls {@link #use}
     */
    ActiveClients(
            KafkaSettings settings,
            KafkaClients clients,
            BooleanSupplier closed,
            Consumer<KafkaClients.Made> whenMade) {
        this.settings = settings;
        this.clients = clients;
        this.closed = closed;
        this.whenMade = whenMade;
    }

    @Nullable
    Producer<byte[], byte[]> producer() {
        return producer;
    }

    @Nullable
    TopicLookup lookup() {
        return lookup;
    }

    /** Whether both clients exist. */
    boolean areComplete() {
        return producer != null && lookup != null;
    }

    /** Whether the last producer was given up and there is no new one yet. Thread-safe. */
    boolean producerIsUseless() {
        return producerIsUseless;
    }

    /** Has the missing clients made; that fails while the name of no server can be resolved. */
    void connect() {
        if (!connecting && !closed.getAsBoolean() && !areComplete()) {
            connecting = true;
            triedAt = System.nanoTime();
            clients.make(producer == null, lookup == null, whenMade);
        }
    }

    /** Tries again, once a second, to replace a producer that was given up. */
    void connectAgain(long now) {
        if (producerIsUseless && now - triedAt > RETRY_NANOS) {
            connect();
        }
    }

    /** Takes over what {@link #connect} had made, which may be nothing. */
    void use(KafkaClients.Made made) {
        connecting = false;
        if (made.failure() != null) {
            return;
        }
        if (made.producer() != null) {
            producer = made.producer();
            producerIsUseless = false;
            warm = false;
        }
        if (made.lookup() != null) {
            lookup = made.lookup();
        }
        if (lookup != null && !warned) {
            warned = true;
            lookup.warnOfAutoCreation(log);
        }
    }

    /**
     * Gives up a producer that will never send anything again, or whose thread is dead. The caller answers for what it
     * had, then connects.
     *
     * @return whether there was one
     */
    boolean dropProducer(String reason) {
        Producer<byte[], byte[]> old = producer;
        if (old == null) {
            return false;
        }
        log.warn("Kafka at {}: the producer is replaced: {}", settings.bootstrapServers(), reason);
        producerIsUseless = true;
        producer = null;
        clients.end(old, null, Duration.ZERO);
        return true;
    }

    void dropLookup() {
        clients.end(null, lookup, Duration.ZERO);
        lookup = null;
    }

    /** Kafka acknowledged a message at this time: the clients work. */
    void acknowledged(long at) {
        if (!warm) {
            warm = true;
            warmSince = at;
        }
    }

    /** Whether a message that came at this time had to wait for the clients to start. */
    boolean wereStarting(long at) {
        return !warm || at - warmSince < 0;
    }

    /**
     * Ends both clients in the background; the producer first gets the delivery timeout to send what it has.
     *
     * @return the thread that does it, or null if there is nothing to end or no thread can be started
     */
    @Nullable
    Thread end() {
        return clients.end(producer, lookup, settings.deliveryTimeout());
    }
}
