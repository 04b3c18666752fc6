package dev.posthaste.kafka;

import java.time.Duration;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and closes Kafka's clients on separate threads, so that a name that resolves slowly, or a client that does not
 * close, holds nothing else up. Thread-safe.
 */
final class KafkaClients {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);

    private final Source source;

    KafkaClients(Source source) {
        this.source = source;
    }

    /** Where clients come from. Both methods may block and throw. */
    interface Source {
        Producer<byte[], byte[]> producer();

        TopicLookup lookup();

        static Source of(KafkaSettings settings) {
            return new Source() {
                @Override
                public Producer<byte[], byte[]> producer() {
                    return new KafkaProducer<>(
                            settings.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
                }

                @Override
                public TopicLookup lookup() {
                    return new TopicLookup(settings);
                }
            };
        }
    }

    /** What was made: everything that was asked for, or nothing and the reason. */
    record Made(
            @Nullable Producer<byte[], byte[]> producer,
            @Nullable TopicLookup lookup,
            @Nullable Throwable failure) {}

    /** @param answer called once, on another thread, or on this one if no thread can be started */
    void make(boolean producer, boolean lookup, Consumer<Made> answer) {
        try {
            start("posthaste-kafka-connect", () -> answer.accept(make(producer, lookup)));
        } catch (Throwable e) {
            answer.accept(new Made(null, null, e));
        }
    }

    private Made make(boolean producer, boolean lookup) {
        TopicLookup admin = null;
        try {
            admin = lookup ? source.lookup() : null;
            return new Made(producer ? source.producer() : null, admin, null);
        } catch (Throwable e) {
            end(null, admin, Duration.ZERO);
            return new Made(null, null, e);
        }
    }

    /**
     * Closes clients in the background; the producer first gets this much time to send what it has.
     *
     * @return the thread that does it, or null if none can be started
     */
    @Nullable
    Thread end(@Nullable Producer<byte[], byte[]> producer, @Nullable TopicLookup lookup, Duration patience) {
        if (producer == null && lookup == null) {
            return null;
        }
        try {
            return start("posthaste-kafka-close", () -> {
                try (lookup) {
                    if (producer != null) {
                        producer.close(patience);
                    }
                } catch (Throwable e) {
                    log.warn("A Kafka client did not close cleanly: {}", e.toString());
                }
            });
        } catch (Throwable e) {
            log.warn("A Kafka client cannot be closed: {}", e.toString());
            return null;
        }
    }

    private static Thread start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
