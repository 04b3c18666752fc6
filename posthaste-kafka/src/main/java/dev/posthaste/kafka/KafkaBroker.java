package dev.posthaste.kafka;

import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes to Kafka: idempotent, acknowledged by all replicas in sync. The event's key decides the partition.
 *
 * <p>A topic is looked up before anything is sent to it, for a producer that asks about a missing one makes brokers create
 * it. A missing topic rejects its own messages and delays no other's. A message that is larger than its topic takes is
 * rejected: before it is sent if the producer does not compress, otherwise by the broker, which alone knows the compressed
 * size.
 *
 * <p>What is handed over waits here until the client has room for it ({@link InFlightWindow}), for a second at most: then
 * it was not sent and is {@link Outcome.Unavailable}. What the client has and is not answered in time is
 * {@link Outcome.Unknown}: the client does not say whether it was sent.
 *
 * <p>{@link #publish} only queues. One thread ({@code posthaste-kafka-publisher}) looks up and sends, and never blocks;
 * clients are made and ended on others; outcomes come on the client's threads. Connects when it is made. Thread-safe.
 */
public final class KafkaBroker implements Broker {
    private static final Logger log = LoggerFactory.getLogger(KafkaBroker.class);
    private static final long IDLE_MILLIS = 100;
    /** How often to look at what waits for the client's metadata, for room, or for its deadline. */
    private static final long WAITING_MILLIS = 10;

    private static final long PROBE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final KafkaSettings settings;
    private final boolean compresses;
    private final KafkaClients clients;
    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final Thread publisher;
    private volatile boolean closed;
    /** As far as is known; only {@link #healthy} depends on it. */
    private volatile boolean reachable = true;

    private volatile boolean producerIsUseless;

    // Confined to the publisher's thread.
    private final Map<String, Destination> destinations = new HashMap<>();
    private @Nullable Producer<byte[], byte[]> producer;
    private @Nullable TopicLookup lookup;
    private boolean connecting;
    private long triedAt;
    private boolean warned;
    private boolean somethingWaits;
    private boolean probing;
    private long probedAt;
    private long lookedAt = System.nanoTime();
    /** Since when the clients are known to work: a message that came before had to wait for their start. */
    private long warmSince;

    private boolean warm;
    private long questions;
    private Duration lookupPatience;

    /** Connects in the background. */
    public KafkaBroker(KafkaSettings settings) {
        this(settings, KafkaClients.Source.of(settings));
    }

    KafkaBroker(KafkaSettings settings, KafkaClients.Source source) {
        this.settings = settings;
        this.lookupPatience = settings.firstLookup();
        this.compresses = settings.compresses();
        this.clients = new KafkaClients(source);
        this.publisher = new Thread(this::work, "posthaste-kafka-publisher");
        publisher.setDaemon(true);
        publisher.start();
    }

    @Override
    public void publish(Message message, Consumer<Outcome> callback) {
        tasks.add(new Task.Begin(new Publication(message, callback, System.nanoTime())));
        if (closed || !publisher.isAlive()) {
            refuseQueued();
        }
    }

    @Override
    public boolean healthy() {
        return !closed && publisher.isAlive() && reachable && !producerIsUseless;
    }

    // --- The publisher's thread --------------------------------------------------------------------------------------

    private void work() {
        guarded(this::connect);
        while (!closed) {
            guarded(this::workOnce);
        }
        guarded(this::closeClients);
        refuseQueued();
    }

    /** Nothing that is thrown ends the thread; whose message it was has been answered where it was thrown. */
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
        long patience = somethingWaits ? WAITING_MILLIS : IDLE_MILLIS;
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
            take(answered);
        } else if (task instanceof Task.Found found) {
            found(found);
        } else if (task instanceof Task.Probed probed) {
            probed(probed);
        } else if (task instanceof Task.Connected connected) {
            connected(connected.made());
        }
    }

    private void begin(Publication publication) {
        try {
            Destination destination = destinations.computeIfAbsent(
                    publication.topic(), topic -> new Destination(topic, settings.inClient()));
            destination.waiting.add(publication);
            advance(destination);
        } catch (Throwable e) {
            publication.end(new Outcome.Unknown("the publisher failed: " + Outcomes.reason(e)));
            throw e;
        }
    }

    private void take(Task.Answered answered) {
        try {
            answered(answered);
        } catch (Throwable e) {
            if (answered.again()) {
                answered.handover().endAsAnswered(answered.failure());
            }
            throw e;
        }
    }

    /** Everything that has a deadline, and what waits for something that announces itself to nobody. */
    private void lookAround(long now) {
        boolean waits = false;
        for (Destination destination : destinations.values()) {
            endOverdue(destination, now);
            lookForLostQuestion(destination, now);
            lookForLostAnswer(destination, now);
            destination.hindered = false;
            advance(destination);
            if (destination.trusted
                    && now - destination.askedAt > settings.topicCheck().toNanos()) {
                ask(destination); // now and then, without holding its messages
            }
            waits |= !destination.waiting.isEmpty();
        }
        somethingWaits = waits;
        if (producerIsUseless && now - triedAt > PROBE_NANOS) {
            connect();
        }
        if (probing && now - probedAt > lookupPatience.toNanos()) {
            probing = false; // nobody will answer it
        }
        if (!reachable && !probing && now - probedAt > PROBE_NANOS) {
            probe();
        }
    }

    // --- Clients -----------------------------------------------------------------------------------------------------

    /** Makes the clients that are missing; they refuse to be made while no server's name can be resolved. */
    private void connect() {
        if (!connecting && !closed && (producer == null || lookup == null)) {
            connecting = true;
            triedAt = System.nanoTime();
            clients.make(producer == null, lookup == null, made -> {
                tasks.add(new Task.Connected(made));
                if (closed || !publisher.isAlive()) {
                    refuseQueued();
                }
            });
        }
    }

    private void connected(KafkaClients.Made made) {
        connecting = false;
        if (made.failure() != null) {
            reachable = false;
            Outcome outcome = unavailable(made.failure());
            destinations.values().forEach(each -> endWaiting(each, outcome));
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
        destinations.values().forEach(this::advance);
    }

    /** A producer that will never send anything again, or whose thread is dead. What it has is not known. */
    private void replaceProducer(String reason) {
        Producer<byte[], byte[]> old = producer;
        if (old == null) {
            return;
        }
        log.warn("Kafka at {}: the producer is replaced: {}", settings.bootstrapServers(), reason);
        producerIsUseless = true;
        producer = null;
        clients.end(old, null, Duration.ZERO);
        endInFlight(new Outcome.Unknown(reason));
        connect();
    }

    private void endInFlight(Outcome outcome) {
        long now = System.nanoTime();
        for (Destination destination : destinations.values()) {
            for (InFlightWindow.Entry each = destination.window.oldest();
                    each != null;
                    each = destination.window.oldest()) {
                destination.window.unanswered(each, now);
                ((Handover) each).publication.end(outcome);
                destination.trusted = false;
            }
        }
    }

    // --- Is the topic there? -----------------------------------------------------------------------------------------

    private void ask(Destination destination) {
        TopicLookup current = lookup;
        if (destination.asking || current == null) {
            return;
        }
        long question = ++questions;
        destination.asking = true;
        destination.question = question;
        destination.askedAt = System.nanoTime();
        current.ask(destination.topic, answer -> tasks.add(new Task.Found(destination.topic, question, answer)));
    }

    private void found(Task.Found found) {
        Destination destination = destinations.get(found.topic());
        if (destination == null || !destination.asking || destination.question != found.question()) {
            return; // too late
        }
        destination.asking = false;
        TopicLookup.Answer answer = found.answer();
        Throwable failure = answer.failure();
        if (failure == null) {
            lookupPatience = settings.firstLookup();
            TopicLookup.warn(found.topic(), destination.known, answer, log);
            destination.known = answer;
            destination.trusted = true;
            reachable = true;
            advance(destination);
        } else {
            destination.trusted = false;
            Outcome outcome = Outcomes.ofLookup(found.topic(), failure, settings.bootstrapServers());
            if (outcome instanceof Outcome.Unavailable) {
                notReached();
            }
            endWaiting(destination, outcome);
        }
    }

    /** The client's connection or thread may be dead. Or the cluster is slow, so the next client gets twice the time. */
    private void lookForLostQuestion(Destination destination, long now) {
        Duration most = lookupPatience;
        if (destination.asking && now - destination.askedAt > most.toNanos()) {
            if (lookup != null) {
                log.warn(
                        "Kafka at {}: a lookup of topic {} got no answer within {}; the admin client is replaced",
                        settings.bootstrapServers(),
                        destination.topic,
                        Outcomes.time(most));
                clients.end(null, lookup, Duration.ZERO);
                lookup = null;
                lookupPatience = settings.nextLookup(lookupPatience);
                connect();
            }
            found(new Task.Found(
                    destination.topic,
                    destination.question,
                    TopicLookup.Answer.failed(new TimeoutException("no answer within " + Outcomes.time(most)))));
        }
    }

    /** One topic could not be looked up. Whether that is the topic or the cluster concerns {@link #healthy} alone. */
    private void notReached() {
        reachable = false;
        if (!probing) {
            probe();
        }
    }

    private void probe() {
        TopicLookup current = lookup;
        probedAt = System.nanoTime();
        if (current == null) {
            connect();
        } else {
            probing = true;
            current.probe(failure -> tasks.add(new Task.Probed(failure)));
        }
    }

    private void probed(Task.Probed probed) {
        probing = false;
        reachable = probed.failure() == null;
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    /** Sends what may be sent of what waits. */
    private void advance(Destination destination) {
        while (!destination.waiting.isEmpty()) {
            Publication next = destination.waiting.element();
            if (next.ended()) {
                destination.waiting.remove();
                continue;
            }
            if (producer == null || lookup == null) {
                connect();
                break;
            }
            if (!destination.trusted) {
                ask(destination);
                break;
            }
            if (!step(destination, next)) {
                break;
            }
        }
        somethingWaits |= !destination.waiting.isEmpty();
    }

    /** @return whether the publication is dealt with; otherwise it waits, and all behind it */
    private boolean step(Destination destination, Publication next) {
        long now = System.nanoTime();
        if (now - next.since() > patience(next).toNanos()) {
            destination.waiting.remove();
            next.end(tooSlow(destination, next));
            return true;
        }
        try {
            return !destination.hindered && (isEndedForItself(destination, next) || admitted(destination, next, now));
        } catch (Error e) {
            destination.waiting.remove(next);
            next.end(new Outcome.Unavailable("it was not sent: " + Outcomes.reason(e)));
            throw e;
        }
    }

    /** Whether the message can be sent to nobody, or not to this topic. */
    private boolean isEndedForItself(Destination destination, Publication next) {
        Outcome refusal = next.refusal(destination.known, compresses);
        if (refusal == null) {
            return false;
        }
        destination.waiting.remove();
        next.end(refusal);
        return true;
    }

    private boolean admitted(Destination destination, Publication next, long now) {
        if (!destination.window.admits(next.size(), next.alone(), now) || !hand(destination, next, now)) {
            return false;
        }
        destination.waiting.remove();
        return true;
    }

    /** @return false if the client could not take it without blocking */
    private boolean hand(Destination destination, Publication publication, long now) {
        Producer<byte[], byte[]> current = producer;
        if (current == null) {
            return false;
        }
        Handover handover = new Handover(current, destination, publication, settings, tasks, now);
        destination.window.add(handover); // before it is sent: afterwards nothing may fail
        try {
            var unused = current.send(publication.record(), (metadata, failure) -> handover.answered(failure));
        } catch (Throwable e) {
            // The client answers for what is wrong with a record, and throws when something is wrong with itself.
            publication.end(
                    e instanceof Exception
                            ? unavailable(e)
                            : new Outcome.Unknown("the client failed: " + Outcomes.reason(e)));
            replaceProducer("it throws " + Outcomes.reason(e));
            return true;
        }
        if (handover.notTaken() != null) {
            destination.window.refused(handover);
            destination.hindered = true;
            destination.noRoom = handover.notTaken() instanceof BufferExhaustedException;
            return false;
        }
        return true;
    }

    private Duration patience(Publication publication) {
        boolean cold = !warm || publication.since() - warmSince < 0;
        return cold || publication.again() ? settings.whileStarting() : settings.beforeSending();
    }

    private void endOverdue(Destination destination, long now) {
        for (Publication first = destination.waiting.peek();
                first != null
                        && (first.ended()
                                || now - first.since() > patience(first).toNanos());
                first = destination.waiting.peek()) {
            destination.waiting.remove();
            first.end(tooSlow(destination, first));
        }
    }

    private void endWaiting(Destination destination, Outcome outcome) {
        List<Publication> all = List.copyOf(destination.waiting);
        destination.waiting.clear();
        all.forEach(each -> each.end(outcome));
    }

    /** Says what it waited for. */
    private Outcome tooSlow(Destination destination, Publication publication) {
        String within = " within " + Outcomes.time(patience(publication)) + "; the message was not sent";
        String servers = "Kafka at " + settings.bootstrapServers();
        if (producer == null || lookup == null) {
            reachable = false;
            return new Outcome.Unavailable(servers + ": no client could be started" + within);
        }
        if (!destination.trusted) {
            notReached();
            return new Outcome.Unavailable(servers + " did not answer about topic " + destination.topic + within);
        }
        if (destination.window.isEmpty()) {
            destination.trusted = false;
            notReached();
            return new Outcome.Unavailable(servers
                    + (destination.noRoom
                            ? ": the client's buffer had no room for topic "
                            : ": the client learnt of no leaders of topic ")
                    + destination.topic
                    + within);
        }
        return new Outcome.Unavailable(
                servers + " is slow: topic " + destination.topic + " did not take what was sent before" + within);
    }

    // --- Answers -----------------------------------------------------------------------------------------------------

    private void answered(Task.Answered answered) {
        Handover handover = answered.handover();
        Destination destination = handover.destination;
        Exception failure = answered.failure();
        if (failure == null) {
            destination.window.acknowledged(handover, answered.at());
            reachable = true;
            if (!warm) {
                warm = true;
                warmSince = answered.at();
            }
        } else {
            destination.trusted = false;
            if (Outcomes.of(failure) instanceof Outcome.Unknown) {
                destination.window.unanswered(handover, answered.at());
            } else {
                destination.window.refused(handover);
            }
            if (Outcomes.isFatal(failure) && handover.client == producer) {
                replaceProducer(Outcomes.reason(failure));
            }
        }
        if (answered.again() && failure != null) {
            sendAgain(handover, failure);
        }
        advance(destination);
    }

    /** A batch was refused, and with it perhaps the innocent: what may be at fault is sent again in a batch of its own. */
    private void sendAgain(Handover handover, Exception failure) {
        Publication publication = handover.publication;
        publication.sendAgain(Outcomes.isOfAnother(failure));
        if (closed
                || System.nanoTime() - publication.since()
                        > patience(publication).toNanos()) {
            handover.endAsAnswered(failure);
        } else {
            handover.destination.waiting.addFirst(publication);
        }
    }

    private void lookForLostAnswer(Destination destination, long now) {
        if (destination.window.oldest() instanceof Handover oldest && oldest.isOverdue(now)) {
            replaceProducer("topic " + destination.topic + ": no answer within "
                    + Outcomes.time(settings.deliveryTimeout()) + "; whether the message was sent is not known");
        }
    }

    private Outcome unavailable(@Nullable Throwable failure) {
        return new Outcome.Unavailable(
                "Kafka at " + settings.bootstrapServers() + " cannot be reached: " + Outcomes.reason(failure));
    }

    // --- Ending ------------------------------------------------------------------------------------------------------

    /** For what came when nobody would look at it any more. Called by any thread. */
    private void refuseQueued() {
        Outcome closedNow = new Outcome.Unavailable(
                closed ? "the broker is closed" : "the publisher's thread has ended; the process must be restarted");
        for (Task each = tasks.poll(); each != null; each = tasks.poll()) {
            if (each instanceof Task.Begin begin) {
                begin.publication().end(closedNow);
            } else if (each instanceof Task.Answered answered && answered.again()) {
                answered.handover().endAsAnswered(answered.failure());
            } else if (each instanceof Task.Connected connected) {
                clients.end(connected.made().producer(), connected.made().lookup(), Duration.ZERO);
            }
        }
    }

    private void closeClients() throws InterruptedException {
        refuseQueued();
        Outcome closedNow = new Outcome.Unavailable("the broker is closed");
        destinations.values().forEach(each -> endWaiting(each, closedNow));
        Thread ending = clients.end(producer, lookup, settings.deliveryTimeout());
        try {
            if (ending != null) {
                ending.join(settings.deliveryTimeout().plus(Handover.GRACE).toMillis());
                if (ending.isAlive()) {
                    log.warn("Kafka at {}: the clients did not close in time", settings.bootstrapServers());
                }
            }
        } finally {
            endInFlight(new Outcome.Unknown("the broker was closed before Kafka answered"));
        }
    }

    /** Waits, within the delivery timeout and a little more, for what the client has in its hands. */
    @Override
    public void close() {
        closed = true;
        tasks.add(new Task.Stop());
        try {
            publisher.join(settings.deliveryTimeout()
                    .plus(Handover.GRACE.multipliedBy(2))
                    .toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        refuseQueued();
    }
}
