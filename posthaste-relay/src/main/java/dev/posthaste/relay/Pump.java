package dev.posthaste.relay;

import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.journal.Claim;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.LeaseLostException;
import dev.posthaste.journal.PendingEvent;
import dev.posthaste.journal.StoredEvent;
import dev.posthaste.journal.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    private static final int FEW_LANES = 16;
    private static final long FIRST_SETTLE_AGAIN_NANOS = 100_000_000L;
    private static final long LONGEST_SETTLE_AGAIN_NANOS = 5_000_000_000L;

    private final PumpParts parts;
    private final Claim claim;
    private final Lease lease;
    private final String outbox;
    private final Map<String, Destination> destinations = new HashMap<>();
    private final List<Destination> inTurn = new ArrayList<>();
    private int turn;
    /** For events that name a destination that is not allowed: they are refused without asking a broker. */
    private final Destination nowhere = new Destination(0, Integer.MAX_VALUE, false);

    private final boolean severalDestinations;
    private final KeyGate gate;
    private final Reader reader;
    private final Throttle throttle;
    private final LinkedBlockingQueue<News> news = new LinkedBlockingQueue<>();
    private final List<News> received = new ArrayList<>();
    private final List<Verdict> unsettled = new ArrayList<>();
    private List<Verdict> settling = List.of();
    private long settlingSince;
    /** Verdicts whose rows somebody else has locked, and when they are tried again. */
    private final List<Verdict> locked = new ArrayList<>();

    private long settleAgainNanos = FIRST_SETTLE_AGAIN_NANOS;
    private long settleAgainAt;
    /**
     * Events whose death is not written down yet. Their keys wait for it: another relay that does not know of it would
     * publish them, after those that had gone on.
     */
    private final Map<Long, Lane.Held> dying = new HashMap<>();

    private int inFlight;
    private boolean draining;
    private boolean toldUnavailable;

    /** What comes in from other threads. */
    private sealed interface News {
        /** What the broker said about an event. */
        record Answer(Lane.Held held, Outcome outcome) implements News {}

        /** The batch that was being settled is written down. */
        record Settled(Journal.Settled settled, long nanos) implements News {}

        /** The batch that was being settled is not written down, as far as is known. */
        record NotSettled(Throwable cause) implements News {}

        /** There is something to read. */
        record Hint() implements News {}
    }

    Pump(PumpParts parts, Claim claim, Lease lease) {
        this.parts = parts;
        this.claim = claim;
        this.lease = lease;
        this.outbox = parts.outbox().name();
        this.severalDestinations = !parts.outbox().allowedDestinations().isEmpty();
        this.gate = new KeyGate(
                event -> destination(destinationOf(event)), parts.settings().waitingKeys());
        this.reader = new Reader(parts, gate);
        this.throttle =
                new Throttle(parts.policy().maxPerSecond(), parts.clock().getAsLong());
    }

    private String destinationOf(StoredEvent event) {
        String own = event.destination();
        return own == null ? parts.outbox().route().destination() : own;
    }

    private Destination destination(String name) {
        if (!parts.outbox().allows(name)) {
            return nowhere;
        }
        Destination known = destinations.get(name);
        if (known == null) {
            int window = parts.settings().window();
            known = new Destination(
                    destinations.size() + 1,
                    severalDestinations ? Math.max(1, window / 4) : window,
                    !parts.broker().acknowledgesHandling());
            destinations.put(name, known);
            inTurn.add(known);
        }
        return known;
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
        return draining ? 0 : reader.read();
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
        long now = parts.clock().getAsLong();
        gate.resume(now);
        makeRoomForOthers(now);
        int handed = handOver(nowhere, now);
        for (int i = 0; i < inTurn.size(); i++) {
            handed += handOver(inTurn.get((turn + i) % inTurn.size()), now);
        }
        turn = (turn + 1) % Math.max(1, inTurn.size()); // a throttle must not give everything to the same one
        return handed;
    }

    private int handOver(Destination destination, long start) {
        int handed = 0;
        long now = start;
        while (mayHandOver(now) && destination.allows(now)) {
            Lane.Held held = gate.peek(destination);
            if (held == null) {
                break;
            }
            gate.take(held);
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
                && locked.size() < parts.settings().window()
                && throttle.allows(now)
                && lease.outlasts(claim, parts.settings().publishTimeout());
    }

    /** Where events go to several destinations, those for one that is slow or away stay in the table, all but a few. */
    private void makeRoomForOthers(long now) {
        if (!severalDestinations) {
            return;
        }
        boolean healthy = parts.broker().healthy();
        for (Destination destination : inTurn) {
            int few = destination.open() ? FEW_LANES : Math.max(FEW_LANES, 2 * destination.limit());
            boolean slow = destination.holdsUp(now);
            if (healthy && slow) {
                gate.park(destination, few, now);
            }
            boolean idle = destination.open()
                    ? destination.ready.isEmpty() && destination.allows(now)
                    : destination.ready.size() < few / 2;
            if (idle && gate.hasParked()) {
                gate.unpark(destination, slow ? few : Integer.MAX_VALUE, now);
            }
        }
    }

    private void handOver(Lane.Held held, long now) {
        held.handedOverAt = now;
        inFlight++;
        held.destination.handedOver(held.bytes());
        throttle.handedOver(now);
        Message message;
        try {
            message = message(held.event);
        } catch (Throwable e) { // also what a format throws for a message that nests too deep
            boolean readable = held.event.event().defect() == null;
            news.add(new News.Answer(held, new Outcome.Rejected(reason(e), !readable)));
            return;
        }
        if (!parts.outbox().allows(message.destination())) {
            // A newer configuration may allow it, so it is not dead at once.
            news.add(new News.Answer(
                    held,
                    Outcome.rejected("destination " + message.destination() + " is not among those allowed for outbox "
                            + outbox)));
            return;
        }
        try {
            parts.broker().publish(message, outcome -> news.add(new News.Answer(held, outcome)));
        } catch (Throwable e) {
            // A broker should answer, not throw. Whether it sent anything is not known.
            news.add(new News.Answer(held, new Outcome.Unknown(e.toString())));
        }
    }

    private static String reason(Throwable thrown) {
        String message = thrown.getMessage();
        return thrown instanceof IllegalArgumentException && message != null ? message : thrown.toString();
    }

    private Message message(PendingEvent pending) {
        StoredEvent event = pending.event();
        if (event.defect() != null) {
            throw new IllegalArgumentException(event.defect());
        }
        Message message = parts.format().write(event, parts.outbox());
        Map<String, String> more = new HashMap<>();
        more.put(MessageHeaders.ATTEMPTS, Integer.toString(pending.attempts()));
        if (pending.generation() != null) {
            more.put(MessageHeaders.GENERATION, Integer.toString(pending.generation()));
        }
        more.put(MessageHeaders.DIGEST, Digest.of(event.eventId(), message.body()));
        return message.with(more);
    }

    private int receive() {
        received.clear();
        news.drainTo(received);
        Throwable failure = null;
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
        if (failure instanceof Error error) {
            throw error;
        } else if (failure instanceof RuntimeException exception) {
            throw exception;
        }
        return received.size();
    }

    /** A second answer is of no interest. */
    private boolean awaits(Lane.Held held) {
        return gate.awaits(held) && !dying.containsKey(held.event.id());
    }

    private void decide(Lane.Held held, Outcome outcome) {
        long now = parts.clock().getAsLong();
        watch(held, outcome, now);
        listener().answered(outbox, held.event, outcome, now - held.handedOverAt);
        Settlement.Decision decision = Settlement.decide(
                held.event,
                outcome,
                held.resends,
                parts.outbox().tracked(),
                parts.policy().retry(),
                parts.random());
        if (decision instanceof Settlement.Decision.SendAgain again) {
            gate.again(held, now + again.after().toNanos(), now);
        } else if (decision instanceof Settlement.Decision.Write write) {
            unsettled.add(write.verdict());
            if (write.verdict() instanceof Verdict.Retry retry) {
                gate.putOff(held, now + retry.delay().toNanos(), now);
            } else if (write.verdict() instanceof Verdict.Dead) {
                if (parts.policy().afterDead() == OutboxPolicy.AfterDead.BLOCK) {
                    gate.block(held, now);
                } else {
                    dying.put(held.event.id(), held);
                }
            } else {
                gate.done(held, now);
            }
        }
    }

    private void watch(Lane.Held held, Outcome outcome, long now) {
        Destination destination = held.destination;
        if (outcome instanceof Outcome.Unavailable unavailable) {
            destination.unavailable(held.bytes(), held.handedOverAt, now);
            if (!toldUnavailable) {
                toldUnavailable = true;
                listener().brokerUnavailable(outbox, unavailable.reason());
            }
        } else if (outcome instanceof Outcome.Unknown) {
            destination.unanswered(held.bytes(), held.handedOverAt, now);
        } else {
            destination.answered(held.bytes(), held.handedOverAt, now);
            if (toldUnavailable && inTurn.stream().noneMatch(Destination::unavailable)) {
                toldUnavailable = false;
                listener().brokerAvailable(outbox);
            }
        }
    }

    // --- Settle ----------------------------------------------------------------------------------------------------

    /** Hands the next batch to the settler, if it has none. */
    private int settle() {
        if (!settling.isEmpty()) {
            return 0;
        }
        long now = parts.clock().getAsLong();
        if (!locked.isEmpty() && now - settleAgainAt >= 0) {
            unsettled.addAll(locked);
            locked.clear();
        }
        if (unsettled.isEmpty()) {
            return 0;
        }
        int size = Math.min(unsettled.size(), parts.settings().batch());
        List<Verdict> batch = List.copyOf(unsettled.subList(0, size));
        unsettled.subList(0, size).clear();
        settling = batch;
        settlingSince = now;
        parts.settler().execute(() -> news.add(write(batch)));
        return size + receive();
    }

    /** Runs on the settler's thread. */
    private News write(List<Verdict> batch) {
        long start = parts.clock().getAsLong();
        try {
            Journal.Settled settled = parts.journal().settle(claim, batch);
            return new News.Settled(settled, parts.clock().getAsLong() - start);
        } catch (Throwable e) {
            return new News.NotSettled(e);
        }
    }

    private void settled(News.Settled news) {
        List<Verdict> batch = settling;
        settling = List.of();
        Set<Long> lockedIds = news.settled().locked();
        List<Verdict> written = new ArrayList<>(batch.size());
        for (Verdict verdict : batch) {
            if (lockedIds.contains(verdict.id())) {
                locked.add(verdict);
            } else {
                written.add(verdict);
            }
        }
        settleLockedLater(lockedIds.isEmpty());
        long now = parts.clock().getAsLong();
        for (Verdict verdict : written) {
            Lane.Held dead = dying.remove(verdict.id());
            if (dead != null) {
                gate.done(dead, now);
            }
        }
        gate.settled(written.stream().map(Verdict::id).toList());
        listener().settled(outbox, written, news.settled().written(), news.nanos());
    }

    private void settleLockedLater(boolean noneLocked) {
        if (locked.isEmpty()) {
            settleAgainNanos = FIRST_SETTLE_AGAIN_NANOS;
        } else if (!noneLocked) {
            settleAgainAt = parts.clock().getAsLong() + settleAgainNanos;
            settleAgainNanos = Math.min(2 * settleAgainNanos, LONGEST_SETTLE_AGAIN_NANOS);
        }
    }

    /** Whether a batch has been with the settler for longer than this. */
    boolean settlesFor(long nanos) {
        return !settling.isEmpty() && parts.clock().getAsLong() - settlingSince > nanos;
    }

    // --- Waiting and ending ----------------------------------------------------------------------------------------

    /** Waits until there may be something to do; an answer or a hint ends it at once. */
    void await() throws InterruptedException {
        long now = parts.clock().getAsLong();
        long until = draining ? Long.MAX_VALUE : earlier(reader.nextReadAt(), gate.nextResend());
        if (!locked.isEmpty() && settling.isEmpty()) {
            until = earlier(until, settleAgainAt);
        }
        if (gate.hasNext()) {
            for (Destination destination : inTurn) {
                if (destination.open() && gate.peek(destination) != null) {
                    until = earlier(until, destination.openUntil());
                }
            }
            if (!throttle.allows(now)) {
                until = earlier(until, throttle.next());
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

    private static long earlier(long one, long other) {
        return Reader.earlier(one, other);
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
        return inFlight == 0 && unsettled.isEmpty() && settling.isEmpty() && locked.isEmpty() && news.isEmpty();
    }

    int inFlight() {
        return inFlight;
    }

    int blockedKeys() {
        return gate.blockedKeys();
    }

    int waitingKeys() {
        return gate.waitingKeys();
    }

    private RelayListener listener() {
        return parts.listener();
    }
}
