package dev.posthaste.relay;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeProgress;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.OperatorStore;
import dev.posthaste.admin.ReplayPlan;
import dev.posthaste.admin.ReplaySelection;
import dev.posthaste.admin.Waiting;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.format.MessageFormat;
import dev.posthaste.store.StoredEvent;
import dev.posthaste.store.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
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
    private static final Verdict.Seen NOTHING_SEEN = new Verdict.Seen(0, null);
    private static final long MAX_LAG_NANOS = Duration.ofMillis(50).toNanos();
    private static final long LOOK_AT_OTHER_MILLIS = 1_000;
    /** How long what is at the broker is waited for, when the replay is cancelled and when the process ends. */
    private static final long CANCEL_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long STOP_NANOS = Duration.ofSeconds(1).toNanos();

    /** The outbox whose events are published, and what they are published with. */
    public record Target(OutboxDefinition outbox, Broker broker, MessageFormat format) {}

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

    private final ReplayStore store;
    private final ReplayPlan plan;
    private final Target target;
    private final Change change;
    private final Waiting waiting;
    private final ReplayWindow window;
    private final Throttle throttle;
    private boolean looksAtOther;
    private volatile State state = State.WAITING;
    private volatile boolean repeated;
    private volatile @Nullable String waitingForOther;
    /** How it is to end before its end: {@link State#CANCELLED}, {@link State#INTERRUPTED}, or null. */
    private volatile @Nullable State wish;

    /** Leaves the middle of the work, for a reason that {@link #wish} or {@link #state} tells. */
    private static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        StoppedException() {
            super(null, null, false, false);
        }
    }

    /**
     * Prepares a replay, or the continuation of one that stopped.
     *
     * @param store of the outbox whose events are replayed
     * @throws IllegalArgumentException if the outbox does not allow the plan's destination
     */
    public Replay(OperatorStore store, ReplayPlan plan, Target target, Change change) {
        this(store, plan, target, change, UUID.randomUUID().toString(), Waiting.REAL);
    }

    /**
     * The same for a thread that waits otherwise, as in a simulation.
     *
     * @param runner what the audit calls whoever runs it; no other replay may have the same
     */
    public Replay(OperatorStore store, ReplayPlan plan, Target target, Change change, String runner, Waiting waiting) {
        String destination = plan.destination();
        if (destination != null && !target.outbox().allows(destination)) {
            throw new IllegalArgumentException(OutgoingMessage.notAllowed(destination, target.outbox()));
        }
        this.store = new ReplayStore(store, plan, change, runner, waiting, this::pause);
        this.plan = plan;
        this.target = target;
        this.change = change;
        this.waiting = waiting;
        this.window = new ReplayWindow(target.broker(), waiting);
        this.throttle = new Throttle(plan.perSecond(), MAX_LAG_NANOS, waiting.nanoTime());
    }

    public Progress progress() {
        String database = store.waitingFor();
        String waitingFor = database == null ? waitingForOther : database;
        boolean over = state != State.WAITING && state != State.RUNNING && waitingFor == null;
        return new Progress(
                change.id(),
                state,
                window.sent(),
                window.failed(),
                over ? null : waitingFor == null ? window.waitingFor() : waitingFor,
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
            OperatorStore.Taken taken = store.take();
            ChangeProgress progress = taken.progress();
            window.startAt(progress);
            if (taken.mine()) {
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
            waitingForOther = "another process may be running it";
            try {
                pause(LOOK_AT_OTHER_MILLIS);
            } finally {
                waitingForOther = null;
            }
        }
    }

    private void elsewhere() {
        window.error("another process runs replay " + change.id() + "; the audit tells how far it is");
        state = State.ELSEWHERE;
    }

    private void sendAll() throws InterruptedException {
        long begun = store.begun().after();
        ReplaySelection selection = plan.selection();
        if (selection.ids().isEmpty()) {
            Long after = begun;
            while (after != null) {
                OperatorStore.Stretch stretch = store.read(after);
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
            for (long id : new TreeSet<>(selection.ids()).tailSet(begun, false)) {
                sendRow(id);
            }
        }
        while (!window.isEmpty()) {
            step(10);
        }
    }

    private void stopped() {
        State how = wish;
        if (how == null) {
            return; // another process has taken over
        }
        if (!store.hasBegun()) { // nothing was sent, and nothing noted
            state = looksAtOther ? State.ELSEWHERE : how;
            return;
        }
        long end = waiting.nanoTime() + (how == State.CANCELLED ? CANCEL_NANOS : STOP_NANOS);
        boolean interrupted = false;
        try {
            while (window.atBroker() > 0 && end - waiting.nanoTime() > 0) {
                window.takeIn(10);
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        end(how);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A cancelled replay says at once that it is, a finished one when the audit says so too. */
    private void end(State how) {
        if (how == State.CANCELLED) {
            state = how;
        }
        State noted = store.hasBegun() ? store.end(how, window, () -> wish == State.INTERRUPTED) : how;
        if (noted == State.ELSEWHERE) {
            elsewhere();
        } else {
            state = noted;
        }
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    private void sendRow(long id) throws InterruptedException {
        Optional<EventDetails> found = store.find(id);
        if (found.isPresent()) {
            send(found.get().stored());
        } else {
            fail(id, "row " + id + " is not there, or neither published nor consumed");
        }
    }

    private void send(StoredEvent event) throws InterruptedException {
        Message message;
        try {
            message = message(event);
        } catch (OutgoingMessage.UnsendableException e) {
            fail(event.id(), event + ": " + e.getMessage());
            return;
        }
        step(0);
        while (!window.takes(message)) {
            step(10);
        }
        await(throttle.next());
        throttle.handedOver(waiting.nanoTime());
        window.send(event.id(), message);
    }

    private void fail(long id, String why) throws InterruptedException {
        while (!window.takesRow()) {
            step(10);
        }
        window.fail(id, why);
        step(0);
    }

    private Message message(StoredEvent event) throws OutgoingMessage.UnsendableException {
        Message message = OutgoingMessage.of(event, NOTHING_SEEN, target.outbox(), target.format())
                .headers(Map.of(MessageHeaders.REPLAY, change.id()));
        String destination = plan.destination();
        String routingKey = plan.routingKey();
        return Message.of(destination == null ? message.destination() : destination, message.body())
                .routingKey(routingKey == null ? message.routingKey() : routingKey)
                .key(message.key())
                .headers(message.headers());
    }

    private void await(long time) throws InterruptedException {
        for (long left = time - waiting.nanoTime(); left > 0; left = time - waiting.nanoTime()) {
            if (left > 20_000_000L) {
                step(10);
            } else {
                waiting.sleep(left);
            }
        }
    }

    /** Takes in answers, waiting so long for one, and sends again what is due. Notes before it sends, or sends nothing. */
    private void step(long millis) throws InterruptedException {
        window.takeIn(millis);
        stopIfWished();
        if (!store.note(window)) {
            elsewhere();
            throw new StoppedException();
        }
        window.resend();
    }

    private void stopIfWished() {
        if (wish != null) {
            throw new StoppedException();
        }
    }

    private void pause(long millis) throws InterruptedException {
        long end = waiting.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (end - waiting.nanoTime() > 0) {
            stopIfWished();
            window.takeIn(10);
        }
    }
}
