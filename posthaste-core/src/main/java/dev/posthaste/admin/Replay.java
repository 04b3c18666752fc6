package dev.posthaste.admin;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.broker.Outcome;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.StoredEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Publishes events once more that were published before: for a consumer that is new, or has lost what it did. Oldest first,
 * those of one key one after the other, no faster than it is told. Every message carries the header
 * {@link MessageHeaders#REPLAY} and the event's own id, so that an inbox that has handled it passes over it. What stands in
 * the outbox does not change.
 *
 * <p>Replayed events come after newer ones of their key that were published before; only their consumer knows whether that
 * matters. What the broker refuses for good, or ten times, is counted as failed and passed over. A broker that is away is
 * waited for until it is back or the replay is cancelled.
 *
 * <p>{@link #run} once, on a thread of the caller's; the other methods are for any thread.
 */
public final class Replay implements Runnable {
    private static final int READ = 500;
    private static final long READ_BYTES = 4L << 20;
    private static final int WINDOW = 200;
    private static final long WINDOW_BYTES = 8L << 20;
    private static final int REFUSALS = 10;
    private static final int MOST_ERRORS = 20;
    private static final long LONGEST_BACKOFF_NANOS = Duration.ofSeconds(5).toNanos();
    private static final long FIRST_BACKOFF_NANOS = Duration.ofMillis(100).toNanos();
    private static final long LONGEST_LAG_NANOS = Duration.ofMillis(50).toNanos();
    private static final long NOTE_NANOS = Duration.ofSeconds(2).toNanos();

    /**
     * Which events: these rows if there are any, otherwise what is found.
     *
     * @param search with the status published or consumed
     */
    public record Selection(Search search, Set<Long> ids) {
        public Selection {
            ids = Set.copyOf(ids);
            if (ids.isEmpty() && search.status() != Status.PUBLISHED && search.status() != Status.CONSUMED) {
                throw new IllegalArgumentException(
                        "A replay sends events that are published or consumed; say which of them (pending ones are"
                                + " sent anyway, dead ones are requeued)");
            }
        }

        public static Selection of(Search search) {
            return new Selection(search, Set.of());
        }

        public static Selection of(Collection<Long> ids) {
            return new Selection(Search.ALL, new TreeSet<>(ids));
        }

        @Override
        public String toString() {
            return ids.isEmpty() ? search.toString() : "rows " + new TreeSet<>(ids);
        }
    }

    /**
     * Where to, and how.
     *
     * @param destination in place of the event's own, or null; one that the outbox allows
     * @param routingKey in place of the event's own, or null
     * @param perSecond how many messages are sent in a second at most; 1 or more
     */
    public record Target(
            OutboxDefinition outbox,
            Broker broker,
            MessageFormat format,
            @Nullable String destination,
            @Nullable String routingKey,
            int perSecond) {
        public Target {
            if (perSecond < 1) {
                throw new IllegalArgumentException("A replay sends at least one event a second, not " + perSecond);
            }
            if (destination != null && !outbox.allows(destination)) {
                throw new IllegalArgumentException(
                        "Destination " + destination + " is not among those that outbox " + outbox.name() + " allows");
            }
        }
    }

    /** How a replay ended, or that it has not. */
    public enum State {
        WAITING,
        RUNNING,
        FINISHED,
        CANCELLED,
        /** The database or something unforeseen ended it; {@link Progress#errors} says what. */
        FAILED
    }

    /** @param errors the first of them */
    public record Progress(
            String id,
            State state,
            long sent,
            long failed,
            @Nullable String waitingFor,
            List<String> errors) {}

    private final AdminJournal journal;
    private final Selection selection;
    private final Target target;
    private final Change change;
    private final LinkedBlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
    private final Set<String> keysAtBroker = new HashSet<>();
    private final Queue<Sending> again = new ArrayDeque<>();
    private final List<String> errors = new ArrayList<>(); // guarded by itself
    private int atBroker;
    private long bytesOut;
    private long nextSendAt;
    private long nextNoteAt;
    private volatile State state = State.WAITING;
    private volatile long sent;
    private volatile long failed;
    private volatile @Nullable String waitingFor;
    private volatile boolean cancelled;

    /** An event on its way. */
    private static final class Sending {
        final Message message;
        int refusals;
        int tries;
        long notBefore;

        Sending(Message message) {
            this.message = message;
        }
    }

    private record Answer(Sending sending, Outcome outcome) {}

    Replay(AdminJournal journal, Selection selection, Target target, Change change) {
        this.journal = journal;
        this.selection = selection;
        this.target = target;
        this.change = change;
    }

    static boolean mayReplay(FoundEvent event) {
        return event.status() == Status.PUBLISHED || event.status() == Status.CONSUMED;
    }

    public Progress progress() {
        synchronized (errors) {
            return new Progress(change.id(), state, sent, failed, waitingFor, List.copyOf(errors));
        }
    }

    /** Sends nothing more; what is at the broker is waited for. */
    public void cancel() {
        cancelled = true;
    }

    /** Notes in the audit that it begins, how far it is, and how it ended. Does nothing if it was begun before. */
    @Override
    public void run() {
        try {
            if (!journal.beginReplay(change, describe("running"))) {
                throw new IllegalStateException("This replay was begun before");
            }
            long through = journal.highestId();
            state = State.RUNNING;
            sendAll(through);
            state = cancelled ? State.CANCELLED : State.FINISHED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            state = State.CANCELLED;
        } catch (RuntimeException e) {
            error(String.valueOf(e.getMessage()));
            state = State.FAILED;
        }
        waitingFor = null;
        try {
            journal.noteReplay(change, sent, describe(state.name().toLowerCase(Locale.ROOT)));
        } catch (JournalException e) {
            error("Its end could not be noted: " + e.getMessage());
        }
    }

    private String describe(String how) {
        return how + ": " + selection + (target.destination() == null ? "" : " to " + target.destination())
                + ", at most " + target.perSecond() + " a second; " + failed + " failed";
    }

    private void sendAll(long through) throws InterruptedException {
        nextSendAt = System.nanoTime();
        if (selection.ids().isEmpty()) {
            Long after = Long.MIN_VALUE;
            while (after != null && !cancelled) {
                AdminJournal.Stretch stretch = journal.read(selection.search(), after, through, READ, READ_BYTES);
                send(stretch.events());
                after = stretch.next();
            }
        } else {
            for (Iterator<Long> ids = new TreeSet<>(selection.ids()).iterator(); ids.hasNext() && !cancelled; ) {
                sendRow(ids.next());
            }
        }
        while (atBroker > 0 || (!again.isEmpty() && !cancelled)) {
            step();
        }
    }

    private void sendRow(long id) throws InterruptedException {
        Optional<EventDetails> found = journal.find(id).filter(details -> mayReplay(details.event()));
        if (found.isPresent()) {
            send(List.of(found.get().stored()));
        } else {
            fail("row " + id + " is not there, or neither published nor consumed");
        }
    }

    private void send(List<StoredEvent> events) throws InterruptedException {
        for (StoredEvent event : events) {
            Message message = message(event);
            if (message == null) {
                continue;
            }
            while (!cancelled && (isFull(message) || keyIsOut(message))) {
                step();
            }
            if (!await(nextSendAt)) {
                return;
            }
            // A sleep may be longer than asked for; what was missed by it is made up for, but no more.
            nextSendAt =
                    Math.max(nextSendAt + 1_000_000_000L / target.perSecond(), System.nanoTime() - LONGEST_LAG_NANOS);
            if (message.key() != null) {
                keysAtBroker.add(message.key());
            }
            bytesOut += message.body().length;
            publish(new Sending(message));
        }
    }

    /** A message that is larger than the window goes alone. */
    private boolean isFull(Message next) {
        int out = atBroker + again.size();
        return out >= WINDOW || (out > 0 && bytesOut + next.body().length > WINDOW_BYTES);
    }

    private boolean keyIsOut(Message message) {
        return message.key() != null && keysAtBroker.contains(message.key());
    }

    private @Nullable Message message(StoredEvent event) {
        try {
            if (event.defect() != null) {
                throw new IllegalArgumentException(event.defect());
            }
            Message message = target.format().write(event, target.outbox());
            if (!target.outbox().allows(message.destination())) {
                throw new IllegalArgumentException("destination " + message.destination()
                        + " is not among those that outbox " + target.outbox().name() + " allows");
            }
            String destination = target.destination();
            String routingKey = target.routingKey();
            return new Message(
                            destination == null ? message.destination() : destination,
                            routingKey == null ? message.routingKey() : routingKey,
                            message.key(),
                            message.headers(),
                            message.body())
                    .with(Map.of(
                            MessageHeaders.ATTEMPTS, "0",
                            MessageHeaders.DIGEST, Digest.of(event.eventId(), message.body()),
                            MessageHeaders.REPLAY, change.id()));
        } catch (IllegalArgumentException e) {
            fail(event + ": " + e.getMessage());
            return null;
        }
    }

    private void publish(Sending sending) {
        atBroker++;
        sending.tries++;
        try {
            target.broker().publish(sending.message, outcome -> answers.add(new Answer(sending, outcome)));
        } catch (RuntimeException e) {
            answers.add(new Answer(sending, new Outcome.Unknown(e.toString())));
        }
    }

    /** Takes in an answer if there is one soon, and sends again what is due. */
    private void step() throws InterruptedException {
        note();
        Answer answer = answers.poll(10, TimeUnit.MILLISECONDS);
        while (answer != null) {
            atBroker--;
            decide(answer.sending(), answer.outcome());
            answer = answers.poll();
        }
        if (cancelled) {
            again.clear();
            return;
        }
        long now = System.nanoTime();
        List<Sending> due = new ArrayList<>();
        for (Iterator<Sending> each = again.iterator(); each.hasNext(); ) {
            Sending sending = each.next();
            if (sending.notBefore - now <= 0) {
                each.remove();
                due.add(sending);
            }
        }
        due.forEach(this::publish);
    }

    private void decide(Sending sending, Outcome outcome) {
        if (outcome instanceof Outcome.Acknowledged) {
            sent = sent + 1; // this thread alone writes it
            waitingFor = null;
            done(sending);
        } else if (outcome instanceof Outcome.Rejected rejected
                && (rejected.permanent() || ++sending.refusals >= REFUSALS)) {
            fail(sending.message + ": " + rejected.reason());
            done(sending);
        } else {
            waitingFor = String.valueOf(outcome);
            long backoff = FIRST_BACKOFF_NANOS << Math.min(sending.tries - 1, 6);
            sending.notBefore = System.nanoTime() + Math.min(backoff, LONGEST_BACKOFF_NANOS);
            again.add(sending);
        }
    }

    private void done(Sending sending) {
        bytesOut -= sending.message.body().length;
        if (sending.message.key() != null) {
            keysAtBroker.remove(sending.message.key());
        }
    }

    private void fail(String why) {
        failed = failed + 1; // this thread alone writes it
        error(why);
    }

    private void error(String error) {
        synchronized (errors) {
            if (errors.size() < MOST_ERRORS) {
                errors.add(error);
            }
        }
    }

    /** @return false if the replay was cancelled meanwhile */
    private boolean await(long time) throws InterruptedException {
        while (!cancelled && time - System.nanoTime() > 0) {
            long left = time - System.nanoTime();
            if (left > 20_000_000L) {
                step();
            } else if (left > 0) {
                TimeUnit.NANOSECONDS.sleep(left);
            }
        }
        return !cancelled;
    }

    private void note() {
        long now = System.nanoTime();
        if (nextNoteAt == 0 || now - nextNoteAt > 0) {
            nextNoteAt = now + NOTE_NANOS;
            journal.noteReplay(change, sent, describe("running"));
        }
    }
}
