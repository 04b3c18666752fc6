package dev.posthaste.kafka;

import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.Queue;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A record that the client has. The client answers once, on its own thread, or on the publisher's if it did not accept
 * the record. Thread-safe, except {@link #notTaken}.
 */
final class PendingSend extends InFlightWindow.Entry {
    /** How late an answer may be, beyond the client's own timeout, on a busy machine. */
    static final Duration GRACE = Duration.ofSeconds(1);

    final Producer<byte[], byte[]> client;
    final Destination destination;
    final Publication publication;
    private final KafkaSettings settings;
    private final Queue<Task> tasks;
    private final Thread publisher;
    private final long maxBytes;
    private final boolean secondTime;
    private boolean answered; // guarded by this
    private @Nullable Exception notTaken; // confined to the publisher's thread

    /**
     * Made on the publisher's thread.
     *
     * @param tasks that thread's, where the answer goes
     */
    PendingSend(
            Producer<byte[], byte[]> client,
            Destination destination,
            Publication publication,
            KafkaSettings settings,
            Queue<Task> tasks,
            long now) {
        super(publication.size(), now, publication.alone());
        this.client = client;
        this.destination = destination;
        this.publication = publication;
        this.settings = settings;
        this.tasks = tasks;
        this.publisher = Thread.currentThread();
        this.secondTime = publication.again();
        TopicInfo known = destination.known;
        this.maxBytes = known == null ? 0 : known.maxBytes();
    }

    void answered(@Nullable Exception failure) {
        synchronized (this) {
            if (answered) {
                return;
            }
            answered = true;
        }
        if (failure instanceof TimeoutException && Thread.currentThread() == publisher) {
            notTaken = failure; // the client lacks metadata or room, and must not block
            return;
        }
        boolean again = failure != null && !alone() && !secondTime && Outcomes.isOfItsBatch(failure);
        try {
            tasks.add(new Task.Answered(this, failure, System.nanoTime(), again));
        } finally {
            if (!again) {
                endAsAnswered(failure);
            }
        }
    }

    /** Why the client did not even accept the record; null if it did. For the publisher's thread. */
    @Nullable
    Exception notTaken() {
        return notTaken;
    }

    void endAsAnswered(@Nullable Exception failure) {
        publication.end(outcome(failure));
    }

    private Outcome outcome(@Nullable Exception failure) {
        if (failure == null) {
            return Outcome.acknowledged();
        }
        if (Outcomes.isTooLarge(failure)) {
            return Outcome.rejected("topic " + destination.topic + " does not accept it: " + Outcomes.reason(failure)
                    + "; it has " + size() + " bytes with its headers"
                    + (settings.compresses() ? " before compression" : "") + ", the topic accepts " + maxBytes
                    + " (max.message.bytes)");
        }
        return Outcomes.of(failure);
    }

    /**
     * Whether the answer should have come by now. A message that waited for the clients to start was sent late, and the
     * client does not know that: at the message's deadline the client must be stopped from sending it.
     */
    boolean isOverdue(long now) {
        boolean late = at() - publication.since() > settings.beforeSending().toNanos();
        Duration allowed =
                late ? settings.deliveryTimeout() : settings.deliveryTimeout().plus(GRACE);
        return now - publication.since() > allowed.toNanos();
    }
}
