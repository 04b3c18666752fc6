package dev.posthaste.admin;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Digest;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.journal.JournalException;
import dev.posthaste.journal.StoredEvent;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Publishes events once more that were published before: for a consumer that is new, or has lost what it did. Oldest first,
 * those of one key one after the other, no faster than it is told. Every message carries the header
 * {@link MessageHeaders#REPLAY} and the event's own id, so that an inbox that has handled it passes over it. What is in
 * the outbox does not change.
 *
 * <p>Replayed events come after newer ones of their key that were published before; only their consumer knows whether that
 * matters. What the broker refuses for good, or ten times, is counted as failed and passed over. A broker or a database that
 * is away is waited for until it is back or the replay is cancelled.
 *
 * <p>Every 2 s the audit entry of the {@link Change} notes how far it is, and which process runs it. If the process dies, is
 * stopped or fails, a replay of the same events with the same change id continues there, in any process: some messages (those
 * of the last 2 s, and what was at the broker) may be sent twice. It never runs twice at once: while a process says that it runs
 * it, another one leaves it alone; after 30 s of silence, by the database's clock, the process counts as dead. After it is
 * finished or cancelled, the same change id sends nothing and tells what it did then.
 *
 * <p>{@link #run} once, on a thread of the caller's; the other methods are for any thread.
 */
public final class Replay implements Runnable {
    private static final int READ = 500;
    private static final long READ_BYTES = 4L << 20;
    private static final long LONGEST_LAG_NANOS = Duration.ofMillis(50).toNanos();
    private static final long NOTE_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long FIRST_BACKOFF_MILLIS = 100;
    private static final long LONGEST_BACKOFF_MILLIS = 5_000;
    private static final long LOOK_AT_OTHER_MILLIS = 1_000;
    /** How long what is at the broker is waited for, when the replay is cancelled and when the process ends. */
    private static final long CANCEL_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long STOP_NANOS = Duration.ofSeconds(1).toNanos();

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

    /**
     * What a replay is to do, as the audit keeps it, so that another process can continue it.
     *
     * @param destination in place of the events' own, or null
     * @param routingKey in place of the events' own, or null
     */
    public record Plan(
            Selection selection,
            @Nullable String destination,
            @Nullable String routingKey,
            int perSecond) {
        @Override
        public String toString() {
            return selection
                    + (destination == null ? "" : " to " + destination)
                    + (routingKey == null ? "" : " with routing key " + routingKey);
        }
    }

    /** How a replay ended, or that it has not. */
    public enum State {
        /** It has not begun, or waits to see whether another process runs it. */
        WAITING,
        RUNNING,
        FINISHED,
        CANCELLED,
        /** It was told to stop, as its process ends; the same change id continues it. */
        INTERRUPTED,
        /** Something unforeseen ended it, {@link Progress#errors} says what; the same change id continues it. */
        FAILED,
        /** Another process runs it; this one has sent nothing, or nothing since the other one took over. */
        ELSEWHERE
    }

    /**
     * @param sent how many were sent in all, also by earlier runs that this one continues
     * @param waitingFor why nothing is sent at the moment, or null
     * @param repeated whether it was over before it was asked for: nothing was sent now, and the numbers are from then
     * @param errors the first of them
     */
    public record Progress(
            String id,
            State state,
            long sent,
            long failed,
            @Nullable String waitingFor,
            boolean repeated,
            List<String> errors) {}

    private final AdminJournal journal;
    private final Selection selection;
    private final Target target;
    private final Change change;
    private final Plan plan;
    private final ReplayWindow window;
    private final String runner = UUID.randomUUID().toString();
    private @Nullable ChangeProgress begun;
    private boolean looksAtOther;
    private long nextSendAt;
    private long nextNoteAt;
    private volatile State state = State.WAITING;
    private volatile boolean repeated;
    private volatile @Nullable String waitingForDatabase;
    /** How it is to end before its end: {@link State#CANCELLED}, {@link State#INTERRUPTED}, or null. */
    private volatile @Nullable State wish;

    /** Leaves the middle of the work, for a reason that {@link #wish} or {@link #state} tells. */
    private static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        StoppedException() {
            super(null, null, false, false);
        }
    }

    Replay(AdminJournal journal, Selection selection, Target target, Change change) {
        this.journal = journal;
        this.selection = selection;
        this.target = target;
        this.change = change;
        this.plan = new Plan(selection, target.destination(), target.routingKey(), target.perSecond());
        this.window = new ReplayWindow(target.broker());
    }

    static boolean mayReplay(FoundEvent event) {
        return event.status() == Status.PUBLISHED || event.status() == Status.CONSUMED;
    }

    public Progress progress() {
        String database = waitingForDatabase;
        boolean over = state != State.WAITING && state != State.RUNNING && database == null;
        return new Progress(
                change.id(),
                state,
                window.sent(),
                window.failed(),
                over ? null : database == null ? window.waitingFor() : database,
                repeated,
                window.errors());
    }

    /** Sends nothing more, and never will under this change id; what is at the broker is waited for, for 10 s at most. */
    public void cancel() {
        wish = State.CANCELLED;
    }

    /** Sends nothing more for now, as the process ends; the same change id continues it. Ends within about a second. */
    public void interrupt() {
        wish = State.INTERRUPTED;
    }

    // --- From its beginning to its end -------------------------------------------------------------------------------

    /**
     * Sends all that is to be sent, or what an earlier run left. Returns soon if the replay is over, or if another process is
     * seen to run it; waits up to 30 s to find out whether a silent one is dead.
     */
    @Override
    public void run() {
        try {
            if (begin()) {
                state = State.RUNNING;
                sendAll();
                end(State.FINISHED);
            }
        } catch (StoppedException e) {
            stopped();
        } catch (InterruptedException e) {
            end(State.INTERRUPTED);
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            window.error(e instanceof RuntimeException ? String.valueOf(e.getMessage()) : e.toString());
            end(State.FAILED);
        }
    }

    /** @return whether there is something to do for this process */
    private boolean begin() throws InterruptedException {
        String seen = null;
        while (true) {
            AdminJournal.Taken taken = database(() -> {
                ChangeProgress fresh = ChangeProgress.begin(plan.toString(), journal.highestId(), plan);
                return journal.take(change, Action.REPLAY, fresh, runner);
            });
            ChangeProgress progress = taken.progress();
            window.startAt(progress);
            if (taken.mine()) {
                begun = progress;
                waitingForDatabase = null;
                return true;
            }
            if (progress.state().isOver()) {
                repeated = true;
                state = State.valueOf(progress.state().name());
                return false;
            }
            if (seen != null && !seen.equals(taken.sign())) {
                elsewhere();
                return false;
            }
            seen = taken.sign();
            looksAtOther = true;
            waitingForDatabase = "another process may be running it";
            pause(LOOK_AT_OTHER_MILLIS);
            waitingForDatabase = null;
        }
    }

    private void elsewhere() {
        window.error("another process runs this replay");
        waitingForDatabase = null;
        state = State.ELSEWHERE;
    }

    private void sendAll() throws InterruptedException {
        ChangeProgress start = begun();
        nextSendAt = System.nanoTime();
        nextNoteAt = nextSendAt + NOTE_NANOS;
        if (selection.ids().isEmpty()) {
            Long after = start.after();
            while (after != null) {
                long from = after;
                AdminJournal.Stretch stretch =
                        database(() -> journal.read(selection.search(), from, start.through(), READ, READ_BYTES));
                for (StoredEvent event : stretch.events()) {
                    send(event);
                }
                after = stretch.next();
                if (after != null) {
                    window.passed(after);
                }
                step(0);
            }
        } else {
            for (long id : new TreeSet<>(selection.ids()).tailSet(start.after(), false)) {
                sendRow(id);
            }
        }
        while (!window.isEmpty()) {
            step(10);
        }
    }

    private ChangeProgress begun() {
        ChangeProgress progress = begun;
        if (progress == null) {
            throw new IllegalStateException("This replay has not begun");
        }
        return progress;
    }

    private void stopped() {
        State how = wish;
        if (how == null) {
            return; // another process has taken over
        }
        if (begun == null) { // nothing was sent, and nothing noted
            waitingForDatabase = null;
            state = looksAtOther ? State.ELSEWHERE : how;
            return;
        }
        long end = System.nanoTime() + (how == State.CANCELLED ? CANCEL_NANOS : STOP_NANOS);
        try {
            while (window.atBroker() > 0 && end - System.nanoTime() > 0) {
                window.takeIn(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        end(how);
    }

    /** A cancelled replay says at once that it is, a finished one when the audit says so too. */
    private void end(State how) {
        if (how == State.CANCELLED) {
            state = how;
        }
        ChangeProgress progress = begun;
        if (progress != null) {
            ChangeProgress certain = window.certain(progress).with(ChangeProgress.State.valueOf(how.name()));
            // What is over is never continued: then everything that was sent counts.
            if (!noteEnd(
                    certain.state().isOver() ? certain.at(certain.after(), window.sent(), window.failed()) : certain)) {
                elsewhere();
                return;
            }
        }
        waitingForDatabase = null;
        state = how;
    }

    /**
     * Waits for the database, unless the process ends.
     *
     * @return false if another process runs the replay by now
     */
    private boolean noteEnd(ChangeProgress end) {
        boolean waits = end.state() != ChangeProgress.State.INTERRUPTED;
        boolean interrupted = false;
        for (int tries = 0; ; tries++) {
            try {
                return journal.note(change, end, runner);
            } catch (JournalException e) {
                waitingForDatabase = e.getMessage();
                if (!waits || interrupted || wish == State.INTERRUPTED) {
                    window.error("Its end could not be noted: " + e.getMessage());
                    return true;
                }
                interrupted = !rest(backoff(tries));
            } catch (RuntimeException e) {
                window.error("Its end could not be noted: " + e.getMessage());
                return true;
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** @return false if this thread was interrupted */
    private boolean rest(long millis) {
        try {
            for (long left = millis; left > 0 && wish != State.INTERRUPTED; left -= 10) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    private void sendRow(long id) throws InterruptedException {
        Optional<EventDetails> found = database(() -> journal.find(id)).filter(details -> mayReplay(details.event()));
        if (found.isPresent()) {
            send(found.get().stored());
        } else {
            window.fail(id, "row " + id + " is not there, or neither published nor consumed");
            step(0);
        }
    }

    private void send(StoredEvent event) throws InterruptedException {
        Message message;
        try {
            message = message(event);
        } catch (IllegalArgumentException e) {
            window.fail(event.id(), event + ": " + e.getMessage());
            return;
        }
        step(0);
        while (!window.takes(message)) {
            step(10);
        }
        await(nextSendAt);
        // A sleep may be longer than asked for; what was missed by it is made up for, but no more.
        nextSendAt = Math.max(nextSendAt + 1_000_000_000L / target.perSecond(), System.nanoTime() - LONGEST_LAG_NANOS);
        window.send(event.id(), message);
    }

    private Message message(StoredEvent event) {
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
    }

    private void await(long time) throws InterruptedException {
        for (long left = time - System.nanoTime(); left > 0; left = time - System.nanoTime()) {
            if (left > 20_000_000L) {
                step(10);
            } else {
                TimeUnit.NANOSECONDS.sleep(left);
            }
        }
    }

    /** Takes in answers, waiting so long for one, and sends again what is due. Notes before it sends, or sends nothing. */
    private void step(long millis) throws InterruptedException {
        window.takeIn(millis);
        stopIfWished();
        if (System.nanoTime() - nextNoteAt > 0) {
            if (!database(() -> journal.note(change, window.certain(begun()), runner))) {
                elsewhere();
                throw new StoppedException();
            }
            nextNoteAt = System.nanoTime() + NOTE_NANOS;
        }
        window.resend();
    }

    private void stopIfWished() {
        if (wish != null) {
            throw new StoppedException();
        }
    }

    // --- The database ------------------------------------------------------------------------------------------------

    /** Asks the database until it answers. Meanwhile nothing is sent, so that nobody takes over while this process sends. */
    private <T> T database(Supplier<T> question) throws InterruptedException {
        for (int tries = 0; ; tries++) {
            try {
                T answer = question.get();
                waitingForDatabase = null;
                return answer;
            } catch (JournalException e) {
                waitingForDatabase = e.getMessage();
                pause(backoff(tries));
            }
        }
    }

    private static long backoff(int tries) {
        return Math.min(FIRST_BACKOFF_MILLIS << Math.min(tries, 10), LONGEST_BACKOFF_MILLIS);
    }

    private void pause(long millis) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (end - System.nanoTime() > 0) {
            stopIfWished();
            window.takeIn(10);
        }
    }
}
