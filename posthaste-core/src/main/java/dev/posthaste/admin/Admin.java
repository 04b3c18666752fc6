package dev.posthaste.admin;

import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.ChangeProgress.State;
import dev.posthaste.store.OutboxStore;
import dev.posthaste.store.StoredEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Everything that operators do with outboxes. Each change requires a {@link Change} that says who and why, and leaves its audit
 * in the transaction that makes it. Made again with the same id it changes nothing, or, if it stopped before its end, continues
 * there. Only dead events are requeued and discarded, and only published or consumed ones are replayed: the others are in a
 * relay's hands.
 *
 * <p>Thread-safe. Methods that name an outbox throw {@link UnknownOutboxException} when there is none of this name, and
 * {@link dev.posthaste.store.StoreException} when the database fails.
 */
public final class Admin {
    /** The most events that one page holds. */
    public static final int LONGEST_PAGE = 500;

    private static final int BATCH = 200;
    private static final long BATCH_BYTES = 16L << 20;
    private static final int PURGE_BATCH = 2_000;
    private static final int MAX_ERRORS = 50_000;
    private static final int SAMPLE = 10;
    private static final int MAX_REPLAYS = 100;
    private static final Duration MAX_KEEP = Duration.ofDays(36_525);

    private final Map<String, OperatorStore> stores;

    /** @param stores by the name of their outbox, in the order in which they are shown */
    public Admin(Map<String, OperatorStore> stores) {
        this.stores = new LinkedHashMap<>(stores);
    }

    /** There is no such outbox. */
    public static final class UnknownOutboxException extends IllegalArgumentException {
        private static final long serialVersionUID = 1;

        UnknownOutboxException(String name, Set<String> known) {
            super("No outbox is named '" + name + "'; there are " + String.join(", ", known));
        }
    }

    /**
     * What a change did.
     *
     * @param events by this change in all, also by earlier calls that it continues
     * @param repeated whether it had been made before as a whole, so that nothing was changed now; {@code events} is from then
     * @param locked how many events were left as they are because somebody else has them locked; the same change again tries
     *     them once more
     */
    public record Result(long events, boolean repeated, long locked) {
        /** Of a change that met no locked event. */
        public Result(long events, boolean repeated) {
            this(events, repeated, 0);
        }
    }

    /**
     * What a replay would send.
     *
     * @param counted whether all were counted; otherwise there are more
     * @param sample the first ones
     */
    public record DryRun(long events, boolean counted, List<EventDetails> sample) {}

    public Set<String> outboxes() {
        return stores.keySet();
    }

    /** The store of one outbox. */
    public OperatorStore outbox(String name) {
        OperatorStore store = stores.get(name);
        if (store == null) {
            throw new UnknownOutboxException(name, stores.keySet());
        }
        return store;
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    /**
     * @param before the {@link Page#next} of the page before, or null for the newest
     * @param limit 1 to {@value #LONGEST_PAGE}
     */
    public Page search(String outbox, Search search, @Nullable Long before, int limit) {
        if (limit < 1 || limit > LONGEST_PAGE) {
            throw new IllegalArgumentException("A page has 1 to " + LONGEST_PAGE + " events, not " + limit);
        }
        return outbox(outbox).search(search, before == null ? Long.MAX_VALUE : before, limit);
    }

    public Optional<EventDetails> find(String outbox, long id) {
        return outbox(outbox).find(id);
    }

    /** What is waiting and what is dead. Exact, and read from those events alone. */
    public OutboxStore.Backlog backlog(String outbox) {
        return outbox(outbox).backlog();
    }

    /** Every status with its number. Exact, and reads the whole outbox. */
    public Map<Status, Long> counts(String outbox) {
        return outbox(outbox).counts();
    }

    public LeaseState lease(String outbox) {
        return outbox(outbox).lease();
    }

    /** The newest 50,000 dead events by what their errors say, the largest group first. */
    public List<ErrorGroup> errors(String outbox) {
        return outbox(outbox).errors(MAX_ERRORS);
    }

    /**
     * What was done, newest first.
     *
     * @param outbox null for all; then pages cannot be continued, and the newest {@code limit} of each are merged
     * @param row only what was done to this event, or null
     * @param before entries below this id, or null for the newest
     */
    public List<AuditEntry> audit(@Nullable String outbox, @Nullable Long row, @Nullable Long before, int limit) {
        long below = before == null ? Long.MAX_VALUE : before;
        if (outbox != null) {
            return outbox(outbox).audit(row, below, limit);
        }
        List<AuditEntry> all = new ArrayList<>();
        stores.values().forEach(store -> all.addAll(store.audit(row, below, limit)));
        all.sort(Comparator.comparing(AuditEntry::at).reversed());
        return all.subList(0, Math.min(limit, all.size()));
    }

    // --- Mending -----------------------------------------------------------------------------------------------------

    /**
     * Sends dead events again, with no attempts counted; those that are not dead stay as they are. One transaction.
     *
     * @throws dev.posthaste.store.StoreException also if somebody else has a row locked for seconds
     */
    public Result requeue(String outbox, Collection<Long> ids, Change change) {
        return outbox(outbox).change(Action.REQUEUE, change, ids);
    }

    /**
     * Deletes dead events; the audit keeps each with its payload. Those that are not dead stay as they are. One transaction.
     *
     * @throws dev.posthaste.store.StoreException also if somebody else has a row locked for seconds
     */
    public Result discard(String outbox, Collection<Long> ids, Change change) {
        return outbox(outbox).change(Action.DISCARD, change, ids);
    }

    /**
     * Sends all dead events again that are found now, some hundred in a transaction; oldest first, so that those of one key
     * come in their order. Rows that somebody else has locked are left out, see {@link Result#locked}. If it ends before
     * all are done, because of {@code goOn}, of locked rows, of a failure or of a crash, the same change again continues it:
     * no event is changed twice, also if it has died again meanwhile.
     *
     * @param goOn is told how many this call has done, and may say that it is enough
     * @throws IllegalArgumentException if the change's id was used for something else
     */
    public Result requeue(String outbox, Search search, Change change, LongPredicate goOn) {
        return each(outbox(outbox), Action.REQUEUE, search, change, goOn);
    }

    /** As {@link #requeue(String, Search, Change, LongPredicate)}, but deletes them. */
    public Result discard(String outbox, Search search, Change change, LongPredicate goOn) {
        return each(outbox(outbox), Action.DISCARD, search, change, goOn);
    }

    private static Result each(OperatorStore store, Action action, Search search, Change change, LongPredicate goOn) {
        Search dead = search.withStatus(Status.DEAD);
        return inParts(store, action, dead.toString(), change, goOn, (after, through) -> {
            OperatorStore.Stretch stretch = store.read(dead, after, through, BATCH, BATCH_BYTES);
            OperatorStore.Part part = stretch.events().isEmpty()
                    ? null
                    : store.part(
                            action,
                            change,
                            stretch.events().stream().map(StoredEvent::id).toList());
            return new Step(part, stretch.next());
        });
    }

    private interface Walk {
        Step step(long after, long through);
    }

    /** @param next where the walk continues; null at its end */
    private record Step(
            OperatorStore.@Nullable Part part, @Nullable Long next) {}

    /** Begins or continues a change, and notes how it ended; a change that is over is left alone. */
    private static Result inParts(
            OperatorStore store, Action action, String what, Change change, LongPredicate goOn, Walk walk) {
        ChangeProgress progress = store.take(change, action, ChangeProgress.begin(what, store.highestId(), null), null)
                .progress();
        if (progress.state().isOver()) {
            return new Result(progress.events(), true, 0);
        }
        long before = progress.events();
        long locked = 0;
        Long after = Long.MIN_VALUE;
        try {
            while (after != null
                    && !progress.state().isOver() // somebody else has the same change in hand, and was faster
                    && goOn.test(progress.events() - before)) {
                Step step = walk.step(after, progress.through());
                if (step.part() != null) {
                    progress = step.part().progress();
                    locked += step.part().locked();
                }
                after = step.next();
            }
            boolean all = after == null && locked == 0;
            return new Result(
                    store.end(change, all ? State.FINISHED : State.INTERRUPTED).events(), false, locked);
        } catch (RuntimeException e) {
            try {
                store.end(change, State.INTERRUPTED);
            } catch (RuntimeException also) {
                e.addSuppressed(also); // it is said to be running; the same change id continues it all the same
            }
            throw e;
        }
    }

    /**
     * Deletes settled events that are older than {@code keep}, as retention does. Locked rows, ends and continuations are as in
     * {@link #requeue(String, Search, Change, LongPredicate)}.
     *
     * @param statuses of published, consumed and dead; at least one
     * @param goOn is told how many this call has done, and may say that it is enough
     * @throws IllegalStateException if relays do not agree about what the outbox is: then retention deletes nothing either
     */
    public Result purge(String outbox, Duration keep, Collection<Status> statuses, Change change, LongPredicate goOn) {
        if (statuses.isEmpty() || statuses.contains(Status.PENDING)) {
            throw new IllegalArgumentException("Only published, consumed and dead events can be deleted, not "
                    + String.join(", ", statuses.stream().map(Status::code).toList()));
        }
        if (keep.isNegative()) {
            throw new IllegalArgumentException("What is to be kept cannot be younger than now: " + keep);
        }
        if (keep.compareTo(MAX_KEEP) > 0) {
            throw new IllegalArgumentException("Events are kept for 100 years at most, not for " + keep);
        }
        OperatorStore store = outbox(outbox);
        requireAgreement(outbox, store);
        String what = "older than " + keep + ": "
                + String.join(", ", statuses.stream().map(Status::code).sorted().toList());
        return inParts(store, Action.PURGE, what, change, goOn, (after, through) -> {
            requireAgreement(outbox, store);
            OperatorStore.Part part = store.purge(change, after, keep, statuses, PURGE_BATCH);
            return new Step(part, part.next());
        });
    }

    private static void requireAgreement(String outbox, OperatorStore store) {
        String dispute = store.dispute();
        if (dispute != null) {
            throw new IllegalStateException(
                    "Nothing is deleted from outbox " + outbox + " while relays do not agree about what" + " it is: "
                            + dispute + ". Try again an hour after the last relay that sees it otherwise");
        }
    }

    /**
     * Tells all relays to stop publishing from an outbox. What is at the broker is still settled; the last of it may take as
     * long as the relay's publish timeout. Nothing happens to one that is paused.
     */
    public Result pause(String outbox, Change change) {
        return pause(outbox, change, true);
    }

    /** Lets relays go on with a paused outbox. Nothing happens to one that is not paused. */
    public Result resume(String outbox, Change change) {
        return pause(outbox, change, false);
    }

    private Result pause(String outbox, Change change, boolean paused) {
        return new Result(0, outbox(outbox).pause(change, paused), 0);
    }

    // --- Replaying ---------------------------------------------------------------------------------------------------

    /**
     * Says what a replay would send, and sends nothing.
     *
     * @param goOn is told how many are counted, and may say that it is enough
     */
    public DryRun dryRun(String outbox, ReplaySelection selection, LongPredicate goOn) {
        OperatorStore store = outbox(outbox);
        long through = store.highestId();
        if (!selection.ids().isEmpty()) {
            List<EventDetails> found = selection.ids().stream()
                    .flatMap(id -> store.find(id).stream())
                    .filter(details -> ReplaySelection.allows(details.event()))
                    .toList();
            return new DryRun(found.size(), true, found.subList(0, Math.min(SAMPLE, found.size())));
        }
        long count = 0;
        Long after = Long.MIN_VALUE;
        while (after != null && goOn.test(count)) {
            OperatorStore.Tally tally = store.count(selection.search(), after, through);
            count += tally.events();
            after = tally.next();
        }
        return new DryRun(count, after == null, sample(store, selection, through));
    }

    private static List<EventDetails> sample(OperatorStore store, ReplaySelection selection, long through) {
        Long after = Long.MIN_VALUE;
        while (after != null) {
            OperatorStore.Stretch stretch = store.read(selection.search(), after, through, SAMPLE, Long.MAX_VALUE);
            if (!stretch.events().isEmpty()) {
                return stretch.events().stream()
                        .flatMap(event -> store.find(event.id()).stream())
                        .toList();
            }
            after = stretch.next();
        }
        return List.of();
    }

    /** The newest replays of an outbox, whoever ran them, newest first. */
    public List<NotedReplay> replays(String outbox) {
        return outbox(outbox).replays(MAX_REPLAYS);
    }
}
