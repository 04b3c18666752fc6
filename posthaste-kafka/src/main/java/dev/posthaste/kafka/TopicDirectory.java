package dev.posthaste.kafka;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Queue;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what is known about topics up to date: looks each up before anything is sent to it, after a failure, and
 * periodically. After a lookup without an answer, the admin client is replaced, and the next lookups get twice the
 * time.
 *
 * <p>Confined to the publisher's thread. Answers come to it through the publisher's tasks.
 */
final class TopicDirectory {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);

    private final KafkaSettings settings;
    private final ActiveClients clients;
    private final ClusterProbe probe;
    private final Queue<Task> tasks;
    private long questions;
    private Duration patience;

    TopicDirectory(KafkaSettings settings, ActiveClients clients, ClusterProbe probe, Queue<Task> tasks) {
        this.settings = settings;
        this.clients = clients;
        this.probe = probe;
        this.tasks = tasks;
        this.patience = settings.firstLookup();
    }

    /** How long a lookup may take at present. */
    Duration patience() {
        return patience;
    }

    /** Looks the topic up, unless that is in progress or there is no client. */
    void ask(Destination destination) {
        TopicLookup lookup = clients.lookup();
        if (destination.asking || lookup == null) {
            return;
        }
        long question = ++questions;
        destination.asking = true;
        destination.question = question;
        destination.askedAt = System.nanoTime();
        lookup.ask(destination.topic, info -> tasks.add(new Task.Found(destination.topic, question, info)));
    }

    /** Looks a topic up whose last lookup was long ago; its messages do not wait for that. */
    void refresh(Destination destination, long now) {
        if (destination.trusted
                && now - destination.askedAt > settings.topicCheck().toNanos()) {
            ask(destination);
        }
    }

    /** Whether the answer is to the question that is open. */
    boolean isAwaited(Destination destination, Task.Found found) {
        return destination.asking && destination.question == found.question();
    }

    /** @return null if the topic can be sent to, otherwise the outcome of what waits for it */
    @Nullable
    Outcome found(Destination destination, TopicInfo info) {
        destination.asking = false;
        Throwable failure = info.failure();
        if (failure == null) {
            patience = settings.firstLookup();
            info.warn(destination.topic, destination.known, log);
            destination.known = info;
            destination.trusted = true;
            probe.reached();
            return null;
        }
        destination.trusted = false;
        Outcome outcome = Outcomes.ofLookup(destination.topic, failure, settings.bootstrapServers());
        if (outcome instanceof Outcome.Unavailable) {
            probe.notReached();
        }
        return outcome;
    }

    /**
     * Gives up a lookup that takes too long. The client's connection or thread may be dead, so it is replaced; or the
     * cluster is slow, so the next client gets twice the time.
     *
     * @return the answer in its place, or null if there was nothing to give up
     */
    Task.@Nullable Found giveUpLost(Destination destination, long now) {
        Duration allowed = patience;
        if (!destination.asking || now - destination.askedAt <= allowed.toNanos()) {
            return null;
        }
        if (clients.lookup() != null) {
            log.warn(
                    "Kafka at {}: a lookup of topic {} got no answer within {}; the admin client is replaced",
                    settings.bootstrapServers(),
                    destination.topic,
                    DurationText.of(allowed));
            clients.dropLookup();
            patience = settings.nextLookup(patience);
            clients.connect();
        }
        return new Task.Found(
                destination.topic,
                destination.question,
                TopicInfo.failed(new TimeoutException("no answer within " + DurationText.of(allowed))));
    }
}
