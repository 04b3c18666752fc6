package dev.posthaste.kafka;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes to Kafka: idempotent, acknowledged by all replicas in sync. The event's key decides the partition.
 *
 * <p>A topic is looked up before anything is sent to it, for a producer that asks about a missing one blocks, and makes
 * brokers create it. A missing topic rejects its own messages and delays no other's. A message that is larger than its
 * topic takes is rejected before it is sent.
 *
 * <p>{@link #publish} only queues. One thread ({@code posthaste-kafka-publisher}) looks up and sends; outcomes come on the
 * client's threads. Thread-safe.
 */
public final class KafkaBroker implements Broker {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long IDLE_MILLIS = 100;

    private final KafkaSettings settings;
    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final Thread publisher;
    private volatile boolean closed;
    private volatile boolean reachable = true;
    private volatile boolean producerIsUseless;

    // Confined to the publisher's thread.
    private final Map<String, Destination> destinations = new HashMap<>();
    private final List<Publication> untilReachable = new ArrayList<>();
    private @Nullable Producer<byte[], byte[]> producer;
    private @Nullable TopicLookup lookup;

    /** What the publisher's thread does next. */
    private sealed interface Task {}

    /** One message and who waits for its outcome. */
    private record Publication(Message message, Consumer<Outcome> callback, long since) implements Task {
        void end(Outcome outcome) {
            callback.accept(outcome);
        }
    }

    /** A topic was looked up. */
    private record Found(String topic, TopicLookup.Answer answer) implements Task {}

    /** Kafka was asked whether it is there. */
    private record Probed(@Nullable Throwable failure) implements Task {}

    /** What is known of a topic. */
    private static final class Destination {
        private final List<Publication> waiting = new ArrayList<>();
        private TopicLookup.@Nullable Answer known;
        private long askedAt;
        private boolean asking;
        /** Something went wrong there: ask before the next message. Set by the client's threads. */
        private volatile boolean suspect = true;
    }

    /** Connects when the first message comes. */
    public KafkaBroker(KafkaSettings settings) {
        this.settings = settings;
        this.publisher = new Thread(this::work, "posthaste-kafka-publisher");
        publisher.setDaemon(true);
        publisher.start();
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        tasks.add(new Publication(message, callback, System.nanoTime()));
        if (closed) {
            refuseQueued();
        }
    }

    @Override
    public boolean healthy() {
        return !closed && reachable;
    }

    private void work() {
        while (!closed) {
            try {
                Task task = tasks.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
                if (task != null) {
                    work(task);
                }
                refresh();
            } catch (InterruptedException e) {
                break;
            } catch (RuntimeException e) {
                log.error("Kafka at {}: the publisher goes on after an error", settings.bootstrapServers(), e);
            }
        }
        closeClients();
    }

    private void work(Task task) {
        if (task instanceof Publication publication) {
            begin(publication);
        } else if (task instanceof Found found) {
            found(found);
        } else if (task instanceof Probed probed) {
            probed(probed);
        }
    }

    // --- Is the topic there? -----------------------------------------------------------------------------------------

    private void begin(Publication publication) {
        if (!connect(publication)) {
            return;
        }
        if (!reachable) {
            untilReachable.add(publication);
            if (untilReachable.size() == 1) {
                lookup().probe(failure -> tasks.add(new Probed(failure)));
            }
            return;
        }
        Destination destination =
                destinations.computeIfAbsent(publication.message().destination(), topic -> new Destination());
        if (destination.suspect || !destination.waiting.isEmpty()) {
            destination.waiting.add(publication);
            ask(publication.message().destination(), destination);
        } else {
            send(publication, destination);
        }
    }

    /** Makes the clients; they refuse to be made while no server's name can be resolved. */
    private boolean connect(Publication publication) {
        try {
            if (lookup == null) {
                lookup = new TopicLookup(settings);
                lookup.warnOfAutoCreation(log);
            }
            if (producerIsUseless && producer != null) {
                producer.close(Duration.ZERO);
                producer = null;
            }
            if (producer == null) {
                producerIsUseless = false;
                producer = new KafkaProducer<>(
                        settings.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer());
            }
            return true;
        } catch (RuntimeException e) {
            publication.end(unavailable(e));
            return false;
        }
    }

    private TopicLookup lookup() {
        return Objects.requireNonNull(lookup);
    }

    private void ask(String topic, Destination destination) {
        if (!destination.asking) {
            destination.asking = true;
            destination.suspect = false;
            destination.askedAt = System.nanoTime();
            lookup().ask(topic, answer -> tasks.add(new Found(topic, answer)));
        }
    }

    private void found(Found found) {
        Destination destination = Objects.requireNonNull(destinations.get(found.topic()));
        destination.asking = false;
        TopicLookup.Answer answer = found.answer();
        List<Publication> waiting = List.copyOf(destination.waiting);
        destination.waiting.clear();
        Throwable failure = answer.failure();
        if (failure == null) {
            TopicLookup.warn(found.topic(), destination.known, answer, log);
            destination.known = answer;
            waiting.forEach(each -> send(each, destination));
        } else {
            destination.suspect = true;
            Outcome outcome = Outcomes.ofLookup(found.topic(), failure, settings.bootstrapServers());
            if (outcome instanceof Outcome.Unavailable) {
                reachable = false;
            }
            waiting.forEach(each -> each.end(outcome));
        }
    }

    /** Asks again about topics in use, now and then, without holding their messages. */
    private void refresh() {
        long now = System.nanoTime();
        for (Map.Entry<String, Destination> each : destinations.entrySet()) {
            Destination destination = each.getValue();
            if (destination.known != null
                    && !destination.suspect
                    && now - destination.askedAt > settings.topicCheck().toNanos()) {
                ask(each.getKey(), destination);
            }
        }
    }

    private void probed(Probed probed) {
        List<Publication> waiting = List.copyOf(untilReachable);
        untilReachable.clear();
        if (probed.failure() == null) {
            reachable = true;
            waiting.forEach(this::begin);
        } else {
            waiting.forEach(each -> each.end(unavailable(probed.failure())));
        }
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    private void send(Publication publication, Destination destination) {
        if (System.nanoTime() - publication.since() > settings.beforeSending().toNanos()) {
            publication.end(new Outcome.Unavailable("Kafka at " + settings.bootstrapServers()
                    + " is too slow: the message waited longer than " + settings.beforeSending()
                    + " for its turn, and was not sent"));
            return;
        }
        ProducerRecord<byte[], byte[]> record;
        try {
            record = KafkaMessages.record(publication.message());
        } catch (RuntimeException e) {
            publication.end(new Outcome.Rejected("no record can be made of it: " + Outcomes.reason(e), true));
            return;
        }
        long size = KafkaMessages.size(record);
        TopicLookup.Answer known = Objects.requireNonNull(destination.known);
        if (size > known.maxBytes()) {
            publication.end(Outcome.rejected("it has " + size + " bytes with its headers; topic " + record.topic()
                    + " takes " + known.maxBytes() + " (max.message.bytes)"));
            return;
        }
        Producer<byte[], byte[]> current = Objects.requireNonNull(producer);
        Handover handover = new Handover(publication, destination);
        try {
            var unused = current.send(record, (metadata, failure) -> handover.answered(failure));
        } catch (RuntimeException e) {
            handover.answered(e);
        }
        handover.leftThisThread = true;
    }

    /** A record in the client's hands; it answers once, on this thread when it did not even take the record. */
    private final class Handover {
        private final Publication publication;
        private final Destination destination;
        private volatile boolean leftThisThread;
        private boolean answered; // guarded by this

        Handover(Publication publication, Destination destination) {
            this.publication = publication;
            this.destination = destination;
        }

        void answered(@Nullable Exception failure) {
            synchronized (this) {
                if (answered) {
                    return;
                }
                answered = true;
            }
            if (failure == null) {
                publication.end(Outcome.ACKNOWLEDGED);
                return;
            }
            destination.suspect = true;
            boolean fatal = Outcomes.isFatal(failure);
            if (fatal) {
                producerIsUseless = true;
            }
            boolean neverSent = !leftThisThread && (failure instanceof TimeoutException || fatal);
            if (neverSent) {
                reachable = false; // asked again before the next message
            }
            publication.end(neverSent ? unavailable(failure) : Outcomes.of(failure));
        }
    }

    private Outcome unavailable(@Nullable Throwable failure) {
        return new Outcome.Unavailable(
                "Kafka at " + settings.bootstrapServers() + " cannot be reached: " + Outcomes.reason(failure));
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    private void refuseQueued() {
        Outcome closedNow = new Outcome.Unavailable("the broker is closed");
        List<Task> waiting = new ArrayList<>();
        tasks.drainTo(waiting);
        waiting.forEach(each -> {
            if (each instanceof Publication publication) {
                publication.end(closedNow);
            }
        });
    }

    private void closeClients() {
        Thread.interrupted(); // the clients would refuse to close in order
        refuseQueued();
        Outcome closedNow = new Outcome.Unavailable("the broker is closed");
        untilReachable.forEach(each -> each.end(closedNow));
        destinations.values().forEach(each -> each.waiting.forEach(publication -> publication.end(closedNow)));
        if (producer != null) {
            producer.close(settings.deliveryTimeout());
        }
        if (lookup != null) {
            lookup.close();
        }
    }

    /** Waits within the delivery timeout for what the client has in its hands. */
    @Override
    public void close() {
        closed = true;
        publisher.interrupt();
        try {
            publisher.join(settings.deliveryTimeout().multipliedBy(2).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        refuseQueued();
    }
}
