package dev.posthaste.kafka;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One message and who waits for its outcome, which is told once. */
final class Publication {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);

    private final Message message;
    private final Consumer<Outcome> callback;
    private final long since;
    private final AtomicBoolean ended = new AtomicBoolean();

    // Confined to the publisher's thread.
    private @Nullable ProducerRecord<byte[], byte[]> record;
    private long size;
    private boolean alone;
    private boolean again;

    /** @param since when it was handed over, by {@link System#nanoTime} */
    Publication(Message message, Consumer<Outcome> callback, long since) {
        this.message = message;
        this.callback = callback;
        this.since = since;
    }

    String topic() {
        return message.destination();
    }

    long since() {
        return since;
    }

    boolean ended() {
        return ended.get();
    }

    /** Tells the outcome, if none was told. A callback that throws ends no thread of the client's or of ours. */
    void end(Outcome outcome) {
        if (ended.compareAndSet(false, true)) {
            try {
                callback.accept(outcome);
            } catch (Throwable e) {
                log.error("Topic {}: the callback for {} threw; its outcome was {}", topic(), message, outcome, e);
            }
        }
    }

    /** What the client gets, made once. */
    ProducerRecord<byte[], byte[]> record() {
        if (record == null) {
            record = KafkaMessages.record(message);
            size = KafkaMessages.size(record);
        }
        return record;
    }

    /** Bytes of a batch that holds nothing else, before compression. Known when the record is. */
    long size() {
        return size;
    }

    /** Whether nothing else may be in its batch, so that no other message is judged with it. */
    boolean alone() {
        return alone;
    }

    void sendAlone() {
        alone = true;
    }

    /** Whether its batch was refused, so that it is sent a second time. */
    boolean again() {
        return again;
    }

    /** @param withOthers whether it is known not to be at fault */
    void sendAgain(boolean withOthers) {
        alone = !withOthers;
        again = true;
    }

    /**
     * Why the message can be sent to nobody, or not to a topic with these limits; null if it can be. What may be too large
     * until it is compressed is sent alone from now on: the broker judges it, and nothing else with it.
     */
    @Nullable
    Outcome refusal(TopicLookup.@Nullable Answer topic, boolean compresses) {
        ProducerRecord<byte[], byte[]> made;
        try {
            made = record();
        } catch (RuntimeException e) {
            return new Outcome.Rejected("no record can be made of it: " + Outcomes.reason(e), true);
        }
        if (topic == null || size() <= topic.maxBytes()) {
            return null;
        }
        if (compresses) {
            sendAlone();
            return null;
        }
        return Outcome.rejected("it has " + size() + " bytes with its headers; topic " + made.topic() + " takes "
                + topic.maxBytes() + " (max.message.bytes)");
    }
}
