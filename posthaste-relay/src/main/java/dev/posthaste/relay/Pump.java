package dev.posthaste.relay;

import dev.posthaste.AfterDead;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.Outcome;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.LeaseLostException;
import dev.posthaste.internal.store.Verdict;
import dev.posthaste.relay.internal.EngineListener;
import dev.posthaste.relay.internal.OutgoingMessage;
import dev.posthaste.relay.internal.Throttle;
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
 * one batch at a time is settled by the settler while the next is read and dispatched. What crosses threads is one
 * queue, into which the broker's answers, the settler's results and wake-ups come.
 */
final class Pump {
    private final OutboxRuntime parts;
    private final Claim claim;
    private final Lease lease;
    private final String outbox;
    private final Destinations destinations;
    private final Lanes lanes;
    private final KeyGate gate;
    private final Reader reader;
    private final Throttle throttle;
    private final VerdictQueue verdicts;
    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final List<Signal> received = new ArrayList<>();
    /**
     * Dead events whose verdict is not written yet. Their keys wait for it: another relay that does not know of it
     * would publish them, after later ones of their keys.
     */
    private final Map<Long, Lane.QueuedEvent> unsettledDeaths = new HashMap<>();
    /** What listeners are to hear of an event once its verdict is written. */
    private final Map<Long, Relayed> unsettled = new HashMap<>();

    private int inFlight;
    private boolean draining;
    private boolean saidUnavailable;

    Pump(OutboxRuntime parts, Claim claim, Lease lease) {
        this.parts = parts;
        this.claim = claim;
        this.lease = lease;
        this.outbox = parts.outbox().name();
        this.destinations = new Destinations(parts);
        this.lanes = new Lanes(destinations::of, destinations.maxPerLane());
        this.gate =
                new KeyGate(lanes, parts.settings().waitingKeys(), parts.clock().getAsLong());
        this.reader = new Reader(parts, gate);
        this.verdicts = new VerdictQueue(parts, claim, signals::add);
        this.throttle =
                new Throttle(parts.outbox().maxPerSecond(), parts.clock().getAsLong());
    }

    /**
     * One round.
     *
     * @return whether anything moved; if not, {@link #await} what may
     * @throws LeaseLostException if another relay owns the outbox; the pump is of no further use
     * @throws dev.posthaste.StoreException if the database failed; nothing is lost, call again later
     */
    boolean pass() {
        int came = fetch();
        int went = publish();
        int settled = settle();
        return came + went + settled > 0;
    }

    // --- Fetch -----------------------------------------------------------------------------------------------------

    private int fetch() {
        return draining ? 0 : reader.read();
    }

    // --- Gate and publish ------------------------------------------------------------------------------------------

    /** Dispatches what the gate lets through, takes in answers, and again while answers open the gate. */
    private int publish() {
        int moved = 0;
        int now;
        do {
            now = dispatch() + receive();
            moved += now;
        } while (now > 0 && lanes.hasNext());
        return moved;
    }

    private int dispatch() {
        long now = parts.clock().getAsLong();
        lanes.resume(now);
        destinations.makeRoomForOthers(gate, now);
        return destinations.inTurn(destination -> dispatch(destination, now));
    }

    private int dispatch(Destination destination, long start) {
        int handed = 0;
        long now = start;
        while (mayDispatch(now) && destination.allows(now)) {
            Lane.QueuedEvent held = lanes.peek(destination);
            if (held == null) {
                break;
            }
            lanes.take(held);
            dispatch(held, now);
            handed++;
            if ((handed & 63) == 0) {
                now = parts.clock().getAsLong();
            }
        }
        return handed;
    }

    private boolean mayDispatch(long now) {
        return !draining
                && !lease.isReleasing() // what was read waits for the next owner, or a resume
                && lanes.hasNext()
                && !verdicts.isFull()
                && throttle.allows(now)
                && lease.outlasts(claim, parts.settings().publishTimeout());
    }

    private void dispatch(Lane.QueuedEvent held, long now) {
        held.dispatchedAt = now;
        inFlight++;
        held.destination.dispatched(held.bytes());
        throttle.dispatched(now);
        Message message;
        try {
            message = OutgoingMessage.of(
                    held.event.event(),
                    held.event.seen(),
                    parts.outbox(),
                    parts.outbox().format());
        } catch (OutgoingMessage.UnsendableException e) {
            signals.add(new Signal.Answered(held, e.outcome()));
            return;
        }
        try {
            parts.broker().publish(message, outcome -> signals.add(new Signal.Answered(held, outcome)));
        } catch (Throwable e) {
            // A broker should answer, not throw. Whether it sent anything is not known.
            signals.add(new Signal.Answered(held, Outcome.unknown(e.toString())));
        }
    }

    private int receive() {
        received.clear();
        signals.drainTo(received);
        Throwable failure = null;
        for (Signal each : received) {
            if (each instanceof Signal.Answered answer && awaits(answer.held())) {
                inFlight--;
                decide(answer.held(), answer.outcome());
            } else if (each instanceof Signal.Settled settled) {
                settled(settled);
            } else if (each instanceof Signal.NotSettled not) {
                verdicts.notSettled();
                failure = not.cause();
            } else if (each instanceof Signal.Wake) {
                reader.wake();
            }
        }
        if (failure instanceof Error error) {
            throw error;
        } else if (failure instanceof RuntimeException exception) {
            throw exception;
        }
        return received.size();
    }

    /** A second answer is of no interest. */
    private boolean awaits(Lane.QueuedEvent held) {
        return lanes.awaits(held) && !unsettledDeaths.containsKey(held.id());
    }

    private void decide(Lane.QueuedEvent held, Outcome outcome) {
        long now = parts.clock().getAsLong();
        watch(held, outcome, now);
        listener().answered(outbox, held.event, outcome, now - held.dispatchedAt, now - held.writtenAt);
        if (outcome instanceof Outcome.Unknown unknown) {
            listener().resent(outbox, Relayed.of(held, held.event.attempts(), now), unknown.reason());
        }
        Settlement.Decision decision = Settlement.decide(
                held.event,
                outcome,
                held.resends,
                parts.outbox().tracked(),
                parts.outbox().retry(),
                parts.random());
        if (decision instanceof Settlement.Decision.SendAgain again) {
            gate.resend(held, now + again.after().toNanos(), now);
        } else if (decision instanceof Settlement.Decision.Write write) {
            verdicts.add(write.verdict());
            unsettled.put(held.id(), Relayed.of(held, write.verdict(), now));
            if (write.verdict() instanceof Verdict.Retry retry) {
                gate.defer(held, now + retry.delay().toNanos(), now);
            } else if (write.verdict() instanceof Verdict.Dead) {
                if (parts.outbox().afterDead() == AfterDead.BLOCK) {
                    gate.block(held, now);
                } else {
                    unsettledDeaths.put(held.id(), held);
                }
            } else {
                gate.done(held, now);
            }
        }
    }

    private void watch(Lane.QueuedEvent held, Outcome outcome, long now) {
        Destination destination = held.destination;
        if (outcome instanceof Outcome.Unavailable unavailable) {
            destination.unavailable(held.bytes(), held.dispatchedAt, now);
            if (!saidUnavailable) {
                saidUnavailable = true;
                listener().brokerUnavailable(outbox, unavailable.reason());
            }
        } else if (outcome instanceof Outcome.Unknown) {
            destination.unanswered(held.bytes(), held.dispatchedAt, now);
        } else {
            destination.answered(held.bytes(), held.dispatchedAt, now);
            if (saidUnavailable && !destinations.anyUnavailable()) {
                saidUnavailable = false;
                listener().brokerAvailable(outbox);
            }
        }
    }

    // --- Settle ----------------------------------------------------------------------------------------------------

    /** Hands the next batch to the settler, if it has none. */
    private int settle() {
        int handed = verdicts.settleNext();
        return handed == 0 ? 0 : handed + receive();
    }

    private void settled(Signal.Settled result) {
        List<Verdict> written = verdicts.settled(result.settled().locked());
        long now = parts.clock().getAsLong();
        for (Verdict verdict : written) {
            Lane.QueuedEvent dead = unsettledDeaths.remove(verdict.id());
            if (dead != null) {
                gate.done(dead, now);
            }
            gate.settled(verdict.id());
        }
        listener().settled(outbox, written, result.settled().written(), result.nanos());
        written.forEach(this::tell);
    }

    /** Reports what was committed, although this pump is of no further use. */
    void tellSettled() {
        for (Signal each = signals.poll(); each != null; each = signals.poll()) {
            if (each instanceof Signal.Settled settled) {
                settled(settled);
            }
        }
    }

    private void tell(Verdict verdict) {
        Relayed event = unsettled.remove(verdict.id());
        if (event == null) {
            return;
        }
        if (verdict instanceof Verdict.Retry retry) {
            listener().retried(outbox, event, retry.error());
        } else if (verdict instanceof Verdict.Dead dead) {
            listener().died(outbox, event, dead.error());
        } else {
            listener().published(outbox, event);
        }
    }

    /** Whether a batch has been with the settler for longer than this. */
    boolean settlesFor(long nanos) {
        return verdicts.settlesFor(nanos);
    }

    // --- Waiting and ending ----------------------------------------------------------------------------------------

    /** Waits until there may be something to do; an answer or a wake-up ends it immediately. */
    void await() throws InterruptedException {
        long now = parts.clock().getAsLong();
        long until = draining ? Long.MAX_VALUE : earlier(reader.nextReadAt(), lanes.nextResendAt());
        until = earlier(until, verdicts.nextAt());
        if (lanes.hasNext()) {
            until = earlier(until, destinations.nextProbeAt(lanes));
            if (!throttle.allows(now)) {
                until = earlier(until, throttle.next());
            }
        }
        long ceiling = parts.settings().pollCeiling().toNanos();
        long wait = until == Long.MAX_VALUE ? ceiling : Math.min(until - now, ceiling);
        if (wait > 0) {
            Signal first = signals.poll(wait, TimeUnit.NANOSECONDS);
            if (first != null) {
                // Their order carries no meaning: the gate has at most one open for each key, the settler one batch.
                signals.add(first);
            }
        }
    }

    private static long earlier(long one, long other) {
        return Reader.earlier(one, other);
    }

    /** Something was committed: look immediately. Called by any thread. */
    void wake() {
        signals.add(new Signal.Wake());
    }

    /** From now on nothing more is read or dispatched; passes settle what comes back. */
    void drain() {
        draining = true;
    }

    /** Whether nothing is at the broker and everything is written. */
    boolean drained() {
        return inFlight == 0 && verdicts.isEmpty() && signals.isEmpty();
    }

    int inFlight() {
        return inFlight;
    }

    int blockedKeys() {
        return gate.blockedKeys().size();
    }

    int waitingKeys() {
        return gate.waitingKeys();
    }

    private EngineListener listener() {
        return parts.listener();
    }
}
