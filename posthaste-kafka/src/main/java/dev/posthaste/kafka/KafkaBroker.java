package dev.posthaste.kafka;

import dev.posthaste.Route;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.broker.Receiver;
import dev.posthaste.broker.SubscribableBroker;
import dev.posthaste.broker.Subscription;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka, both ways. Publishes idempotently, acknowledged by all in-sync replicas; the event's key decides the partition.
 * Subscribes as a member of a consumer group.
 *
 * <pre>{@code
 * KafkaBroker kafka = KafkaBroker.of(KafkaSettings.of("localhost:9092").createTopics(12, 3));
 * kafka.subscribe(Route.topic("shop.orders").group("stock"), inbox);
 * }</pre>
 *
 * <p>A topic is looked up before anything is sent to it, because a producer that asks about a missing topic makes brokers
 * create it. A missing topic rejects its own messages and delays no others. A message that is larger than its topic
 * accepts is rejected: before it is sent if the producer does not compress, otherwise by the broker, which alone knows
 * the compressed size.
 *
 * <p>A message waits here until the client has room for it ({@link InFlightWindow}), for at most a second: then it was
 * not sent and is {@link Outcome.Unavailable}. A message that the client has, and that is not answered in time, is
 * {@link Outcome.Unknown}: the client does not say whether it was sent.
 *
 * <p>{@link #publish} only queues. One thread ({@code posthaste-kafka-publisher}) looks up and sends, and never blocks;
 * clients are made and closed on other threads, and topics created on one ({@code posthaste-kafka-topics}); outcomes come on
 * the client's threads. Connects when it is first used. Thread-safe.
 *
 * <h2>Subscriptions</h2>
 *
 * An offset is committed once every message before it has been handled. A message that fails is retried in place while the
 * member continues to poll, so a slow handler never costs the member its partitions. A message that is given up goes to the
 * group's {@linkplain #deadLetterTopic dead-letter topic} first, as it came; for a record that cannot be read, its offset
 * does. When partitions move to another member, running handlers get 2 s to finish, and the other member handles the rest:
 * with an inbox, once in effect. One thread for each subscription ({@code posthaste-kafka-GROUP}) polls; the receiver's
 * threads handle.
 */
public final class KafkaBroker implements SubscribableBroker {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long IDLE_MILLIS = 100;
    /** How often to check the messages that wait for the client's metadata, for room, or for their deadlines. */
    private static final long WAITING_MILLIS = 10;

    private final KafkaSettings settings;
    private final KafkaClients clients;
    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final TopicCreation creation;
    private final Thread publisher;
    private final Object state = new Object();
    private final Set<KafkaSubscription> subscriptions = new LinkedHashSet<>(); // guarded by state, as the next
    private boolean subscribable = true;
    private volatile boolean started; // written under state
    private volatile boolean closed;

    // Confined to the publisher's thread, except where their own comments say otherwise.
    private final Map<String, Destination> destinations = new HashMap<>();
    private final ActiveClients active;
    private final ClusterProbe probe;
    private final TopicDirectory topics;
    private final Sender sender;
    private long lookedAt = System.nanoTime();

    /**
     * A broker with the default settings.
     *
     * @param bootstrapServers {@code host:port}, several separated by commas
     */
    public static KafkaBroker of(String bootstrapServers) {
        return of(KafkaSettings.of(bootstrapServers));
    }

    /** A broker with these settings. It connects when it is first used. */
    public static KafkaBroker of(KafkaSettings settings) {
        return new KafkaBroker(settings, KafkaClients.Source.of(settings));
    }

    /** The topic of a group's dead letters. */
    public static String deadLetterTopic(String group) {
        return KafkaTopics.deadLetterTopic(group);
    }

    KafkaBroker(KafkaSettings settings, KafkaClients.Source source) {
        this.settings = settings;
        this.clients = new KafkaClients(source);
        this.active = new ActiveClients(settings, clients, () -> closed, this::clientsMade);
        this.probe = new ClusterProbe(active, tasks);
        this.topics = new TopicDirectory(settings, active, probe, tasks);
        this.sender = new Sender(settings, destinations.values(), active, topics, probe, tasks, () -> closed);
        this.creation = new TopicCreation(settings);
        this.publisher = new Thread(this::work, "posthaste-kafka-publisher");
        publisher.setDaemon(true);
    }

    private void start() {
        if (!started && !closed) {
            synchronized (state) {
                if (!started && !closed) {
                    publisher.start();
                    started = true;
                }
            }
        }
    }

    /** Connects in the background, and creates the route's topics there, if the settings say so. */
    @Override
    public void prepare(Route route) {
        start();
        creation.add(route);
    }

    @Override
    public Subscription subscribe(Route route, Receiver receiver) {
        KafkaSubscription subscription = new KafkaSubscription(settings, route, receiver, creation, this::closed);
        synchronized (state) {
            if (!subscribable) {
                throw new IllegalStateException("the broker is closed");
            }
            subscriptions.add(subscription);
        }
        subscription.start();
        return subscription;
    }

    private void closed(KafkaSubscription subscription) {
        synchronized (state) {
            subscriptions.remove(subscription);
        }
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        start();
        add(new Task.Begin(new Publication(message, callback, System.nanoTime())));
    }

    /** On any thread. */
    private void clientsMade(KafkaClients.Made made) {
        add(new Task.Connected(made));
    }

    /** For tasks that must not be lost: if the thread is gone, they are refused here. */
    private void add(Task task) {
        tasks.add(task);
        if (closed || !publisher.isAlive()) {
            refuseQueued();
        }
    }

    /**
     * Whether the publisher's thread is alive and Kafka can be reached. True until it is known otherwise, so before the
     * first message too.
     */
    @Override
    public boolean healthy() {
        return !closed && (!started || publisher.isAlive()) && probe.reachable() && !active.producerIsUseless();
    }

    // --- The publisher's thread --------------------------------------------------------------------------------------

    private void work() {
        guarded(active::connect);
        while (!closed) {
            guarded(this::workOnce);
        }
        guarded(this::closeClients);
        refuseQueued();
    }

    /** Nothing that is thrown ends the thread; the message concerned was answered where it was thrown. */
    private void guarded(Step step) {
        try {
            step.run();
        } catch (InterruptedException e) {
            // Only close() ends this thread, and it sends a task.
        } catch (Throwable e) {
            try {
                log.error("Kafka at {}: the publisher continues after an error", settings.bootstrapServers(), e);
            } catch (Throwable again) {
                // Out of memory, most likely; the log can wait, the messages cannot.
            }
        }
    }

    @FunctionalInterface
    private interface Step {
        void run() throws InterruptedException;
    }

    private void workOnce() throws InterruptedException {
        long patience = sender.somethingWaits() ? WAITING_MILLIS : IDLE_MILLIS;
        Task task = tasks.poll(patience, TimeUnit.MILLISECONDS);
        if (task != null) {
            work(task);
        }
        long now = System.nanoTime();
        if (now - lookedAt >= TimeUnit.MILLISECONDS.toNanos(WAITING_MILLIS)) {
            lookedAt = now;
            lookAround(now);
        }
    }

    private void work(Task task) {
        if (task instanceof Task.Begin begin) {
            begin(begin.publication());
        } else if (task instanceof Task.Answered answered) {
            sender.answered(answered);
        } else if (task instanceof Task.Found found) {
            found(found);
        } else if (task instanceof Task.Probed probed) {
            probe.probed(probed.failure());
        } else if (task instanceof Task.Connected connected) {
            connected(connected.made());
        }
    }

    private void begin(Publication publication) {
        try {
            Destination destination = destinations.computeIfAbsent(
                    publication.topic(), topic -> new Destination(topic, settings.inClient()));
            destination.waiting.add(publication);
            sender.advance(destination);
        } catch (Throwable e) {
            publication.end(Outcome.unknown("the publisher failed: " + Outcomes.reason(e)));
            throw e;
        }
    }

    private void found(Task.Found found) {
        Destination destination = destinations.get(found.topic());
        if (destination == null || !topics.isAwaited(destination, found)) {
            return; // too late
        }
        Outcome outcome = topics.found(destination, found.info());
        if (outcome == null) {
            sender.advance(destination);
        } else {
            String missing = found.info().failure() instanceof UnknownTopicOrPartitionException
                    ? creation.missing(found.topic())
                    : null;
            sender.endWaiting(destination, missing == null ? outcome : Outcome.unavailable(missing));
        }
    }

    private void connected(KafkaClients.Made made) {
        active.use(made);
        if (made.failure() != null) {
            probe.noClient();
            endAllWaiting(Outcomes.notReached(settings.bootstrapServers(), made.failure()));
        } else {
            destinations.values().forEach(sender::advance);
        }
    }

    private void endAllWaiting(Outcome outcome) {
        destinations.values().forEach(each -> sender.endWaiting(each, outcome));
    }

    /** Checks all deadlines, and retries whatever waits for something that sends no notice, such as room in the client. */
    private void lookAround(long now) {
        for (Destination destination : destinations.values()) {
            sender.endOverdue(destination, now);
            Task.Found lost = topics.giveUpLost(destination, now);
            if (lost != null) {
                found(lost);
            }
            sender.endLostAnswer(destination, now);
            destination.hindered = false;
            sender.advance(destination);
            topics.refresh(destination, now);
        }
        sender.recheckWaiting();
        active.connectAgain(now);
        probe.lookAround(now, topics.patience());
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** Answers messages that came too late for the publisher's thread. May run on any thread. */
    private void refuseQueued() {
        Outcome closedNow = Outcome.unavailable(
                closed ? "the broker is closed" : "the publisher's thread has ended; the process must be restarted");
        for (Task each = tasks.poll(); each != null; each = tasks.poll()) {
            if (each instanceof Task.Begin begin) {
                begin.publication().end(closedNow);
            } else if (each instanceof Task.Answered answered && answered.again()) {
                answered.pending().endAsAnswered(answered.failure());
            } else if (each instanceof Task.Connected connected) {
                clients.end(connected.made().producer(), connected.made().lookup(), Duration.ZERO);
            }
        }
    }

    private void closeClients() throws InterruptedException {
        refuseQueued();
        endAllWaiting(Outcome.unavailable("the broker is closed"));
        Thread ending = active.end();
        try {
            if (ending != null) {
                ending.join(settings.deliveryTimeout().plus(PendingSend.GRACE).toMillis());
                if (ending.isAlive()) {
                    log.warn("Kafka at {}: the clients did not close in time", settings.bootstrapServers());
                }
            }
        } finally {
            sender.endInFlight(Outcome.unknown("the broker was closed before Kafka answered"));
        }
    }

    /**
     * Closes the subscriptions, and waits, a little longer than the delivery timeout, for the messages that the client has.
     */
    @Override
    public void close() {
        closeSubscriptions();
        synchronized (state) {
            closed = true;
        }
        creation.close();
        tasks.add(new Task.Stop());
        try {
            publisher.join(settings.deliveryTimeout()
                    .plus(PendingSend.GRACE.multipliedBy(2))
                    .toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        refuseQueued();
    }

    /**
     * First, because what their handlers send on the way out is still published. All are stopped before any of them is
     * waited for.
     */
    private void closeSubscriptions() {
        List<KafkaSubscription> open;
        synchronized (state) {
            subscribable = false;
            open = List.copyOf(subscriptions);
        }
        open.forEach(KafkaSubscription::stop);
        long deadline = System.nanoTime() + KafkaSubscription.CLOSE_NANOS;
        open.forEach(each -> each.close(deadline));
    }
}
