package dev.posthaste.testkit.internal;

import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.internal.admin.AuditRow;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.OperatorStore.Taken;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The changes that operators made to an outbox in memory. Not thread-safe: its user holds the store's lock. */
final class InMemoryAudit {
    private final String outbox;
    private final InMemorySearch search;
    private final List<AuditEntry> entries = new ArrayList<>();
    private final Map<String, Noted> noted = new HashMap<>();

    /** A change that takes many transactions. */
    static final class Noted {
        final Action action;
        final Change change;
        final Instant begunAt;
        final Set<Long> done = new HashSet<>();
        ChangeProgress progress;

        @Nullable
        String runner;

        Noted(Action action, Change change, Instant begunAt, ChangeProgress progress, @Nullable String runner) {
            this.action = action;
            this.change = change;
            this.begunAt = begunAt;
            this.progress = progress;
            this.runner = runner;
        }
    }

    InMemoryAudit(String outbox, InMemorySearch search) {
        this.outbox = outbox;
        this.search = search;
    }

    List<AuditEntry> entries(@Nullable Long row, long before, int limit) {
        return entries.stream()
                .filter(entry -> entry.id() < before && (row == null || row.equals(entry.position())))
                .sorted(Comparator.comparingLong(AuditEntry::id).reversed())
                .limit(limit)
                .toList();
    }

    List<NotedReplay> replays(int most) {
        return noted.values().stream()
                .filter(each -> each.action == Action.REPLAY)
                .sorted(Comparator.comparing((Noted each) -> each.begunAt).reversed())
                .limit(most)
                .map(each -> new NotedReplay(outbox, each.change, each.begunAt, each.progress, each.runner != null))
                .toList();
    }

    /** The entries that this very change has made. */
    List<AuditEntry> of(Change change) {
        return entries.stream()
                .filter(entry -> entry.changeId().equals(change.id()))
                .toList();
    }

    void requireSame(boolean same, Change change) {
        if (!same) {
            throw new IllegalArgumentException("Change " + change.id() + " of outbox " + outbox
                    + " was something else; every change needs its own id");
        }
    }

    void add(Change change, Action action, @Nullable InMemoryEvent event, long events, @Nullable String detail) {
        entries.add(new AuditRow(
                entries.size() + 1,
                search.now(),
                change.id(),
                change.actor(),
                action,
                outbox,
                event == null ? null : event.id(),
                event == null ? null : event.stored.eventId(),
                events,
                change.reason(),
                detail));
    }

    // --- Changes that take many transactions -------------------------------------------------------------------------

    Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner) {
        Noted known = noted.get(change.id());
        if (known == null) {
            requireSame(of(change).isEmpty(), change);
            noted.put(change.id(), new Noted(action, change, search.now(), fresh, runner));
            add(change, action, null, 0, fresh.toString());
            return new Taken(fresh, true, String.valueOf(runner));
        }
        requireSame(known.action == action && known.progress.what().equals(fresh.what()), change);
        boolean another = runner != null && known.runner != null && !runner.equals(known.runner);
        if (known.progress.state().isOver() || another) {
            return new Taken(known.progress, false, String.valueOf(known.runner));
        }
        known.runner = runner;
        progress(known, known.progress.with(fresh.state()));
        return new Taken(known.progress, true, String.valueOf(runner));
    }

    Noted known(Change change) {
        return Objects.requireNonNull(noted.get(change.id()), change.id());
    }

    void progress(Noted known, ChangeProgress progress) {
        known.progress = progress;
        entries.replaceAll(entry -> entry.changeId().equals(known.change.id()) && entry.position() == null
                ? new AuditRow(
                        entry.id(),
                        entry.at(),
                        entry.changeId(),
                        entry.actor(),
                        entry.action(),
                        outbox,
                        null,
                        null,
                        progress.events(),
                        entry.reason(),
                        progress.toString())
                : entry);
    }

    boolean note(Change change, ChangeProgress progress, String runner) {
        Noted known = known(change);
        boolean mine = runner.equals(known.runner);
        if (!mine || known.progress.state().isOver()) {
            return mine && known.progress.equals(progress);
        }
        progress(known, progress);
        return true;
    }

    ChangeProgress end(Change change, ChangeProgress.State state) {
        Noted known = known(change);
        if (!known.progress.state().isOver()) {
            known.runner = null;
            progress(known, known.progress.with(state));
        }
        return known.progress;
    }
}
