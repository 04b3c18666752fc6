package dev.posthaste.jdbc;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.Admin;
import dev.posthaste.admin.AdminJournal;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ChangeProgress;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.NotedReplay;
import dev.posthaste.admin.Page;
import dev.posthaste.admin.Search;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.JournalException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** What operators see and do in an outbox whose rows keep their own status. Thread-safe. */
public final class StatusAdminJournal implements AdminJournal {
    /** Whose payloads are in memory at once, to be kept by the audit. */
    private static final int KEPT_AT_A_TIME = 10;

    private static final long MAX_LOCK_WAIT_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long LOCK_POLL_NANOS = Duration.ofMillis(50).toNanos();
    private static final List<Status> DEAD = List.of(Status.DEAD);

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final String name;
    private final OutboxDefinition outbox;
    private final Transactions transactions;
    private final StatusJournal journal;
    private final OutboxSearch search;
    private final OutboxMarks marks;
    private final LeaseTable leases;
    private final AuditTable audit;

    /**
     * @param dataSource the operators' own small pool
     * @param leases the schema that holds leases and audit, or null for the connection's own
     */
    public StatusAdminJournal(
            DataSource dataSource, Dialect dialect, OutboxDefinition outbox, @Nullable String leases) {
        this.name = outbox.name();
        this.outbox = outbox;
        this.transactions = new Transactions(dataSource, dialect);
        this.leases = new LeaseTable(dataSource, dialect, leases);
        this.journal = new StatusJournal(dataSource, dialect, outbox, this.leases);
        this.search = new OutboxSearch(dialect, outbox, new OutboxTable(dialect, outbox));
        this.marks = new OutboxMarks(dialect, outbox);
        this.audit = new AuditTable(dialect, leases);
    }

    /** The journals of all outboxes of a catalog, by name, in the catalog's order. */
    public static Map<String, AdminJournal> all(
            DataSource dataSource, Dialect dialect, Catalog catalog, @Nullable String leases) {
        Map<String, AdminJournal> journals = new LinkedHashMap<>();
        for (OutboxDefinition outbox : catalog.outboxes()) {
            journals.put(outbox.name(), new StatusAdminJournal(dataSource, dialect, outbox, leases));
        }
        return journals;
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    @Override
    public Page search(Search wanted, long before, int limit) {
        return read("search events", connection -> search.page(connection, wanted, before, limit));
    }

    @Override
    public Stretch read(Search wanted, long after, long through, int limit, long maxBytes) {
        // In a transaction, where some drivers must be to read row by row: payloads are large.
        return change("read events", connection -> search.read(connection, wanted, after, through, limit, maxBytes));
    }

    @Override
    public Tally count(Search wanted, long after, long through) {
        return read("count found events", connection -> search.count(connection, wanted, after, through));
    }

    @Override
    public Optional<EventDetails> find(long id) {
        return read("find an event", connection -> search.details(connection, id));
    }

    @Override
    public List<ErrorGroup> errors(int most) {
        return read("group dead events", connection -> search.errors(connection, most));
    }

    @Override
    public long highestId() {
        return read("find the newest event", search::highestId);
    }

    @Override
    public Map<Status, Long> counts() {
        return journal.counts();
    }

    @Override
    public Journal.Backlog backlog() {
        return journal.backlog();
    }

    @Override
    public LeaseState lease() {
        return read("read the lease", connection -> leases.state(connection, name));
    }

    @Override
    public List<AuditEntry> audit(@Nullable Long row, long before, int limit) {
        return read("read the audit", connection -> audit.list(connection, name, row, before, limit));
    }

    @Override
    public List<NotedReplay> replays(int most) {
        return read("read the audit", connection -> {
            long now = audit.now(connection);
            List<NotedReplay> replays = new ArrayList<>();
            for (AuditEntry entry : audit.list(connection, name, Action.REPLAY, most)) {
                ChangeNote note = ChangeNote.of(entry.detail());
                if (note != null) {
                    Change change = new Change(entry.actor(), entry.reason(), entry.changeId());
                    replays.add(new NotedReplay(name, change, entry.at(), note.progress(), note.isLive(now)));
                }
            }
            return replays;
        });
    }

    @Override
    public @Nullable String dispute() {
        String here = LeaseTable.definition(outbox, null);
        String first = null;
        for (LeaseTable.Candidate each : leases.candidates()) {
            if (each.outbox().equals(name)) {
                String definition = String.valueOf(each.definition());
                String seen = "relay " + each.relay() + " sees it as [" + definition + "]";
                if (!LeaseTable.withoutAfterDead(definition).equals(here)) {
                    return seen + ", here it is [" + here + "]";
                }
                if (first != null && !first.endsWith("[" + definition + "]")) {
                    return first + ", " + seen;
                }
                first = seen;
            }
        }
        return null;
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Override
    public Admin.Result change(Action action, Change change, Collection<Long> ids) {
        long end = System.nanoTime() + MAX_LOCK_WAIT_NANOS;
        while (true) {
            try {
                return changeNow(action, change, ids);
            } catch (JournalException e) {
                if (!isLockWait(e) || System.nanoTime() - end > 0) {
                    throw e;
                }
                LockSupport.parkNanos(LOCK_POLL_NANOS);
            }
        }
    }

    private Admin.Result changeNow(Action action, Change change, Collection<Long> ids) {
        return change(what(action), connection -> {
            Optional<AuditTable.Known> before = claim(connection, change, action);
            if (before.isPresent()) {
                if (before.get().own() != null) {
                    throw usedFor(change, ChangeNote.words(before.get().own()));
                }
                return new Admin.Result(before.get().events(), true);
            }
            List<Long> mine = ids.isEmpty() ? List.of() : search.lock(connection, ids, DEAD);
            if (!ids.isEmpty() && mine.size() < search.in(connection, ids, DEAD).size()) {
                throw new SQLException("some of the rows are locked", "55P03");
            }
            changeDead(connection, action, change, mine);
            return new Admin.Result(mine.size(), false);
        });
    }

    @Override
    public Part part(Action action, Change change, Collection<Long> ids) {
        return change(what(action), connection -> {
            ChangeProgress before = lock(connection, change).progress();
            if (before.state().isOver()) {
                return new Part(before, 0, null);
            }
            Set<Long> done = audit.done(connection, name, change.id(), ids);
            List<Long> open = ids.stream().filter(id -> !done.contains(id)).toList();
            List<Long> mine = open.isEmpty() ? List.of() : search.lock(connection, open, DEAD);
            int locked = mine.size() == open.size()
                    ? 0
                    : search.in(connection, open, DEAD).size() - mine.size();
            changeDead(connection, action, change, mine);
            return new Part(progressed(connection, change, before, mine.size()), Math.max(0, locked), null);
        });
    }

    private static String what(Action action) {
        return action.name().toLowerCase(Locale.ROOT) + " events";
    }

    /** The statement that changes is the judge: if it finds other rows dead than were read, all is done again. */
    private void changeDead(Connection connection, Action action, Change change, List<Long> all) throws SQLException {
        for (int from = 0; from < all.size(); from += KEPT_AT_A_TIME) {
            List<Long> ids = all.subList(from, Math.min(from + KEPT_AT_A_TIME, all.size()));
            List<FoundEvent> dead = search.dead(connection, ids);
            List<AuditTable.Changed> kept;
            int changed;
            if (action == Action.REQUEUE) {
                kept = dead.stream()
                        .map(event -> changed(event, snapshot(event)))
                        .toList();
                changed = marks.requeue(connection, ids);
            } else {
                kept = search.withPayloads(connection, dead).stream()
                        .map(details -> changed(details.event(), snapshot(details)))
                        .toList();
                changed = marks.delete(connection, ids, DEAD);
            }
            if (changed != ids.size() || changed != kept.size()) {
                throw new SQLException("somebody else is changing the same events; try again", "40001");
            }
            audit.add(connection, change, action, name, kept);
        }
    }

    private static AuditTable.Changed changed(FoundEvent event, Map<String, @Nullable Object> snapshot) {
        return new AuditTable.Changed(event.id(), event.eventId(), JSON.writeValueAsString(snapshot));
    }

    private static Map<String, @Nullable Object> snapshot(FoundEvent event) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("type", event.type());
        all.put("version", event.version());
        all.put("key", event.key());
        all.put("destination", event.destination());
        all.put("routingKey", event.routingKey());
        all.put("status", event.statusCode());
        all.put("attempts", event.attempts());
        all.put("error", event.error());
        all.put("createdAt", String.valueOf(event.createdAt()));
        return all;
    }

    private static Map<String, @Nullable Object> snapshot(EventDetails details) {
        Map<String, @Nullable Object> all = snapshot(details.event());
        all.put("headers", details.stored().headers());
        byte[] payload = details.stored().payload();
        try {
            all.put(
                    "payload",
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(payload))
                            .toString());
        } catch (CharacterCodingException e) {
            all.put("payloadBase64", Base64.getEncoder().encodeToString(payload));
        }
        return all;
    }

    @Override
    public Part purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch) {
        return change("delete old events", connection -> {
            ChangeProgress before = lock(connection, change).progress();
            if (before.state().isOver()) {
                return new Part(before, 0, null);
            }
            int[] locked = {0};
            Journal.Purged purged = journal.purge(connection, after, keep, statuses, batch, (each, old) -> {
                List<Long> mine = search.lock(each, old, statuses);
                if (mine.size() < old.size()) {
                    locked[0] = Math.max(0, search.in(each, old, statuses).size() - mine.size());
                }
                return mine.isEmpty() ? 0 : marks.delete(each, mine, statuses);
            });
            return new Part(
                    progressed(connection, change, before, purged.deleted()),
                    locked[0],
                    purged.more() ? Long.valueOf(purged.next()) : null);
        });
    }

    @Override
    public boolean pause(Change change, boolean paused) {
        return change(paused ? "pause the outbox" : "resume the outbox", connection -> {
            Action action = paused ? Action.PAUSE : Action.RESUME;
            if (claim(connection, change, action).isPresent()) {
                return true;
            }
            if (leases.pause(connection, name, paused ? change.actor() : null)) {
                audit.add(connection, change, action, name, 0, "");
            }
            return false;
        });
    }

    // --- Changes that take many transactions -------------------------------------------------------------------------

    @Override
    public Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner) {
        return change("note a change", connection -> {
            String detail = audit.lock(connection, name, change.id());
            Optional<AuditTable.Known> before = known(connection, change, action);
            long now = audit.now(connection);
            ChangeNote note = new ChangeNote(fresh, runner, now);
            if (detail == null) {
                if (before.isPresent() && before.get().own() != null) {
                    throw AuditTable.madeElsewhere(null); // it began between the two statements
                }
                if (before.isPresent()) {
                    throw usedFor(change, "of given events");
                }
                audit.add(connection, change, action, name, 0, note.detail());
                return new Taken(fresh, true, note.sign());
            }
            ChangeNote known = ChangeNote.of(detail);
            if (known == null || !known.progress().what().equals(fresh.what())) {
                throw usedFor(change, ChangeNote.words(detail));
            }
            ChangeProgress old = known.progress();
            if (old.state().isOver() || (runner != null && known.isLive(now) && !runner.equals(known.runner()))) {
                return new Taken(old, false, known.sign());
            }
            ChangeProgress mine = new ChangeProgress(
                    fresh.state(), old.what(), old.events(), old.failed(), old.through(), old.after(), fresh.plan());
            ChangeNote again = new ChangeNote(mine, runner, now);
            audit.update(connection, change, name, mine.events(), again.detail());
            return new Taken(mine, true, again.sign());
        });
    }

    @Override
    public boolean note(Change change, ChangeProgress progress, String runner) {
        return change("note a change", connection -> {
            ChangeNote known = lock(connection, change);
            if (known.progress().state().isOver() || !runner.equals(known.runner())) {
                // What was noted, but not answered, is noted.
                return runner.equals(known.runner()) && known.progress().equals(progress);
            }
            ChangeNote note = new ChangeNote(progress, runner, audit.now(connection));
            audit.update(connection, change, name, progress.events(), note.detail());
            return true;
        });
    }

    @Override
    public ChangeProgress end(Change change, ChangeProgress.State state) {
        return change("note a change", connection -> {
            ChangeNote known = lock(connection, change);
            ChangeProgress progress = known.progress();
            if (progress.state().isOver()) {
                return progress;
            }
            ChangeNote note = new ChangeNote(progress.with(state), null, audit.now(connection));
            audit.update(connection, change, name, progress.events(), note.detail());
            return note.progress();
        });
    }

    private ChangeProgress progressed(Connection connection, Change change, ChangeProgress before, long events)
            throws SQLException {
        ChangeProgress progress = before.and(events).with(ChangeProgress.State.RUNNING);
        ChangeNote note = new ChangeNote(progress, null, audit.now(connection));
        audit.update(connection, change, name, progress.events(), note.detail());
        return progress;
    }

    /** The note of a change that has begun; it stays locked until the transaction ends, so that its parts take turns. */
    private ChangeNote lock(Connection connection, Change change) throws SQLException {
        ChangeNote note = ChangeNote.of(audit.lock(connection, name, change.id()));
        if (note == null) {
            throw new IllegalStateException("The audit entry of change " + change.id() + " of outbox " + name
                    + " has been taken away while the change was being made");
        }
        return note;
    }

    /** What is known of a change; if nothing is, others that begin it wait until this transaction has ended. */
    private Optional<AuditTable.Known> claim(Connection connection, Change change, Action action) throws SQLException {
        Optional<AuditTable.Known> before = known(connection, change, action);
        if (before.isPresent()) {
            return before;
        }
        audit.claim(connection, change, action, name);
        return known(connection, change, action);
    }

    /** @throws IllegalArgumentException if the change's id was used for another action */
    private Optional<AuditTable.Known> known(Connection connection, Change change, Action action) throws SQLException {
        Optional<AuditTable.Known> known = audit.find(connection, name, change.id());
        if (known.isPresent() && known.get().action() != action) {
            throw usedFor(change, "a " + known.get().action().name().toLowerCase(Locale.ROOT));
        }
        return known;
    }

    private IllegalArgumentException usedFor(Change change, @Nullable String other) {
        return new IllegalArgumentException("Change " + change.id() + " of outbox " + name + " was something else ("
                + other + "); every change needs an id of its own");
    }

    private <T> T read(String what, Transactions.Work<T> work) {
        return transactions.statement(what + " of outbox " + name, work);
    }

    private <T> T change(String what, Transactions.Work<T> work) {
        try {
            return transactions.transaction(what + " of outbox " + name, work);
        } catch (JournalException e) {
            if (!isLockWait(e)) {
                throw e;
            }
            throw new JournalException(
                    "Cannot " + what + " of outbox " + name
                            + ": somebody else is changing the same rows and has them locked; nothing was changed, try again",
                    e.getCause());
        }
    }

    private static boolean isLockWait(JournalException e) {
        return e.getCause() instanceof SQLException cause && Dialect.isLockWait(cause);
    }
}
