package dev.posthaste.internal.admin;

import dev.posthaste.Backlog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeResult;
import dev.posthaste.admin.DryRun;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.EventPage;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.OutboxAdmin;
import dev.posthaste.admin.UnexpectedCountException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What operators do with an outbox, through its store. Besides the interface's methods it has those that a daemon
 * needs: with pages from any row, with {@code goOn}, which gets the number of events done so far and decides whether to
 * continue, and with rules that are not filters. Thread-safe.
 */
public final class StoreOutboxAdmin implements OutboxAdmin {
    /** The most events that one page holds. */
    public static final int MAX_PAGE = 500;

    private static final int PAGE = 100;
    private static final int MAX_ERRORS = 50_000;
    private static final int SAMPLE = 10;
    private static final int MAX_REPLAYS = 100;
    private static final LongPredicate TO_THE_END = done -> true;

    private final OutboxDefinition definition;
    private final OperatorStore store;
    private final BatchedChanges batches;

    public StoreOutboxAdmin(OutboxDefinition definition, OperatorStore store) {
        this.definition = definition;
        this.store = store;
        this.batches = new BatchedChanges(definition.name(), store);
    }

    public OutboxDefinition definition() {
        return definition;
    }

    public OperatorStore store() {
        return store;
    }

    /** An interrupted thread stops a change between two transactions, and is interrupted again when the change is noted. */
    private static <T> T untilInterrupted(Function<LongPredicate, T> work) {
        boolean[] interrupted = {false};
        try {
            return work.apply(done -> {
                interrupted[0] |= Thread.interrupted();
                return !interrupted[0];
            });
        } finally {
            if (interrupted[0]) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    @Override
    public Map<Status, Long> counts() {
        return store.counts();
    }

    @Override
    public Backlog backlog() {
        return store.backlog();
    }

    @Override
    public LeaseState lease() {
        return store.lease();
    }

    /** @param next the row below which the next page begins; null at the end */
    private record Page(
            EventFilter filter,
            List<FoundEvent> events,
            @Nullable Long next) implements EventPage {
        @Override
        public boolean hasNext() {
            return next != null;
        }
    }

    @Override
    public EventPage search(EventFilter filter) {
        return page(filter, Long.MAX_VALUE);
    }

    @Override
    public EventPage next(EventPage page) {
        if (!(page instanceof Page before)) {
            throw new IllegalArgumentException("The page is not one that this search has returned");
        }
        return before.next == null ? new Page(before.filter, List.of(), null) : page(before.filter, before.next);
    }

    private Page page(EventFilter filter, long before) {
        FoundPage found = search(filter, before, filter.limit() == null ? PAGE : filter.limit());
        return new Page(filter, found.events(), found.next());
    }

    /**
     * @param before the {@link FoundPage#next} of the page before; null for the newest
     * @param limit 1 to {@value #MAX_PAGE}
     */
    public FoundPage search(EventFilter filter, @Nullable Long before, int limit) {
        if (limit < 1 || limit > MAX_PAGE) {
            throw new IllegalArgumentException("A page has 1 to " + MAX_PAGE + " events, not " + limit);
        }
        long below = before == null ? Long.MAX_VALUE : before;
        if (filter.positions().isEmpty()) {
            return store.search(filter, below, limit);
        }
        List<FoundEvent> page = given(filter)
                .filter(event -> event.id() < below)
                .sorted(Comparator.comparingLong(FoundRow::id).reversed())
                .limit(limit)
                .map(FoundEvent.class::cast)
                .toList();
        return new FoundPage(
                page, page.size() < limit ? null : page.get(limit - 1).position());
    }

    /** The events at the filter's positions that match it, oldest first. */
    private Stream<FoundRow> given(EventFilter filter) {
        return store.find(filter.positions()).stream().filter(event -> event.matches(filter));
    }

    @Override
    public Optional<FoundEvent> find(long position) {
        return store.find(position).map(event -> event);
    }

    @Override
    public List<ErrorGroup> errors() {
        return store.errors(MAX_ERRORS);
    }

    @Override
    public List<AuditEntry> audit() {
        return audit(null, null, MAX_PAGE);
    }

    /**
     * @param row only what was done to this event, or null
     * @param before entries below this id, or null for the newest
     */
    public List<AuditEntry> audit(@Nullable Long row, @Nullable Long before, int limit) {
        return store.audit(row, before == null ? Long.MAX_VALUE : before, limit);
    }

    /** The newest replays, whoever ran them, newest first. */
    public List<NotedReplay> replays() {
        return store.replays(MAX_REPLAYS);
    }

    // --- Counting ----------------------------------------------------------------------------------------------------

    @Override
    public DryRun dryRun(EventFilter filter) {
        return untilInterrupted(goOn -> dryRun(filter, goOn));
    }

    public DryRun dryRun(EventFilter filter, LongPredicate goOn) {
        return dryRun(filter, Set.of(), goOn);
    }

    /** @param statuses one of which a given event must have; any status if there are none */
    public DryRun dryRun(EventFilter filter, Set<Status> statuses, LongPredicate goOn) {
        long limit = filter.limit() == null ? Long.MAX_VALUE : filter.limit();
        if (!filter.positions().isEmpty()) {
            List<FoundEvent> found = given(filter)
                    .filter(event -> statuses.isEmpty() || statuses.contains(event.status()))
                    .limit(limit)
                    .map(FoundEvent.class::cast)
                    .toList();
            return new EventCount(found.size(), true, found.subList(0, Math.min(SAMPLE, found.size())));
        }
        long through = store.highestId();
        long count = 0;
        Long after = Long.MIN_VALUE;
        while (after != null && count < limit && goOn.test(count)) {
            OperatorStore.Tally tally = store.count(filter, after, through);
            count += tally.events();
            after = tally.next();
        }
        return new EventCount(Math.min(count, limit), after == null || count >= limit, sample(filter, through, (int)
                Math.min(SAMPLE, limit)));
    }

    private List<FoundEvent> sample(EventFilter filter, long through, int most) {
        Long after = Long.MIN_VALUE;
        while (after != null) {
            OperatorStore.Stretch stretch = store.read(filter, after, through, most, Long.MAX_VALUE);
            if (!stretch.events().isEmpty()) {
                return stretch.events().stream()
                        .flatMap(event -> find(event.position()).stream())
                        .toList();
            }
            after = stretch.next();
        }
        return List.of();
    }

    /**
     * Counts the events of a change, if it expects a number and has not begun.
     *
     * @param statuses as in {@link #dryRun(EventFilter, Set, LongPredicate)}
     * @throws UnexpectedCountException if there are more or fewer events
     */
    public void requireExpected(EventFilter filter, Set<Status> statuses, Change change) {
        Long expected = change.expecting();
        if (expected != null && !store.knows(change)) {
            long events = dryRun(filter, statuses, TO_THE_END).events();
            if (events != expected) {
                throw new UnexpectedCountException(definition.name(), expected, events);
            }
        }
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Override
    public ChangeResult requeue(EventFilter filter, Change change) {
        return untilInterrupted(goOn -> requeue(filter, change, goOn));
    }

    public ChangeResult requeue(EventFilter filter, Change change, LongPredicate goOn) {
        return changeDead(Action.REQUEUE, filter, change, goOn);
    }

    @Override
    public ChangeResult discard(EventFilter filter, Change change) {
        return untilInterrupted(goOn -> discard(filter, change, goOn));
    }

    public ChangeResult discard(EventFilter filter, Change change, LongPredicate goOn) {
        return changeDead(Action.DISCARD, filter, change, goOn);
    }

    private ChangeResult changeDead(Action action, EventFilter filter, Change change, LongPredicate goOn) {
        if (!filter.positions().isEmpty()) {
            return store.change(action, change, rows(filter, Set.of(Status.DEAD)));
        }
        if (filter.status() != Status.DEAD) {
            throw new IllegalArgumentException("Only dead events are "
                    + (action == Action.REQUEUE ? "requeued" : "discarded") + ", not " + filter
                    + ": say EventFilter.status(Status.DEAD), or positions");
        }
        requireExpected(filter, Set.of(), change);
        return batches.changeDead(action, filter, change, goOn);
    }

    /**
     * The filter's positions; where it has other criteria, those of events that match them and have one of these
     * statuses.
     */
    private Collection<Long> rows(EventFilter filter, Set<Status> statuses) {
        if (filter.equals(EventFilter.positions(
                filter.positions().stream().mapToLong(Long::longValue).toArray()))) {
            return filter.positions();
        }
        return given(filter)
                .filter(event -> statuses.contains(event.status()))
                .map(FoundRow::id)
                .limit(filter.limit() == null ? Long.MAX_VALUE : filter.limit())
                .toList();
    }

    @Override
    public ChangeResult purge(EventFilter filter, Change change) {
        return untilInterrupted(goOn -> purge(filter, change, goOn));
    }

    private ChangeResult purge(EventFilter filter, Change change, LongPredicate goOn) {
        Set<Status> statuses = filter.status() == null ? BatchedChanges.FINISHED : Set.of(filter.status());
        if (filter.positions().isEmpty()
                && !(filter.status() != null && BatchedChanges.FINISHED.containsAll(statuses))) {
            throw new IllegalArgumentException("Only published, consumed and dead events can be deleted, not " + filter
                    + ": say which status, or positions");
        }
        batches.requireAgreement();
        requireExpected(filter, statuses, change);
        return filter.positions().isEmpty()
                ? batches.purge(filter, statuses, change, goOn)
                : batches.purge(rows(filter, statuses), filter, change, goOn);
    }

    /**
     * Deletes finished events that reached their status longer ago than {@code keep}, as retention does.
     *
     * @param statuses of published, consumed and dead; at least one
     * @throws IllegalStateException if relays disagree about the outbox's definition
     */
    public ChangeResult purge(Duration keep, Set<Status> statuses, Change change, LongPredicate goOn) {
        return batches.purge(keep, statuses, change, goOn);
    }

    @Override
    public ChangeResult pause(Change change) {
        return new ChangeOutcome(0, store.pause(change, true));
    }

    @Override
    public ChangeResult resume(Change change) {
        return new ChangeOutcome(0, store.pause(change, false));
    }
}
