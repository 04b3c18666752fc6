package dev.posthaste.internal.admin;

import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.ChangeProgress.State;
import dev.posthaste.internal.store.StoredRow;
import dev.posthaste.internal.text.DurationText;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Changes of one outbox that take many transactions: each is carried out part by part, and its audit entry records how
 * far it is.
 */
final class BatchedChanges {
    /** Events of these no relay works on. */
    static final Set<Status> FINISHED = Set.of(Status.PUBLISHED, Status.CONSUMED, Status.DEAD);

    private static final int BATCH = 200;
    private static final long BATCH_BYTES = 16L << 20;
    private static final int PURGE_BATCH = 2_000;
    private static final Duration MAX_KEEP = Duration.ofDays(36_525);

    private final String outbox;
    private final OperatorStore store;

    BatchedChanges(String outbox, OperatorStore store) {
        this.outbox = outbox;
        this.store = store;
    }

    private interface Walk {
        /** @param most how many events may be changed */
        Step step(long after, long through, int most);
    }

    /** @param next where the walk continues; null at its end */
    private record Step(
            OperatorStore.@Nullable Part part, @Nullable Long next) {}

    private static int most(int batch, long left) {
        return (int) Math.min(batch, left);
    }

    /** Begins or continues a change, and notes how it ended; a change that is over is left alone. */
    private ChangeOutcome inParts(
            Action action, String what, Change change, long limit, LongPredicate goOn, Walk walk) {
        ChangeProgress progress = store.take(change, action, ChangeProgress.begin(what, store.highestId(), null), null)
                .progress();
        if (progress.state().isOver()) {
            return new ChangeOutcome(progress.events(), true);
        }
        long before = progress.events();
        long locked = 0;
        Long after = Long.MIN_VALUE;
        try {
            while (after != null
                    && progress.events() < limit
                    && !progress.state().isOver() // another caller is making the same change, and was faster
                    && goOn.test(progress.events() - before)) {
                Step step = walk.step(after, progress.through(), most(Integer.MAX_VALUE, limit - progress.events()));
                if (step.part() != null) {
                    progress = step.part().progress();
                    locked += step.part().locked();
                }
                after = step.next();
            }
            boolean all = progress.events() >= limit || (after == null && locked == 0);
            return new ChangeOutcome(
                    store.end(change, all ? State.FINISHED : State.INTERRUPTED).events(), false, locked);
        } catch (RuntimeException e) {
            try {
                store.end(change, State.INTERRUPTED);
            } catch (RuntimeException also) {
                e.addSuppressed(also); // it is recorded as running; the same change id continues it nevertheless
            }
            throw e;
        }
    }

    /** How many events a change may be of: what its filter says, and no more than it expects. */
    private static long limit(EventFilter filter, Change change) {
        long limit = filter.limit() == null ? Long.MAX_VALUE : filter.limit();
        return change.expecting() == null ? limit : Math.min(limit, change.expecting());
    }

    ChangeOutcome changeDead(Action action, EventFilter dead, Change change, LongPredicate goOn) {
        return inParts(action, dead.toString(), change, limit(dead, change), goOn, (after, through, most) -> {
            OperatorStore.Stretch stretch = store.read(dead, after, through, most(BATCH, most), BATCH_BYTES);
            return new Step(
                    stretch.events().isEmpty() ? null : store.part(action, change, ids(stretch)), stretch.next());
        });
    }

    private static List<Long> ids(OperatorStore.Stretch stretch) {
        return stretch.events().stream().map(StoredRow::position).toList();
    }

    // --- Purging -----------------------------------------------------------------------------------------------------

    ChangeOutcome purge(Duration keep, Collection<Status> statuses, Change change, LongPredicate goOn) {
        if (statuses.isEmpty() || !FINISHED.containsAll(statuses)) {
            throw new IllegalArgumentException("Only published, consumed and dead events can be deleted, not "
                    + String.join(", ", statuses.stream().map(Status::code).toList()));
        }
        if (keep.isNegative()) {
            throw new IllegalArgumentException(
                    "The time to keep events must not be negative: " + DurationText.of(keep));
        }
        if (keep.compareTo(MAX_KEEP) > 0) {
            throw new IllegalArgumentException(
                    "Events are kept for at most 100 years, not for " + DurationText.of(keep));
        }
        requireAgreement();
        String what = "older than " + DurationText.of(keep) + ": "
                + String.join(", ", statuses.stream().map(Status::code).sorted().toList());
        return inParts(Action.PURGE, what, change, Long.MAX_VALUE, goOn, (after, through, most) -> {
            requireAgreement();
            OperatorStore.Part part = store.purge(change, after, keep, statuses, most(PURGE_BATCH, most));
            return new Step(part, part.next());
        });
    }

    ChangeOutcome purge(EventFilter filter, Collection<Status> statuses, Change change, LongPredicate goOn) {
        return inParts(Action.PURGE, filter.toString(), change, limit(filter, change), goOn, (after, through, most) -> {
            requireAgreement();
            OperatorStore.Stretch stretch = store.read(filter, after, through, most(BATCH, most), BATCH_BYTES);
            return new Step(
                    stretch.events().isEmpty() ? null : store.purge(change, ids(stretch), statuses), stretch.next());
        });
    }

    /** @param rows the filter's rows that are to be deleted */
    ChangeOutcome purge(Collection<Long> rows, EventFilter filter, Change change, LongPredicate goOn) {
        Set<Status> statuses = filter.status() == null ? FINISHED : Set.of(filter.status());
        TreeSet<Long> all = new TreeSet<>(rows);
        return inParts(Action.PURGE, filter.toString(), change, limit(filter, change), goOn, (after, through, most) -> {
            requireAgreement();
            List<Long> ids =
                    all.tailSet(after).stream().limit(most(PURGE_BATCH, most)).toList();
            Long next = ids.isEmpty() ? null : all.higher(ids.get(ids.size() - 1));
            return new Step(ids.isEmpty() ? null : store.purge(change, ids, statuses), next);
        });
    }

    /**
     * While relays disagree about the outbox's definition, nothing may be deleted: what is finished for one, another
     * may still send.
     */
    void requireAgreement() {
        String dispute = store.dispute();
        if (dispute != null) {
            throw new IllegalStateException("Nothing is deleted from outbox " + outbox
                    + " while relays disagree about its definition: " + dispute
                    + ". Try again an hour after the last relay with a different definition has stopped");
        }
    }
}
