package dev.posthaste.testkit.internal;

import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.internal.admin.ChangeOutcome;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.DeadGroup;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.admin.LeaseRow;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.json.Json;
import dev.posthaste.internal.store.Claim;
import dev.posthaste.internal.store.OutboxStore;
import dev.posthaste.internal.store.StoredRow;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** An {@link InMemoryStore} as operators use it, with an audit in memory. Thread-safe: it holds the store's lock. */
final class InMemoryOperators implements OperatorStore {
    private final String outbox;
    private final InMemoryStore store;
    private final Supplier<@Nullable Claim> owner;
    private final InMemorySearch search;
    private final InMemoryAudit audit;
    private @Nullable String pausedBy;

    InMemoryOperators(String outbox, InMemoryStore store, Supplier<@Nullable Claim> owner) {
        this.outbox = outbox;
        this.store = store;
        this.owner = owner;
        this.search = new InMemorySearch(store);
        this.audit = new InMemoryAudit(outbox, search);
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    @Override
    public FoundPage search(EventFilter wanted, long before, int limit) {
        synchronized (store) {
            List<FoundEvent> all = search.found(wanted)
                    .filter(event -> event.id() < before)
                    .sorted(Comparator.comparingLong(FoundRow::id).reversed())
                    .limit(limit)
                    .map(FoundEvent.class::cast)
                    .toList();
            return new FoundPage(
                    all, all.size() < limit ? null : all.get(limit - 1).position());
        }
    }

    @Override
    public Stretch read(EventFilter wanted, long after, long through, int limit, long maxBytes) {
        synchronized (store) {
            List<StoredRow> events = new ArrayList<>();
            long bytes = 0;
            for (FoundRow each : search.found(wanted)
                    .filter(event -> event.id() > after && event.id() <= through)
                    .toList()) {
                InMemoryEvent event = Objects.requireNonNull(store.get(each.id()));
                bytes += event.bytes();
                if (events.size() == limit || (bytes > maxBytes && !events.isEmpty())) {
                    return new Stretch(events, events.get(events.size() - 1).position());
                }
                events.add(event.stored);
            }
            return new Stretch(events, null);
        }
    }

    @Override
    public Tally count(EventFilter wanted, long after, long through) {
        synchronized (store) {
            long count = search.found(wanted)
                    .filter(event -> event.id() > after && event.id() <= through)
                    .count();
            return new Tally(count, null);
        }
    }

    @Override
    public Optional<FoundRow> find(long id) {
        synchronized (store) {
            return Optional.ofNullable(store.get(id))
                    .map(event -> search.found(event).with(event.stored));
        }
    }

    @Override
    public List<FoundRow> find(Collection<Long> ids) {
        synchronized (store) {
            return store.those(ids)
                    .map(search::found)
                    .sorted(Comparator.comparingLong(FoundRow::id))
                    .toList();
        }
    }

    @Override
    public List<ErrorGroup> errors(int most) {
        synchronized (store) {
            Map<List<String>, DeadGroup> groups = new LinkedHashMap<>();
            for (FoundEvent event : search(EventFilter.status(Status.DEAD), Long.MAX_VALUE, most)
                    .events()) {
                String group = DeadGroup.of(event.error());
                groups.merge(
                        List.of(event.type(), group),
                        new DeadGroup(group, event.type(), 1, event.error(), event.position(), event.createdAt()),
                        (newer, older) -> newer.andOneMore());
            }
            return groups.values().stream()
                    .map(ErrorGroup.class::cast)
                    .sorted(Comparator.comparingLong(ErrorGroup::events).reversed())
                    .toList();
        }
    }

    @Override
    public long highestId() {
        return store.lastId().orElse(0);
    }

    @Override
    public Map<Status, Long> counts() {
        synchronized (store) {
            Map<Status, Long> counts = new EnumMap<>(Status.class);
            for (Status status : Status.values()) {
                counts.put(status, store.all().filter(event -> event.is(status)).count());
            }
            return counts;
        }
    }

    @Override
    public OutboxStore.Backlog backlog() {
        return store.backlog();
    }

    @Override
    public LeaseState lease() {
        synchronized (store) {
            Claim claim = owner.get();
            return claim == null
                    ? new LeaseRow(outbox, null, 0, Duration.ZERO, pausedBy, List.of())
                    : new LeaseRow(
                            outbox,
                            claim.owner(),
                            claim.epoch(),
                            Duration.ofMinutes(1),
                            pausedBy,
                            List.of(claim.owner()));
        }
    }

    @Override
    public List<AuditEntry> audit(@Nullable Long row, long before, int limit) {
        synchronized (store) {
            return audit.entries(row, before, limit);
        }
    }

    @Override
    public List<NotedReplay> replays(int most) {
        synchronized (store) {
            return audit.replays(most);
        }
    }

    @Override
    public @Nullable String dispute() {
        return null;
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Override
    public ChangeOutcome change(Action action, Change change, Collection<Long> ids) {
        synchronized (store) {
            List<AuditEntry> before = audit.of(change);
            audit.requireSame(
                    before.stream().allMatch(entry -> entry.action() == action && entry.position() != null), change);
            if (!before.isEmpty()) {
                return new ChangeOutcome(before.size(), true);
            }
            long dead = store.those(ids).filter(event -> event.is(Status.DEAD)).count();
            if (change.expecting() != null && change.expecting() != dead) {
                throw new UnexpectedCountException(outbox, change.expecting(), dead);
            }
            changeDead(action, change, ids);
            return new ChangeOutcome(dead, false);
        }
    }

    @Override
    public boolean knows(Change change) {
        synchronized (store) {
            return !audit.of(change).isEmpty();
        }
    }

    private List<InMemoryEvent> changeDead(Action action, Change change, Collection<Long> ids) {
        List<InMemoryEvent> dead =
                store.those(ids).filter(event -> event.is(Status.DEAD)).toList();
        for (InMemoryEvent event : dead) {
            audit.add(change, action, event, 1, snapshot(event));
            if (action == Action.REQUEUE) {
                event.requeue(store.now());
            } else {
                store.remove(event);
            }
        }
        return dead;
    }

    private static String snapshot(InMemoryEvent event) {
        String payload = new String(event.stored.payload(), StandardCharsets.UTF_8);
        return Json.write(Map.of("payload", payload, "error", String.valueOf(event.error)));
    }

    @Override
    public boolean pause(Change change, boolean paused) {
        synchronized (store) {
            Action action = paused ? Action.PAUSE : Action.RESUME;
            List<AuditEntry> before = audit.of(change);
            audit.requireSame(before.stream().allMatch(entry -> entry.action() == action), change);
            if (before.isEmpty() && paused != (pausedBy != null)) {
                pausedBy = paused ? change.actor() : null;
                audit.add(change, action, null, 0, "");
            }
            return !before.isEmpty();
        }
    }

    // --- Changes that take many transactions -------------------------------------------------------------------------

    @Override
    public Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner) {
        synchronized (store) {
            return audit.take(change, action, fresh, runner);
        }
    }

    @Override
    public boolean note(Change change, ChangeProgress progress, String runner) {
        synchronized (store) {
            return audit.note(change, progress, runner);
        }
    }

    @Override
    public ChangeProgress end(Change change, ChangeProgress.State state) {
        synchronized (store) {
            return audit.end(change, state);
        }
    }

    @Override
    public Part part(Action action, Change change, Collection<Long> ids) {
        synchronized (store) {
            InMemoryAudit.Noted known = audit.known(change);
            if (known.progress.state().isOver()) {
                return new Part(known.progress, 0, null);
            }
            List<Long> open = ids.stream().filter(known.done::add).toList();
            audit.progress(
                    known, known.progress.and(changeDead(action, change, open).size()));
            return new Part(known.progress, 0, null);
        }
    }

    @Override
    public Part purge(Change change, Collection<Long> ids, Collection<Status> statuses) {
        synchronized (store) {
            InMemoryAudit.Noted known = audit.known(change);
            if (known.progress.state().isOver()) {
                return new Part(known.progress, 0, null);
            }
            List<InMemoryEvent> mine = store.those(ids)
                    .filter(event -> statuses.stream().anyMatch(event::is))
                    .toList();
            mine.forEach(store::remove);
            audit.progress(known, known.progress.and(mine.size()));
            return new Part(known.progress, 0, null);
        }
    }

    @Override
    public Part purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch) {
        synchronized (store) {
            InMemoryAudit.Noted known = audit.known(change);
            if (known.progress.state().isOver()) {
                return new Part(known.progress, 0, null);
            }
            OutboxStore.Forgotten forgotten = store.forget(keep, after, statuses, batch);
            audit.progress(known, known.progress.and(forgotten.events()));
            return new Part(known.progress, 0, forgotten.more() ? Long.valueOf(forgotten.next()) : null);
        }
    }
}
