package dev.posthaste.relay;

import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.StoredEvent;
import dev.posthaste.journal.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Moves the events of one outbox to the broker while one claim lasts. A new claim gets a new pump: nothing in memory
 * outlives the right to act on it.
 *
 * <p>{@link #pass} is called by one thread at a time. Fetch, publish and settle overlap: the broker works on its own, and
 * one batch at a time is settled by the settler while the next is read and handed over. What crosses threads is one
 * queue, into which the broker's answers, the settler's results and hints come.
 */
final class Pump {
    private static final long DEAD_KEYS_GAP_NANOS = 1_000_000_000L;
    private static final int MOST_DEAD_KEYS = 100_000;

    private final PumpParts parts;
    private final Claim claim;
    private final Lease lease;
    private final String outbox;
    private final KeyGate gate = new KeyGate();
    private final Reader reader;
    private final Breaker breaker = new Breaker();
    private final Throttle throttle;
    private final LinkedBlockingQueue<News> news = new LinkedBlockingQueue<>();
    private final List<News> received = new ArrayList<>();
    private final List<Verdict> unsettled = new ArrayList<>();
    private List<Verdict> settling = List.of();
    /**
     * Events whose death is not written down yet. Their keys wait for it: another relay that does not know of it would
     * publish them, after those that had gone on.
     */
    private final Map<Long, KeyGate.Held> dying = new HashMap<>();

    private int inFlight;
    private boolean draining;
    private boolean deadKeysKnown;
    private long nextDeadKeysAt;

    /** What comes in from other threads. */
    private sealed interface News {
        /** What the broker said about an event. */
        record Answer(KeyGate.Held held, Outcome outcome) implements News {}

        /** The batch that was being settled is written down. */
        record Settled(int written, long nanos) implements News {}

        /** The batch that was being settled is not written down, as far as is known. */
        record NotSettled(RuntimeException cause) implements News {}

        /** There is something to read. */
        record Hint() implements News {}
    }

    Pump(PumpParts parts, Claim claim, Lease lease) {
        this.parts = parts;
        this.claim = claim;
        this.lease = lease;
        this.outbox = parts.outbox().name();
        this.reader = new Reader(parts, gate);
        this.throttle =
                new Throttle(parts.policy().maxPerSecond(), parts.clock().getAsLong());
        this.nextDeadKeysAt = parts.clock().getAsLong();
    }

    /**
     * One round.
     *
     * @return whether anything moved; if not, {@link #await} what may
     * @throws LeaseLostException if another relay owns the outbox; the pump is of no use any more
     * @throws dev.posthaste.journal.JournalException if the database failed; nothing is lost, call again later
     */
    boolean pass() {
        int came = fetch();
        int went = publish();
        int settled = settle();
        return came + went + settled > 0;
    }

    // --- Fetch -----------------------------------------------------------------------------------------------------

    private int fetch() {
        if (draining) {
            return 0;
        }
        refreshDeadKeys();
        return deadKeysKnown ? reader.read() : 0;
    }

    /** Where a dead event blocks its key, the keys that are blocked are known before anything is read. */
    private void refreshDeadKeys() {
        if (parts.policy().afterDead() == OutboxPolicy.AfterDead.SKIP) {
            deadKeysKnown = true;
            return;
        }
        long now = parts.clock().getAsLong();
        if (now - nextDeadKeysAt >= 0 && unsettled.isEmpty() && settling.isEmpty()) {
            gate.setDeadKeys(parts.journal().deadKeys(MOST_DEAD_KEYS));
            deadKeysKnown = true;
            nextDeadKeysAt = parts.clock().getAsLong() + DEAD_KEYS_GAP_NANOS;
        }
    }

    // --- Gate and publish ------------------------------------------------------------------------------------------

    /** Hands over what the gate lets through, takes in answers, and again while answers open the gate. */
    private int publish() {
        int moved = 0;
        int now;
        do {
            now = handOver() + receive();
            moved += now;
        } while (now > 0 && gate.hasNext());
        return moved;
    }

    private int handOver() {
        int handed = 0;
        long now = parts.clock().getAsLong();
        gate.resume(now);
        while (mayHandOver(now)) {
            KeyGate.Held held = gate.next();
            if (held == null) {
                break;
            }
            handOver(held, now);
            handed++;
            if ((handed & 63) == 0) {
                now = parts.clock().getAsLong();
            }
        }
        return handed;
    }

    private boolean mayHandOver(long now) {
        return !draining
                && gate.hasNext()
                && unsettled.size() < parts.settings().batch()
                && breaker.allows(now)
                && throttle.allows(now)
                && lease.outlasts(claim, parts.settings().publishTimeout());
    }

    private void handOver(KeyGate.Held held, long now) {
        held.handedOverAt = now;
        inFlight++;
        breaker.handedOver();
        throttle.handedOver(now);
        Message message;
        try {
            message = message(held.event);
        } catch (IllegalArgumentException e) {
            news.add(new News.Answer(held, new Outcome.Rejected(String.valueOf(e.getMessage()), true)));
            return;
        }
        if (!parts.outbox().allows(message.destination())) {
            news.add(new News.Answer(
                    held,
                    new Outcome.Rejected(
                            "destination " + message.destination() + " is not among those allowed for outbox " + outbox,
                            true)));
            return;
        }
        try {
            parts.broker().publish(message, outcome -> news.add(new News.Answer(held, outcome)));
        } catch (RuntimeException e) {
            // A broker should answer, not throw. Whether it sent anything is not known.
            news.add(new News.Answer(held, new Outcome.Unknown(e.toString())));
        }
    }

    private Message message(PendingEvent pending) {
        StoredEvent event = pending.event();
        if (event.defect() != null) {
            throw new IllegalArgumentException(event.defect());
        }
        Message message = parts.format().write(event, parts.outbox());
        return message.with(Map.of(
                MessageHeaders.ATTEMPTS, Integer.toString(pending.attempts()),
                MessageHeaders.DIGEST, Digest.of(event.eventId(), message.body())));
    }

    private int receive() {
        received.clear();
        news.drainTo(received);
        RuntimeException failure = null;
        for (News each : received) {
            if (each instanceof News.Answer answer && awaits(answer.held())) {
                inFlight--;
                decide(answer.held(), answer.outcome());
            } else if (each instanceof News.Settled settled) {
                settled(settled);
            } else if (each instanceof News.NotSettled not) {
                unsettled.addAll(0, settling);
                settling = List.of();
                failure = not.cause();
            } else if (each instanceof News.Hint) {
                reader.hint();
            }
        }
        if (failure != null) {
            throw failure;
        }
        return received.size();
    }

    /** A second answer is of no interest. */
    private boolean awaits(KeyGate.Held held) {
        return gate.awaits(held) && !dying.containsKey(held.event.id());
    }

    private void decide(KeyGate.Held held, Outcome outcome) {
        long now = parts.clock().getAsLong();
        watchBroker(outcome, now);
        listener().answered(outbox, held.event, outcome, now - held.handedOverAt);
        Settlement.Decision decision = Settlement.decide(
                held.event, outcome, held.resends, parts.policy().retry(), parts.random());
        if (decision instanceof Settlement.Decision.SendAgain again) {
            gate.again(held, now + again.after().toNanos(), now);
        } else if (decision instanceof Settlement.Decision.Write write) {
            unsettled.add(write.verdict());
            if (write.verdict() instanceof Verdict.Retry retry) {
                gate.putOff(held, now + retry.delay().toNanos());
            } else if (write.verdict() instanceof Verdict.Dead) {
                if (parts.policy().afterDead() == OutboxPolicy.AfterDead.BLOCK) {
                    gate.block(held);
                } else {
                    dying.put(held.event.id(), held);
                }
            } else {
                gate.done(held);
            }
        }
    }

    private void watchBroker(Outcome outcome, long now) {
        if (outcome instanceof Outcome.Unavailable unavailable) {
            if (breaker.unavailable(now)) {
                listener().brokerUnavailable(outbox, unavailable.reason());
            }
        } else if (outcome instanceof Outcome.Unknown) {
            breaker.unanswered();
        } else if (breaker.answered()) {
            listener().brokerAvailable(outbox);
        }
    }

    // --- Settle ----------------------------------------------------------------------------------------------------

    /** Hands the next batch to the settler, if it has none. */
    private int settle() {
        if (unsettled.isEmpty() || !settling.isEmpty()) {
            return 0;
        }
        int size = Math.min(unsettled.size(), parts.settings().batch());
        List<Verdict> batch = List.copyOf(unsettled.subList(0, size));
        unsettled.subList(0, size).clear();
        settling = batch;
        parts.settler().execute(() -> news.add(write(batch)));
        return size + receive();
    }

    /** Runs on the settler's thread. */
    private News write(List<Verdict> batch) {
        long start = parts.clock().getAsLong();
        try {
            int written = parts.journal().settle(claim, batch);
            return new News.Settled(written, parts.clock().getAsLong() - start);
        } catch (RuntimeException e) {
            return new News.NotSettled(e);
        }
    }

    private void settled(News.Settled settled) {
        List<Verdict> batch = settling;
        settling = List.of();
        for (Verdict verdict : batch) {
            KeyGate.Held dead = dying.remove(verdict.id());
            if (dead != null) {
                gate.done(dead);
            }
        }
        gate.settled(batch.stream().map(Verdict::id).toList());
        listener().settled(outbox, batch, settled.written(), settled.nanos());
    }

    // --- Waiting and ending ----------------------------------------------------------------------------------------

    /** Waits until there may be something to do; an answer or a hint ends it at once. */
    void await() throws InterruptedException {
        long now = parts.clock().getAsLong();
        long until = draining ? Long.MAX_VALUE : Math.min(reader.nextReadAt(), gate.nextResend());
        if (gate.hasNext()) {
            if (breaker.open()) {
                until = Math.min(until, breaker.openUntil());
            }
            if (!throttle.allows(now)) {
                until = Math.min(until, throttle.next());
            }
        }
        long ceiling = parts.settings().pollCeiling().toNanos();
        long wait = until == Long.MAX_VALUE ? ceiling : Math.min(until - now, ceiling);
        if (wait > 0) {
            News first = news.poll(wait, TimeUnit.NANOSECONDS);
            if (first != null) {
                // Their order carries no meaning: the gate has at most one open for each key, the settler one batch.
                news.add(first);
            }
        }
    }

    /** Something was committed: look at once. Called by any thread. */
    void hint() {
        news.add(new News.Hint());
    }

    /** From now on nothing more is read or handed over; passes settle what comes back. */
    void drain() {
        draining = true;
    }

    /** Whether nothing is at the broker and everything is written down. */
    boolean drained() {
        return inFlight == 0 && unsettled.isEmpty() && settling.isEmpty() && news.isEmpty();
    }

    int inFlight() {
        return inFlight;
    }

    int blockedKeys() {
        return gate.blockedKeys();
    }

    private RelayListener listener() {
        return parts.listener();
    }
}
