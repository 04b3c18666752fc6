package dev.posthaste.reliability.simulation;

import dev.posthaste.reliability.simulation.Transaction.Change;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who owns the outbox, by its lease's row: no relay takes it while another's lease is live, or while the outbox is
 * paused.
 */
final class Ownership {
    private static final long NOT_PAUSED = Long.MIN_VALUE;

    private final Schedule schedule;
    private final Oracle truth;
    private final long leaseNanos;
    private long claims;
    private long pausedAt = NOT_PAUSED;

    /** @param leaseNanos how long a relay may have lost its outbox's lease without knowing */
    Ownership(Schedule schedule, Oracle truth, long leaseNanos) {
        this.schedule = schedule;
        this.truth = truth;
        this.leaseNanos = leaseNanos;
    }

    /** How often the lease has changed. */
    long claims() {
        return claims;
    }

    void changed(Node node, Change change) {
        claims++;
        boolean paused = change.after() != null && change.after("paused_by") != null;
        pausedAt = !paused ? NOT_PAUSED : pausedAt == NOT_PAUSED ? schedule.now() : pausedAt;
        if (change.before() == null || change.after() == null || node.role != Node.Role.RELAY) {
            return;
        }
        String before = (String) Objects.requireNonNull(change.before("owner"));
        String after = (String) Objects.requireNonNull(change.after("owner"));
        long grown = (Long) Objects.requireNonNull(change.after("epoch"))
                - (Long) Objects.requireNonNull(change.before("epoch"));
        if (before.equals(after) || after.isEmpty()) {
            truth.require(
                    grown == 0 || (before.equals(after) && grown == 1),
                    "epoch",
                    "the epoch grew by %d without a new owner",
                    grown);
            return;
        }
        requireNotPaused("%s took the lease", after);
        truth.require(grown == 1, "epoch", "the epoch grew by %d when %s took over from '%s'", grown, after, before);
        long left = (Long) Objects.requireNonNull(change.before("expires_at")) - schedule.now();
        truth.require(
                before.isEmpty() || left <= 0,
                "lease",
                "%s took over from %s, whose lease had %d ms left",
                after,
                before,
                left / 1_000_000);
    }

    /** Relays may notice a pause only when their leases end. */
    void requireNotPaused(String what, @Nullable Object... of) {
        if (pausedAt != NOT_PAUSED && schedule.now() - pausedAt > leaseNanos) {
            long millis = (schedule.now() - pausedAt) / 1_000_000;
            truth.require(false, "pause", "the outbox was paused for %d ms, but %s", millis, what.formatted(of));
        }
    }
}
