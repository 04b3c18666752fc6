package dev.posthaste.relay.internal;

import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.Waiting;
import dev.posthaste.relay.Replay.Run.State;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The database as one replay uses it: the rows, and the replay's entry in the audit. Retries until the database
 * answers. Confined to the replay's thread, except {@link #waitingFor}.
 */
final class ReplayStore {
    private static final int READ = 500;
    private static final long READ_BYTES = 4L << 20;
    private static final long NOTE_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long FIRST_BACKOFF_MILLIS = 100;
    private static final long MAX_BACKOFF_MILLIS = 5_000;
    private static final long POLL_NANOS = Duration.ofMillis(10).toNanos();

    private final OperatorStore store;
    private final ReplayPlan plan;
    private final Change change;
    private final String runner;
    private final Waiting waiting;
    private final Pause pause;
    private @Nullable ChangeProgress begun;
    private long nextNoteAt;
    private volatile @Nullable String waitingFor;

    /** How the replay waits before the database is asked again: it sends nothing, and may want to stop. */
    interface Pause {
        void pause(long millis) throws InterruptedException;
    }

    ReplayStore(OperatorStore store, ReplayPlan plan, Change change, String runner, Waiting waiting, Pause pause) {
        this.store = store;
        this.plan = plan;
        this.change = change;
        this.runner = runner;
        this.waiting = waiting;
        this.pause = pause;
    }

    /** The database's last error, while it does not answer. */
    @Nullable
    String waitingFor() {
        return waitingFor;
    }

    private <T> T ask(Supplier<T> question) throws InterruptedException {
        try {
            for (int tries = 0; ; tries++) {
                try {
                    return question.get();
                } catch (StoreException e) {
                    waitingFor = e.getMessage();
                    pause.pause(backoff(tries));
                }
            }
        } finally {
            waitingFor = null;
        }
    }

    private static long backoff(int tries) {
        return Math.min(FIRST_BACKOFF_MILLIS << Math.min(tries, 10), MAX_BACKOFF_MILLIS);
    }

    // --- The rows ----------------------------------------------------------------------------------------------------

    /** The next rows that are to be sent, of those that were there when the replay began. */
    OperatorStore.Stretch read(long after, long most) throws InterruptedException {
        long through = begun().through();
        return ask(() -> store.read(plan.filter(), after, through, (int) Math.min(READ, most), READ_BYTES));
    }

    /** A row, if it may be sent. */
    Optional<FoundRow> find(long id) throws InterruptedException {
        return ask(() -> store.find(id)).filter(event -> {
            Status status = event.status();
            return status != null && ReplayPlan.STATUSES.contains(status);
        });
    }

    // --- The entry in the audit --------------------------------------------------------------------------------------

    /** Takes the entry, unless the replay is over or another process runs it. */
    OperatorStore.Taken take() throws InterruptedException {
        OperatorStore.Taken taken = ask(() -> {
            ChangeProgress fresh = ChangeProgress.begin(plan.toString(), store.highestId(), plan);
            return store.take(change, Action.REPLAY, fresh, runner);
        });
        if (taken.mine()) {
            begun = taken.progress();
            nextNoteAt = waiting.nanoTime() + NOTE_NANOS;
        }
        return taken;
    }

    boolean hasBegun() {
        return begun != null;
    }

    /** How far the replay was when this process took it. */
    ChangeProgress begun() {
        ChangeProgress progress = begun;
        if (progress == null) {
            throw new IllegalStateException("This replay has not begun");
        }
        return progress;
    }

    /**
     * Notes every 2 s how far the replay is, and that this process runs it. While that cannot be noted, nothing may be
     * sent: after 30 s another process may take over.
     *
     * @return false if another process has
     */
    boolean note(ReplayWindow window) throws InterruptedException {
        if (waiting.nanoTime() - nextNoteAt <= 0) {
            return true;
        }
        boolean noted = ask(() -> store.note(change, window.certain(begun()), runner));
        nextNoteAt = waiting.nanoTime() + NOTE_NANOS;
        return noted;
    }

    /**
     * Notes how the replay ended. Waits for the database, unless the process ends.
     *
     * @param processEnds polled
     * @return {@code how}; but a replay whose end is not noted is not over, since the same change id continues it
     */
    State end(State how, ReplayWindow window, BooleanSupplier processEnds) {
        ChangeProgress certain = window.certain(begun()).with(ChangeProgress.State.valueOf(how.name()));
        // A replay that is over is never continued: then everything that was sent counts.
        ChangeProgress end =
                certain.state().isOver() ? certain.at(certain.after(), window.sent(), window.failed()) : certain;
        boolean waits = how != State.INTERRUPTED;
        boolean interrupted = false;
        try {
            for (int tries = 0; ; tries++) {
                try {
                    return store.note(change, end, runner) ? how : State.ELSEWHERE;
                } catch (StoreException e) {
                    waitingFor = e.getMessage();
                    if (!waits || interrupted || processEnds.getAsBoolean()) {
                        window.error(notNoted(e));
                        return end.state().isOver() ? State.INTERRUPTED : how;
                    }
                    interrupted = !rest(backoff(tries), processEnds);
                } catch (RuntimeException e) {
                    window.error(notNoted(e));
                    return end.state().isOver() ? State.FAILED : how;
                }
            }
        } finally {
            if (interrupted) { // not earlier: a driver or a pool may refuse a thread that is interrupted
                Thread.currentThread().interrupt();
            }
        }
    }

    private String notNoted(RuntimeException e) {
        return "The end of replay " + change.id()
                + " could not be noted in the audit, and the same change id continues it: " + e.getMessage();
    }

    /** @return false if this thread was interrupted */
    private boolean rest(long millis, BooleanSupplier processEnds) {
        try {
            for (long left = millis; left > 0 && !processEnds.getAsBoolean(); left -= 10) {
                waiting.sleep(POLL_NANOS);
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
