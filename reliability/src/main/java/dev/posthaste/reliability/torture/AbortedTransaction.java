package dev.posthaste.reliability.torture;

import dev.posthaste.Event;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Another producer's transaction in the topic, which is aborted in the end. Its messages look exactly like ours, so
 * that a consumer that sees one handles it; but no history says that anyone tried to write them.
 */
final class AbortedTransaction {
    private static final int MESSAGES = 60;
    /** Row numbers that no outbox of a campaign reaches. */
    private static final long FIRST_ROW = 1_000_000_000L;

    private final Map<String, Object> properties;
    private KafkaProducer<byte[], byte[]> producer;

    private AbortedTransaction(Map<String, Object> properties) {
        this.properties = properties;
        this.producer = producer();
    }

    private KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * When this returns, the whole transaction is in the topic, and open.
     *
     * @param number unique to this transaction
     */
    static AbortedTransaction begin(Setup setup, int number) {
        AbortedTransaction begun = new AbortedTransaction(Map.of(
                "bootstrap.servers",
                setup.broker(),
                "transactional.id",
                "aborting-" + number,
                "transaction.timeout.ms",
                60_000,
                "max.block.ms",
                10_000,
                "delivery.timeout.ms",
                8_000,
                "request.timeout.ms",
                4_000,
                "linger.ms",
                0));
        try {
            begun.producer.initTransactions();
            begun.producer.beginTransaction();
            for (int i = 0; i < MESSAGES; i++) {
                begun.producer.send(record(setup, number, i));
            }
            begun.producer.flush();
            return begun;
        } catch (KafkaException e) {
            begun.producer.close(Duration.ZERO);
            throw e;
        }
    }

    private static ProducerRecord<byte[], byte[]> record(Setup setup, int number, int i) {
        String id = "aborted-" + number + "-" + i;
        String key = "aborted-" + i;
        Event event = Content.plain(setup.table(), id, Setup.KEYS + 1, key, i);
        StoredRow stored = new StoredRow(
                FIRST_ROW + (long) number * MESSAGES + i,
                id,
                event.type(),
                event.version(),
                key,
                null,
                null,
                null,
                event.payload().toString().getBytes(StandardCharsets.UTF_8));
        Message message = setup.table().format().write(stored, setup.catalog().outbox(Setup.OUTBOX));
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(message.destination(), key.getBytes(StandardCharsets.UTF_8), message.body());
        message.headers()
                .forEach((name, value) ->
                        record.headers().add(name, Objects.requireNonNull(value).getBytes(StandardCharsets.UTF_8)));
        return record;
    }

    /**
     * Aborts it; or, if the producer no longer can, has the broker abort it for a new producer with the same name.
     *
     * @throws KafkaException if neither is possible yet
     */
    void end() {
        try {
            producer.abortTransaction();
        } catch (KafkaException | IllegalStateException e) {
            producer.close(Duration.ZERO);
            producer = producer();
            producer.initTransactions();
        }
        producer.close();
    }
}
