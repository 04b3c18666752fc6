package dev.posthaste.kafka;

import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;

/**
 * Passes the client what waits for each topic, as far as the topic's window has room, and takes its answers. Whatever
 * misses its deadline is answered here: {@link Outcome.Unavailable} if the client never had it, otherwise {@link
 * Outcome.Unknown}.
 *
 * <p>Confined to the publisher's thread, which it never blocks.
 */
final class Sender {
    private final KafkaSettings settings;
    private final boolean compresses;
    private final Collection<Destination> destinations;
    private final ActiveClients clients;
    private final TopicDirectory topics;
    private final ClusterProbe probe;
    private final Queue<Task> tasks;
    private final BooleanSupplier closed;
    private boolean somethingWaits;

    /**
     * @param destinations a view of all destinations, which only the publisher's thread changes
     * @param tasks where the client's answers go
     */
    Sender(
            KafkaSettings settings,
            Collection<Destination> destinations,
            ActiveClients clients,
            TopicDirectory topics,
            ClusterProbe probe,
            Queue<Task> tasks,
            BooleanSupplier closed) {
        this.settings = settings;
        this.compresses = settings.compresses();
        this.destinations = destinations;
        this.clients = clients;
        this.topics = topics;
        this.probe = probe;
        this.tasks = tasks;
        this.closed = closed;
    }

    /** Whether a message waits for the client's metadata, for room, or for its deadline. */
    boolean somethingWaits() {
        return somethingWaits;
    }

    /** Determines again {@link #somethingWaits whether something waits}: what waited may have ended. */
    void recheckWaiting() {
        somethingWaits = destinations.stream().anyMatch(each -> !each.waiting.isEmpty());
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    /** Sends those waiting messages that may be sent now. */
    void advance(Destination destination) {
        while (!destination.waiting.isEmpty()) {
            Publication next = destination.waiting.element();
            if (next.ended()) {
                destination.waiting.remove();
                continue;
            }
            if (!clients.areComplete()) {
                clients.connect();
                break;
            }
            if (!destination.trusted) {
                topics.ask(destination);
                break;
            }
            if (!step(destination, next)) {
                break;
            }
        }
        somethingWaits |= !destination.waiting.isEmpty();
    }

    /** @return whether the publication is dealt with; otherwise it waits, and everything behind it */
    private boolean step(Destination destination, Publication next) {
        long now = System.nanoTime();
        if (isOverdue(next, now)) {
            destination.waiting.remove();
            next.end(tooSlow(destination, next));
            return true;
        }
        try {
            return !destination.hindered && (isEndedForItself(destination, next) || admitted(destination, next, now));
        } catch (Error e) {
            destination.waiting.remove(next);
            next.end(Outcome.unavailable("it was not sent: " + Outcomes.reason(e)));
            throw e;
        }
    }

    /** Whether the message cannot be sent at all, or not to this topic. */
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
        if (!destination.window.admits(next.size(), next.alone(), now) || !send(destination, next, now)) {
            return false;
        }
        destination.waiting.remove();
        return true;
    }

    /** @return false if the client could not accept it without blocking */
    private boolean send(Destination destination, Publication publication, long now) {
        Producer<byte[], byte[]> producer = clients.producer();
        if (producer == null) {
            return false;
        }
        PendingSend pending = new PendingSend(producer, destination, publication, settings, tasks, now);
        destination.window.add(pending); // before it is sent: afterwards nothing may fail
        try {
            var unused = producer.send(publication.record(), (metadata, failure) -> pending.answered(failure));
        } catch (Throwable e) {
            // The client reports a problem with a record through its callback; it throws only when it is itself at
            // fault.
            publication.end(
                    e instanceof Exception
                            ? Outcomes.notReached(settings.bootstrapServers(), e)
                            : Outcome.unknown("the client failed: " + Outcomes.reason(e)));
            replaceProducer("it throws " + Outcomes.reason(e));
            return true;
        }
        if (pending.notTaken() != null) {
            destination.window.refused(pending);
            destination.hindered = true;
            destination.noRoom = pending.notTaken() instanceof BufferExhaustedException;
            return false;
        }
        return true;
    }

    // --- Deadlines ---------------------------------------------------------------------------------------------------

    private Duration patience(Publication publication) {
        return clients.wereStarting(publication.since()) || publication.again()
                ? settings.whileStarting()
                : settings.beforeSending();
    }

    private boolean isOverdue(Publication publication, long now) {
        return now - publication.since() > patience(publication).toNanos();
    }

    void endOverdue(Destination destination, long now) {
        for (Publication first = destination.waiting.peek();
                first != null && (first.ended() || isOverdue(first, now));
                first = destination.waiting.peek()) {
            destination.waiting.remove();
            first.end(tooSlow(destination, first));
        }
    }

    void endWaiting(Destination destination, Outcome outcome) {
        List<Publication> all = List.copyOf(destination.waiting);
        destination.waiting.clear();
        all.forEach(each -> each.end(outcome));
    }

    /** Reports what the message waited for. */
    private Outcome tooSlow(Destination destination, Publication publication) {
        String within = " within " + DurationText.of(patience(publication)) + "; the message was not sent";
        String servers = "Kafka at " + settings.bootstrapServers();
        if (!clients.areComplete()) {
            probe.noClient();
            return Outcome.unavailable(servers + ": no client could be started" + within);
        }
        if (!destination.trusted) {
            probe.notReached();
            return Outcome.unavailable(servers + " did not answer about topic " + destination.topic + within);
        }
        if (destination.window.isEmpty()) {
            destination.trusted = false;
            probe.notReached();
            return Outcome.unavailable(servers
                    + (destination.noRoom
                            ? ": the client's buffer had no room for topic "
                            : ": the client found no leaders of topic ")
                    + destination.topic
                    + within);
        }
        return Outcome.unavailable(
                servers + " is slow: topic " + destination.topic + " did not accept what was sent before" + within);
    }

    /** An answer that is long overdue will not come: the client's thread or its connection is dead. */
    void endLostAnswer(Destination destination, long now) {
        if (destination.window.oldest() instanceof PendingSend oldest && oldest.isOverdue(now)) {
            replaceProducer("topic " + destination.topic + ": no answer within "
                    + DurationText.of(settings.deliveryTimeout()) + "; whether the message was sent is not known");
        }
    }

    // --- Answers -----------------------------------------------------------------------------------------------------

    void answered(Task.Answered answered) {
        try {
            take(answered);
        } catch (Throwable e) {
            if (answered.again()) {
                answered.pending().endAsAnswered(answered.failure());
            }
            throw e;
        }
    }

    private void take(Task.Answered answered) {
        PendingSend pending = answered.pending();
        Destination destination = pending.destination;
        Exception failure = answered.failure();
        if (failure == null) {
            destination.window.acknowledged(pending, answered.at());
            probe.reached();
            clients.acknowledged(answered.at());
        } else {
            destination.trusted = false;
            if (Outcomes.of(failure) instanceof Outcome.Unknown) {
                destination.window.unanswered(pending, answered.at());
            } else {
                destination.window.refused(pending);
            }
            if (Outcomes.isFatal(failure) && pending.client == clients.producer()) {
                replaceProducer(Outcomes.reason(failure));
            }
        }
        if (answered.again() && failure != null) {
            sendAgain(pending, failure);
        }
        advance(destination);
    }

    /** A whole batch was refused, perhaps because of one record: each that may be at fault is sent again alone. */
    private void sendAgain(PendingSend pending, Exception failure) {
        Publication publication = pending.publication;
        publication.sendAgain(Outcomes.isOfAnother(failure));
        if (closed.getAsBoolean() || isOverdue(publication, System.nanoTime())) {
            pending.endAsAnswered(failure);
        } else {
            pending.destination.waiting.addFirst(publication);
        }
    }

    // --- A producer that is given up ---------------------------------------------------------------------------------

    /** What the old producer had may have been sent. */
    private void replaceProducer(String reason) {
        if (clients.dropProducer(reason)) {
            endInFlight(Outcome.unknown(reason));
            clients.connect();
        }
    }

    void endInFlight(Outcome outcome) {
        long now = System.nanoTime();
        for (Destination destination : destinations) {
            for (InFlightWindow.Entry each = destination.window.oldest();
                    each != null;
                    each = destination.window.oldest()) {
                destination.window.unanswered(each, now);
                ((PendingSend) each).publication.end(outcome);
                destination.trusted = false;
            }
        }
    }
}
