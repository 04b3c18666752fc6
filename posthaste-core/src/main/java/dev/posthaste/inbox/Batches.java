package dev.posthaste.inbox;

import dev.posthaste.broker.Delivery;
import dev.posthaste.broker.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles the events that wait for one handler in one transaction. A batch counts no attempts: if anything is wrong
 * with it, each of its events is handled alone, in its lane's order. Thread-safe.
 */
final class Batches {
    private static final Logger log = LoggerFactory.getLogger(Batches.class);

    private final String inbox;
    private final MessageHandling handling;
    private final DeliveryLanes lanes;
    private final DatabaseGate gate;
    private final InboxListeners listeners;
    private final Answering answering;
    private final Turns turns;

    Batches(
            MessageHandling handling,
            DeliveryLanes lanes,
            DatabaseGate gate,
            InboxListeners listeners,
            Answering answering,
            Turns turns) {
        this.inbox = handling.inbox();
        this.handling = handling;
        this.lanes = lanes;
        this.gate = gate;
        this.listeners = listeners;
        this.answering = answering;
        this.turns = turns;
    }

    /** Scheduled once for each head of a lane that waits, so that none is left when all have run. */
    void run(TypedHandler<?> handler) {
        if (!gate.admits(() -> run(handler))) {
            return;
        }
        List<List<Attempt>> taken = lanes.take(handler);
        try {
            List<List<Attempt>> groups = wanted(taken);
            List<Attempt> batch = groups.stream().flatMap(List::stream).toList();
            if (batch.size() > 1) {
                handle(handler, groups, batch);
            } else {
                groups.forEach(this::alone);
            }
        } catch (Throwable e) {
            log.warn(
                    "Inbox {}: a batch failed unexpectedly, its events are handled one by one: {}",
                    inbox,
                    Thrown.text(e));
            taken.forEach(this::alone);
        }
    }

    /** Each group up to its first event that belongs to another process now. */
    private List<List<Attempt>> wanted(List<List<Attempt>> groups) {
        List<List<Attempt>> wanted = new ArrayList<>();
        for (List<Attempt> group : groups) {
            List<Attempt> beginning =
                    group.stream().takeWhile(each -> each.delivery.wanted()).toList();
            if (beginning.isEmpty()) {
                turns.next(group.get(0), Delivery::abandoned);
            } else {
                wanted.add(beginning);
            }
        }
        return wanted;
    }

    private void handle(TypedHandler<?> handler, List<List<Attempt>> groups, List<Attempt> batch) {
        long start = System.nanoTime();
        List<Message> messages = batch.stream().map(Attempt::message).toList();
        AttemptResult result = handling.handle(handler, messages);
        if (result instanceof AttemptResult.Handled) {
            gate.worked();
            Duration share = Duration.ofNanos((System.nanoTime() - start) / batch.size());
            batch.forEach(each -> handled(each, share));
            groups.forEach(group -> turns.run(group.get(0), 0));
        } else if (result instanceof AttemptResult.Unavailable unavailable) {
            batch.forEach(turns::ended);
            for (List<Attempt> group : groups) {
                lanes.offer(handler, group.get(0));
                gate.close(unavailable.cause(), () -> run(handler));
            }
        } else {
            log.info(
                    "Inbox {}: {} events are handled one by one because their batch failed: {}",
                    inbox,
                    batch.size(),
                    reason(result));
            groups.forEach(this::alone);
        }
    }

    private static String reason(AttemptResult result) {
        if (result instanceof AttemptResult.Failed failed) {
            return Thrown.text(failed.cause());
        } else if (result instanceof AttemptResult.Postponed postponed) {
            return Thrown.text(postponed.cause());
        }
        return result instanceof AttemptResult.Refused refused ? refused.reason() : "one was handled before";
    }

    /** Those behind the head of a lane are answered when they have become its head. */
    private void handled(Attempt attempt, Duration took) {
        Message message = attempt.message();
        listeners.hear(each -> each.handled(inbox, message, took));
        attempt.answer = answering.handled(message);
    }

    private void alone(List<Attempt> group) {
        for (Attempt each : group) {
            each.alone = true;
            if (each.answer == null) {
                turns.ended(each); // those behind the head wait for their turns
            }
        }
        turns.run(group.get(0), 0);
    }
}
