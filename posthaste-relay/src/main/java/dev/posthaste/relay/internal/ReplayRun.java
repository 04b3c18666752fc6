package dev.posthaste.relay.internal;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.internal.admin.Waiting;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.relay.Replay;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One run of a {@link Replay}. Not part of the API.
 *
 * <p>{@link #run} once, on a thread of the caller, or {@link #start}; the other methods are for any thread.
 */
public final class ReplayRun implements Replay.Run, Runnable {
    private static final long MAX_LAG_NANOS = Duration.ofMillis(50).toNanos();
    private static final long LOOK_AT_OTHER_MILLIS = 1_000;
    /** How long answers from the broker are waited for when the replay is cancelled and when the process ends. */
    private static final long CANCEL_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long STOP_NANOS = Duration.ofSeconds(1).toNanos();
    /** How long the thread may take to notice that it is to stop: a statement may wait for the database. */
    private static final long CLOSE_NANOS = Duration.ofSeconds(5).toNanos();

    /** The numbers of one moment; each is as in {@link Replay.Run}. */
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
    private final OutboxDefinition outbox;
    private final Change change;
    private final Waiting waiting;
    private final ReplayWindow window;
    private final Throttle throttle;
    private final CountDownLatch over = new CountDownLatch(1);
    private boolean looksAtOther;
    private volatile State state = State.WAITING;
    private volatile boolean repeated;
    private volatile @Nullable String waitingForOther;
    /** How it is to end early: {@link State#CANCELLED}, {@link State#INTERRUPTED}, or null. */
    private volatile @Nullable State wish;

    private volatile boolean processEnds;

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
     * @throws IllegalArgumentException if the outbox does not allow the plan's destination
     * @throws dev.posthaste.admin.UnexpectedCountException if the change expects a different number of events
     */
    public ReplayRun(StoreOutboxAdmin outbox, ReplayPlan plan, Broker broker, Change change) {
        this(outbox, plan, broker, change, UUID.randomUUID().toString(), Waiting.REAL);
    }

    /**
     * The same for a thread that waits in another way, such as in a simulation.
     *
     * @param runner what the audit calls the process that runs it; no other replay may have the same
     */
    public ReplayRun(
            StoreOutboxAdmin outbox, ReplayPlan plan, Broker broker, Change change, String runner, Waiting waiting) {
        plan.requireAllowed(outbox.definition());
        outbox.requireExpected(plan.filter(), ReplayPlan.STATUSES, change);
        this.store = new ReplayStore(outbox.store(), plan, change, runner, waiting, this::pause);
        this.plan = plan;
        this.outbox = outbox.definition();
        this.change = change;
        this.waiting = waiting;
        this.window = new ReplayWindow(broker, waiting);
        this.throttle = new Throttle(plan.perSecond(), MAX_LAG_NANOS, waiting.nanoTime());
    }

    /** Runs on its own thread. */
    public void start() {
        Thread thread = new Thread(this, "posthaste-replay-" + change.id());
        thread.setDaemon(true);
        thread.start();
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

    @Override
    public State state() {
        return state;
    }

    @Override
    public long sent() {
        return window.sent();
    }

    @Override
    public long failed() {
        return window.failed();
    }

    @Override
    public @Nullable String waitingFor() {
        return progress().waitingFor();
    }

    @Override
    public List<String> errors() {
        return window.errors();
    }

    @Override
    public boolean repeated() {
        return repeated;
    }

    @Override
    public ReplayRun await() throws InterruptedException {
        over.await();
        return this;
    }

    /** Stops what {@link #start} began, to be continued. */
    @Override
    public void close() {
        interrupt();
        try {
            over.await(CLOSE_NANOS, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void cancel() {
        wish = State.CANCELLED;
    }

    /** Sends nothing more for now, as the process ends; the same change id continues it. Ends within about a second. */
    public void interrupt() {
        processEnds = true;
        if (wish == null) { // a cancelled one stays cancelled
            wish = State.INTERRUPTED;
        }
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
        } finally {
            over.countDown();
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
        window.error("another process runs replay " + change.id() + "; the audit shows how far it is");
        state = State.ELSEWHERE;
    }

    private void sendAll() throws InterruptedException {
        window.prepare(outbox.route());
        ChangeProgress begun = store.begun();
        EventFilter filter = plan.filter();
        long left = plan.left(begun.events() + begun.failed());
        if (filter.positions().isEmpty()) {
            Long after = begun.after();
            while (after != null && left > 0) {
                OperatorStore.Stretch stretch = store.read(after, left);
                for (StoredRow event : stretch.events()) {
                    send(event);
                }
                left -= stretch.events().size();
                after = stretch.next();
                if (after != null) {
                    window.passed(after);
                }
                step(0);
            }
        } else {
            for (long id : filter.positions()) {
                if (id > begun.after() && left > 0 && sendRow(id)) {
                    left--;
                }
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
        if (!store
                .hasBegun()) { // nothing was noted: the same change id may begin it, or continue what was noted before
            state = looksAtOther ? State.ELSEWHERE : State.INTERRUPTED;
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

    /** A cancelled replay reports that immediately, a finished one once the audit records it. */
    private void end(State how) {
        if (how == State.CANCELLED) {
            state = how;
        }
        State noted = store.hasBegun() ? store.end(how, window, () -> processEnds) : how;
        if (noted == State.ELSEWHERE) {
            elsewhere();
        } else {
            state = noted;
        }
    }

    // --- Sending -----------------------------------------------------------------------------------------------------

    /** @return false if it is not among those that are asked for */
    private boolean sendRow(long id) throws InterruptedException {
        Optional<FoundRow> found = store.find(id);
        if (found.isPresent() && !found.get().matches(plan.filter())) {
            window.passed(id);
            step(0);
            return false;
        }
        if (found.isPresent()) {
            send(Objects.requireNonNull(found.get().stored()));
        } else {
            fail(id, "position " + id + " does not exist, or is neither published nor consumed");
        }
        return true;
    }

    private void send(StoredRow event) throws InterruptedException {
        Message message;
        try {
            message = OutgoingMessage.replayed(event, outbox, plan, change.id());
        } catch (OutgoingMessage.UnsendableException e) {
            fail(event.position(), event + ": " + e.getMessage());
            return;
        }
        step(0);
        while (!window.takes(message)) {
            step(10);
        }
        await(throttle.next());
        throttle.dispatched(waiting.nanoTime());
        window.send(event.position(), message);
    }

    private void fail(long id, String why) throws InterruptedException {
        while (!window.takesRow()) {
            step(10);
        }
        window.fail(id, why);
        step(0);
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

    /**
     * Takes in answers, waiting up to {@code millis} for one, and sends again what is due. Notes before it sends, or
     * sends nothing.
     */
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
