package dev.posthaste.relay;

import dev.posthaste.CheckReturnValue;
import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.broker.Broker;
import dev.posthaste.broker.MessageHeaders;
import dev.posthaste.internal.admin.ReplayPlan;
import dev.posthaste.internal.admin.StoreOutboxAdmin;
import dev.posthaste.relay.internal.ReplayRun;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Sends published events once more: for a consumer that is new, or whose effects were lost. Oldest first, those of one
 * key one after the other, and no faster than {@link #maxPerSecond}. Every message has the header {@link
 * MessageHeaders#REPLAY} and the event's own id, so that an inbox that has handled it skips it. Nothing in the outbox
 * changes. Immutable: every method with a parameter, but {@link #start}, returns a changed copy.
 *
 * <p>Replayed events come after newer ones of their key that were published before; only their consumer knows whether that
 * matters. An event that the broker rejects permanently, or ten times, is counted as failed and skipped. While a broker
 * or a database is unavailable, the replay waits until it is back or the replay is cancelled.
 *
 * <p>Every 2 s the audit entry of the {@link Change} notes how far the replay is, and which process runs it. If the process
 * dies, is stopped or fails, a replay of the same events with the same change id continues there, in any process: some messages
 * (those of the last 2 s, and those at the broker) may be sent twice. A replay never runs twice at the same time: while
 * one process reports that it runs it, others leave it alone; after 30 s of silence, by the database's clock, the
 * process counts as dead. After it is finished or cancelled, the same change id sends nothing and reports how it ended.
 */
@CheckReturnValue
public final class Replay {
    private static final int PER_SECOND = 100;

    private final StoreOutboxAdmin outbox;
    private final ReplayPlan plan;
    private final Broker broker;

    private Replay(StoreOutboxAdmin outbox, ReplayPlan plan, Broker broker) {
        this.outbox = outbox;
        this.plan = plan;
        this.broker = broker;
    }

    /**
     * A replay to the events' own destinations, at most 100 events a second.
     *
     * @param filter positions, or the status published or consumed and any other criteria
     * @param broker remains the caller's, who closes it after the replay
     * @throws IllegalArgumentException if the filter covers events that were not published, or the outbox is not
     *     Posthaste's own
     */
    public static Replay of(OutboxAdmin outbox, EventFilter filter, Broker broker) {
        if (!(outbox instanceof StoreOutboxAdmin known)) {
            throw new IllegalArgumentException("A replay reads an outbox of Admin.of(…), not of " + outbox.getClass());
        }
        return new Replay(
                known, new ReplayPlan(filter, null, null, PER_SECOND), Objects.requireNonNull(broker, "broker"));
    }

    private Replay with(@Nullable String destination, @Nullable String routingKey, int perSecond) {
        return new Replay(outbox, new ReplayPlan(plan.filter(), destination, routingKey, perSecond), broker);
    }

    /**
     * A topic or exchange in place of the events' own.
     *
     * @throws IllegalArgumentException if the outbox does not allow it
     */
    public Replay destination(String destination) {
        Replay changed = with(Objects.requireNonNull(destination, "destination"), plan.routingKey(), plan.perSecond());
        changed.plan.requireAllowed(outbox.definition());
        return changed;
    }

    /** A routing key in place of the events' own. */
    public Replay routingKey(String routingKey) {
        return with(plan.destination(), Objects.requireNonNull(routingKey, "routingKey"), plan.perSecond());
    }

    /** The most messages that are sent in a second; 1 or more. */
    public Replay maxPerSecond(int events) {
        return with(plan.destination(), plan.routingKey(), events);
    }

    /** Which events would be sent; sends nothing. Interrupting the thread ends the counting. */
    public DryRun dryRun() {
        return plan.filter().positions().isEmpty()
                ? outbox.dryRun(plan.filter())
                : outbox.dryRun(plan.filter(), ReplayPlan.STATUSES, done -> true);
    }

    /**
     * Starts to send on a thread of its own, or continues a replay of this change id that stopped.
     *
     * @throws dev.posthaste.admin.UnexpectedCountException if the change expects a different number of events; nothing
     *     is sent
     * @throws dev.posthaste.StoreException if they have to be counted and the database fails
     */
    public Run start(Change change) {
        ReplayRun run = new ReplayRun(outbox, plan, broker, change);
        run.start();
        return run;
    }

    /** Says which events of which outbox go where. */
    @Override
    public String toString() {
        return "replay of " + outbox.definition().name() + ": " + plan;
    }

    /** A replay that is running or has ended. Thread-safe. */
    @ProvidedByPosthaste
    public interface Run extends AutoCloseable {
        /** How it ended, or that it has not. */
        State state();

        /** How many events were sent in all, including by earlier runs that this one continues. */
        long sent();

        /** How many events could not be sent. */
        long failed();

        /** Why nothing is sent at the moment, or null. */
        @Nullable
        String waitingFor();

        /** What went wrong: the first errors. */
        List<String> errors();

        /**
         * Whether the replay had already ended before this run: nothing was sent now, and the numbers are from then.
         */
        boolean repeated();

        /** Waits until the replay has ended, one way or another. */
        Run await() throws InterruptedException;

        /**
         * Sends nothing more, and never will under this change id; waits at most 10 s for the broker's answers, on its
         * thread. One that has not begun yet, or has ended, is left as it is: {@link #state} says {@link
         * State#INTERRUPTED} then, and the same change id continues it.
         */
        void cancel();

        /**
         * Sends nothing more for now; the same change id continues the replay. Waits at most 5 s for its thread to end.
         */
        @Override
        void close();

        /** How a replay ended, or that it has not. */
        enum State {
            /** It has not begun, or waits to see whether another process runs it. */
            WAITING,
            /** It sends events, or waits for the broker or a database. */
            RUNNING,
            /** Every event was sent, or counted as failed. */
            FINISHED,
            /** {@link Run#cancel} ended it; its change id sends nothing more. */
            CANCELLED,
            /** It was told to stop; the same change id continues it. */
            INTERRUPTED,
            /** Something unexpected ended it, {@link Run#errors} says what; the same change id continues it. */
            FAILED,
            /** Another process runs it; this one has sent nothing, or nothing since the other one took over. */
            ELSEWHERE
        }
    }
}
