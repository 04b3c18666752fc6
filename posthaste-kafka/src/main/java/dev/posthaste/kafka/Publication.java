package dev.posthaste.kafka;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One message and its callback, which is called once. {@link #end} and {@link #ended} are thread-safe. */
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

    /** @param since when it was published, by {@link System#nanoTime} */
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

    /** Reports the outcome, unless one was reported already. A callback that throws ends neither the client's thread nor ours. */
    void end(Outcome outcome) {
        if (ended.compareAndSet(false, true)) {
            try {
                callback.accept(outcome);
            } catch (Throwable e) {
                log.error("Topic {}: the callback for {} threw; its outcome was {}", topic(), message, outcome, e);
            }
        }
    }

    /** The record for the client, made once. */
    ProducerRecord<byte[], byte[]> record() {
        if (record == null) {
            record = KafkaMessages.record(message);
            size = KafkaMessages.size(record);
        }
        return record;
    }

    /** Size in bytes of a batch with this record alone, before compression; 0 until {@link #record} was called. */
    long size() {
        return size;
    }

    /** Whether the batch may hold nothing else, so that the broker's verdict on it concerns no other message. */
    boolean alone() {
        return alone;
    }

    void sendAlone() {
        alone = true;
    }

    /** Whether its batch was refused and it is therefore sent a second time. */
    boolean again() {
        return again;
    }

    /** @param withOthers whether the message is known not to be the cause, and may share a batch again */
    void sendAgain(boolean withOthers) {
        alone = !withOthers;
        again = true;
    }

    /**
     * Why the message cannot be sent at all, or not to a topic with these limits; null if it can be. A message that may be
     * small enough once it is compressed is sent alone from now on: then the broker's verdict concerns no other message.
     */
    @Nullable
    Outcome refusal(@Nullable TopicInfo topic, boolean compresses) {
        ProducerRecord<byte[], byte[]> made;
        try {
            made = record();
        } catch (RuntimeException e) {
            return Outcome.rejected("no record can be made from it: " + Outcomes.reason(e))
                    .permanent(true);
        }
        if (topic == null || size() <= topic.maxBytes()) {
            return null;
        }
        if (compresses) {
            sendAlone();
            return null;
        }
        return Outcome.rejected("it has " + size() + " bytes with its headers; topic " + made.topic() + " accepts "
                + topic.maxBytes() + " (max.message.bytes)");
    }
}
