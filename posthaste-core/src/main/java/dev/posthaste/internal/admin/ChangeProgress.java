package dev.posthaste.internal.admin;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The progress of a change that takes more than one transaction. The change's own audit entry keeps it, so that the
 * same change id continues it: after a failure, after a restart, in another process. Immutable.
 *
 * @param what what was selected, in words; the same change id with different words is a mistake
 * @param events how many events are done; of a replay that runs, those up to {@code after}
 * @param failed how many events of a replay could not be sent, up to {@code after}
 * @param through the highest row when the change began; newer ones are not affected
 * @param after a replay is done with all rows up to this one
 * @param plan of a replay, otherwise null
 */
public record ChangeProgress(
        State state,
        String what,
        long events,
        long failed,
        long through,
        long after,
        @Nullable ReplayPlan plan) {

    /** Whether a change is complete. */
    public enum State {
        /** A process works on it, or did until it died. */
        RUNNING,
        /** It stopped before its end; the same change id continues it. */
        INTERRUPTED,
        /** Like {@link #INTERRUPTED}, because of something unexpected. */
        FAILED,
        FINISHED,
        CANCELLED;

        /** Whether nothing more happens under this change id. */
        public boolean isOver() {
            return this == FINISHED || this == CANCELLED;
        }
    }

    /** A change that begins. */
    public static ChangeProgress begin(String what, long through, @Nullable ReplayPlan plan) {
        return new ChangeProgress(State.RUNNING, what, 0, 0, through, Long.MIN_VALUE, plan);
    }

    public ChangeProgress with(State state) {
        return new ChangeProgress(state, what, events, failed, through, after, plan);
    }

    /** The same with more events done. */
    public ChangeProgress and(long more) {
        return new ChangeProgress(state, what, events + more, failed, through, after, plan);
    }

    /** The same at another position. */
    public ChangeProgress at(long after, long events, long failed) {
        return new ChangeProgress(state, what, events, failed, through, after, plan);
    }

    /** For people to read in the audit, on one line. */
    @Override
    public String toString() {
        String rate = plan == null ? "" : ", at most " + plan.perSecond() + " a second; " + failed + " failed";
        return (state.name().toLowerCase(Locale.ROOT) + ": " + what + rate).replaceAll("\\p{Cntrl}", " ");
    }
}
