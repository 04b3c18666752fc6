package dev.posthaste.kafka;

import dev.posthaste.broker.Failure;
import dev.posthaste.broker.MessageHeaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedCompressionTypeException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes a group's dead letters: the record as it came, to the byte, with headers that say why. If the cluster refuses
 * its size or form, more and more of it is left out, finally the body; the record is still in its own topic, and the dead
 * letter says where.
 *
 * <p>Blocks, for about half a minute if the cluster does not answer. Thread-safe.
 */
final class KafkaDeadLetters implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(KafkaSubscription.class);
    private static final long GRACE_MILLIS = 5_000;

    private final KafkaSettings settings;
    private final String topic;
    private final Map<Compression, Producer<byte[], byte[]>> producers =
            new EnumMap<>(Compression.class); // guarded by this
    private @Nullable TopicLookup lookup; // guarded by this
    private boolean closed; // guarded by this
    private volatile boolean known;
    private volatile long knownSince;

    KafkaDeadLetters(KafkaSettings settings, String group) {
        this.settings = settings;
        this.topic = KafkaTopics.deadLetterTopic(group);
    }

    /** How a producer compresses. */
    private enum Compression {
        /** Compresses well enough for almost all records, without native code. */
        USUAL(Map.of("compression.type", "gzip")),
        /** For records whose producer compressed as hard as it could. */
        STRONG(Map.of("compression.type", "zstd", "compression.zstd.level", "19"));

        private final Map<String, String> properties;

        Compression(Map<String, String> properties) {
            this.properties = properties;
        }
    }

    private record Form(Compression compression, ProducerRecord<byte[], byte[]> record) {}

    /** @throws Exception if the cluster has not accepted it; to be tried again */
    void publish(ConsumerRecord<byte[], byte[]> came, Failure failure) throws Exception {
        String origin = came.topic() + "-" + came.partition() + "@" + came.offset();
        Map<String, String> why = failure.headers(origin);
        Map<String, String> brief = new LinkedHashMap<>(why);
        brief.remove(MessageHeaders.ERROR_STACK);
        Map<String, String> bodiless = new LinkedHashMap<>(brief);
        byte[] body = came.value();
        bodiless.put(
                MessageHeaders.ERROR_BODY,
                "left out: the topic does not accept its " + (body == null ? 0 : body.length) + " bytes; see "
                        + origin);
        publish(
                origin,
                List.of(
                        new Form(Compression.USUAL, record(came.key(), came.headers(), why, body)),
                        new Form(Compression.USUAL, record(came.key(), came.headers(), brief, body)),
                        new Form(Compression.STRONG, record(came.key(), came.headers(), brief, body)),
                        new Form(Compression.USUAL, record(came.key(), came.headers(), bodiless, new byte[0])),
                        new Form(Compression.USUAL, bare(origin, bodiless))));
    }

    /** For records that cannot be read: only their offsets are known. */
    void publish(RecordProbe.Unreadable records, Failure failure) throws Exception {
        String origin = records.partition() + "@" + records.first();
        Map<String, String> why = failure.headers(origin);
        why.put(
                MessageHeaders.ERROR_BODY,
                "left out: offsets " + records.first() + " to " + records.last() + " of " + records.partition()
                        + " cannot be read");
        publish(origin, List.of(new Form(Compression.USUAL, bare(origin, why))));
    }

    private void publish(String origin, List<Form> forms) throws Exception {
        requireTopic();
        List<String> refusals = new ArrayList<>();
        for (Form form : forms) {
            String refusal = send(form);
            if (refusal == null) {
                if (!refusals.isEmpty()) {
                    log.warn(
                            "The dead letter of {} is in topic {} without {}: {}",
                            origin,
                            topic,
                            form.record().value().length == 0 ? "its body" : "its stack",
                            refusals.get(refusals.size() - 1));
                }
                return;
            }
            refusals.add(refusal);
        }
        throw new IOException("topic " + topic + " refuses it in every form: " + refusals);
    }

    private ProducerRecord<byte[], byte[]> record(
            byte @Nullable [] key, Headers came, Map<String, String> more, byte @Nullable [] body) {
        Headers headers = new RecordHeaders(came.toArray());
        more.forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        return new ProducerRecord<>(topic, null, key, body, headers);
    }

    /** With its own key, because a compacted topic requires one. */
    private ProducerRecord<byte[], byte[]> bare(String origin, Map<String, String> headers) {
        return record(origin.getBytes(StandardCharsets.UTF_8), new RecordHeaders(new Header[0]), headers, new byte[0]);
    }

    /** @return null if the cluster has it, or why it refuses this form */
    private @Nullable String send(Form form) throws Exception {
        Producer<byte[], byte[]> producer = producer(form.compression());
        Throwable failure;
        try {
            producer.send(form.record())
                    .get(settings.deadLetterTimeout().toMillis() + GRACE_MILLIS, TimeUnit.MILLISECONDS);
            return null;
        } catch (ExecutionException e) {
            failure = e.getCause();
        } catch (TimeoutException | KafkaException e) {
            failure = e;
        } catch (LinkageError e) { // this compression is not on the class path
            discard(form.compression(), producer);
            return e.toString();
        } catch (Error e) {
            discard(form.compression(), producer);
            throw new IOException("the client failed: " + e, e);
        }
        if (failure != null && isOfForm(failure)) {
            return Outcomes.reason(failure);
        }
        known = false;
        if (failure instanceof TimeoutException || failure != null && Outcomes.isFatal(failure)) {
            discard(form.compression(), producer);
        }
        throw new IOException("topic " + topic + " did not accept it: " + Outcomes.reason(failure), failure);
    }

    private static boolean isOfForm(Throwable failure) {
        return Outcomes.isTooLarge(failure)
                || failure instanceof InvalidRecordException
                || failure instanceof SerializationException
                || failure instanceof UnsupportedCompressionTypeException;
    }

    /** Looks the topic up first, because a producer that asks about a missing topic makes brokers create it. */
    private void requireTopic() throws Exception {
        long now = System.nanoTime();
        if (known && now - knownSince < settings.topicCheck().toNanos()) {
            return;
        }
        CompletableFuture<TopicInfo> answer = new CompletableFuture<>();
        TopicLookup asked = lookup();
        asked.ask(topic, answer::complete);
        Throwable failure;
        try {
            failure = answer.get(settings.longestLookup().toMillis(), TimeUnit.MILLISECONDS)
                    .failure();
        } catch (TimeoutException e) {
            forget(asked);
            throw new IOException("no answer about topic " + topic, e);
        }
        if (failure instanceof UnknownTopicOrPartitionException) {
            throw new IOException("topic " + topic + " does not exist");
        }
        if (failure != null) {
            throw new IOException("topic " + topic + " cannot be looked up: " + Outcomes.reason(failure), failure);
        }
        known = true;
        knownSince = now;
    }

    /**
     * Logs a warning, once the cluster has answered, if the topic is missing or accepts only smaller messages than its
     * source.
     */
    void check(String source) {
        try {
            TopicLookup asked = lookup();
            asked.ask(topic, dead -> asked.ask(source, from -> warn(source, dead, from)));
        } catch (RuntimeException | IOException e) {
            log.debug("Topic {} could not be looked up", topic, e);
        }
    }

    private void warn(String source, TopicInfo dead, TopicInfo from) {
        if (dead.failure() instanceof UnknownTopicOrPartitionException) {
            log.warn(
                    "Topic {} does not exist, so messages of topic {} that are given up cannot leave it, and their keys"
                            + " wait. Create it, for example with KafkaSettings.createTopics",
                    topic,
                    source);
        } else if (dead.failure() == null && from.failure() == null && dead.maxBytes() < from.maxBytes()) {
            log.warn(
                    "Topic {} accepts messages of up to {} bytes and topic {} of up to {}: dead letters of large messages lose"
                            + " their bodies. Raise its max.message.bytes",
                    topic,
                    dead.maxBytes(),
                    source,
                    from.maxBytes());
        }
    }

    // --- Clients -----------------------------------------------------------------------------------------------------

    private synchronized Producer<byte[], byte[]> producer(Compression compression) throws IOException {
        requireOpen();
        Producer<byte[], byte[]> producer = producers.get(compression);
        if (producer == null) {
            Map<String, Object> properties = settings.deadLetterProperties();
            properties.keySet().removeIf(name -> name.startsWith("compression."));
            properties.putAll(compression.properties);
            producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
            producers.put(compression, producer);
        }
        return producer;
    }

    private synchronized TopicLookup lookup() throws IOException {
        requireOpen();
        TopicLookup current = lookup;
        if (current == null) {
            current = new TopicLookup(settings);
            lookup = current;
        }
        return current;
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the subscription is closed");
        }
    }

    private void discard(Compression compression, Producer<byte[], byte[]> producer) {
        synchronized (this) {
            producers.remove(compression, producer);
        }
        producer.close(Duration.ZERO);
    }

    private void forget(TopicLookup asked) {
        synchronized (this) {
            if (lookup == asked) {
                lookup = null;
            }
        }
        asked.close();
    }

    @Override
    public synchronized void close() {
        closed = true;
        producers.values().forEach(each -> each.close(Duration.ZERO));
        producers.clear();
        if (lookup != null) {
            lookup.close();
        }
    }
}
