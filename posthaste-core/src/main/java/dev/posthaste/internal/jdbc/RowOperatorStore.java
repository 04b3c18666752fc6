package dev.posthaste.internal.jdbc;

import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.StoreException;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.UnexpectedCountException;
import dev.posthaste.internal.admin.ChangeOutcome;
import dev.posthaste.internal.admin.ChangeProgress;
import dev.posthaste.internal.admin.FoundPage;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.admin.NotedReplay;
import dev.posthaste.internal.admin.OperatorStore;
import dev.posthaste.internal.admin.Waiting;
import dev.posthaste.internal.store.OutboxStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What operators see and do in an outbox whose rows keep their own status. Thread-safe. */
public final class RowOperatorStore implements OperatorStore {
    /** How many events' payloads are in memory at the same time, to be kept by the audit. */
    private static final int KEPT_AT_A_TIME = 10;

    private static final long MAX_LOCK_WAIT_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long LOCK_POLL_NANOS = Duration.ofMillis(50).toNanos();
    private static final List<Status> DEAD = List.of(Status.DEAD);

    private final Waiting waiting;
    private final String name;
    private final OutboxDefinition outbox;
    private final JdbcTransactions transactions;
    private final RowStore store;
    private final RowSearch search;
    private final DeadRows deadRows;
    private final RowRetention retention;
    private final LeaseTable leases;
    private final AuditTable audit;
    private final ChangeNotes notes;

    /**
     * @param dataSource the operators' own small pool
     * @param leases the schema that holds leases and audit, or null for the connection's own
     */
    public RowOperatorStore(DataSource dataSource, Dialect dialect, OutboxDefinition outbox, @Nullable String leases) {
        this(dataSource, dialect, outbox, leases, Waiting.REAL);
    }

    /** @param waiting how it waits for rows that another transaction has locked */
    public RowOperatorStore(
            DataSource dataSource, Dialect dialect, OutboxDefinition outbox, @Nullable String leases, Waiting waiting) {
        this.waiting = waiting;
        this.name = outbox.name();
        this.outbox = outbox;
        this.transactions = new JdbcTransactions(dataSource, dialect);
        this.leases = new LeaseTable(dataSource, dialect, leases);
        this.store = new RowStore(dataSource, dialect, outbox, this.leases);
        RowSql sql = new RowSql(dialect, outbox);
        this.search = new RowSearch(sql, new RowReads(sql));
        this.deadRows = new DeadRows(sql);
        this.retention = new RowRetention(sql);
        this.audit = new AuditTable(dialect, leases);
        this.notes = new ChangeNotes(audit, name);
    }

    // --- Looking -----------------------------------------------------------------------------------------------------

    @Override
    public FoundPage search(EventFilter wanted, long before, int limit) {
        return read("search events", connection -> search.page(connection, wanted, before, limit));
    }

    @Override
    public Stretch read(EventFilter wanted, long after, long through, int limit, long maxBytes) {
        // In a transaction, which some drivers need to read row by row: payloads are large.
        return change("read events", connection -> search.read(connection, wanted, after, through, limit, maxBytes));
    }

    @Override
    public Tally count(EventFilter wanted, long after, long through) {
        return read("count found events", connection -> search.count(connection, wanted, after, through));
    }

    @Override
    public Optional<FoundRow> find(long id) {
        return read("find an event", connection -> search.details(connection, id));
    }

    @Override
    public List<FoundRow> find(Collection<Long> ids) {
        return read("find events", connection -> search.events(connection, ids));
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
        return store.counts();
    }

    @Override
    public OutboxStore.Backlog backlog() {
        return store.backlog();
    }

    @Override
    public LeaseState lease() {
        return read("read the lease", connection -> leases.state(connection, name));
    }

    @Override
    public List<AuditEntry> audit(@Nullable Long row, long before, int limit) {
        return List.copyOf(read("read the audit", connection -> audit.list(connection, name, row, before, limit)));
    }

    @Override
    public List<NotedReplay> replays(int most) {
        return read("read the audit", connection -> notes.replays(connection, most));
    }

    @Override
    public @Nullable String dispute() {
        String here = LeaseTable.definition(outbox, null);
        String first = null;
        for (LeaseTable.Candidate each : leases.candidates()) {
            if (each.outbox().equals(name)) {
                String definition = String.valueOf(each.definition());
                String seen = "relay " + each.relay() + " is configured with [" + definition + "]";
                if (!LeaseTable.withoutAfterDead(definition).equals(here)) {
                    return seen + ", but this process with [" + here + "]";
                }
                if (first != null && !first.endsWith("[" + definition + "]")) {
                    return first + ", but " + seen;
                }
                first = seen;
            }
        }
        return null;
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Override
    public ChangeOutcome change(Action action, Change change, Collection<Long> ids) {
        long end = waiting.nanoTime() + MAX_LOCK_WAIT_NANOS;
        while (true) {
            try {
                return changeNow(action, change, ids);
            } catch (StoreException e) {
                if (!isLockWait(e) || waiting.nanoTime() - end > 0 || !rest()) {
                    throw e;
                }
            }
        }
    }

    /** @return false if this thread was interrupted */
    private boolean rest() {
        try {
            waiting.sleep(LOCK_POLL_NANOS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private ChangeOutcome changeNow(Action action, Change change, Collection<Long> ids) {
        return change(what(action), connection -> {
            Optional<AuditTable.Known> before = notes.claim(connection, change, action);
            if (before.isPresent()) {
                if (before.get().own() != null) {
                    throw notes.usedFor(change, ChangeNote.words(before.get().own()));
                }
                return new ChangeOutcome(before.get().events(), true);
            }
            List<Long> mine = ids.isEmpty() ? List.of() : search.lock(connection, ids, DEAD);
            if (!ids.isEmpty() && mine.size() < search.in(connection, ids, DEAD).size()) {
                throw new SQLException("some of the rows are locked", "55P03");
            }
            if (change.expecting() != null && change.expecting() != mine.size()) {
                throw new UnexpectedCountException(name, change.expecting(), mine.size());
            }
            changeDead(connection, action, change, mine);
            return new ChangeOutcome(mine.size(), false);
        });
    }

    @Override
    public Part part(Action action, Change change, Collection<Long> ids) {
        return change(what(action), connection -> {
            ChangeProgress before = notes.lock(connection, change).progress();
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
            return new Part(notes.add(connection, change, before, mine.size()), Math.max(0, locked), null);
        });
    }

    private static String what(Action action) {
        return action.name().toLowerCase(Locale.ROOT) + " events";
    }

    /** The changing statement decides: if it finds other rows dead than were read, everything is done again. */
    private void changeDead(Connection connection, Action action, Change change, List<Long> all) throws SQLException {
        for (int from = 0; from < all.size(); from += KEPT_AT_A_TIME) {
            List<Long> ids = all.subList(from, Math.min(from + KEPT_AT_A_TIME, all.size()));
            List<FoundRow> dead = search.dead(connection, ids);
            List<AuditTable.Changed> kept;
            int changed;
            if (action == Action.REQUEUE) {
                kept = dead.stream().map(KeptEvent::without).toList();
                changed = deadRows.requeue(connection, ids);
            } else {
                kept = search.withPayloads(connection, dead).stream()
                        .map(event -> KeptEvent.with(event, Objects.requireNonNull(event.stored())))
                        .toList();
                changed = retention.delete(connection, ids, DEAD);
            }
            if (changed != ids.size() || changed != kept.size()) {
                throw new SQLException("another transaction is changing the same events; try again", "40001");
            }
            audit.add(connection, change, action, name, kept);
        }
    }

    @Override
    public Part purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch) {
        return change("delete old events", connection -> {
            ChangeProgress before = notes.lock(connection, change).progress();
            if (before.state().isOver()) {
                return new Part(before, 0, null);
            }
            int[] locked = {0};
            OutboxStore.Forgotten purged = store.delete(connection, after, keep, statuses, batch, (each, old) -> {
                List<Long> mine = search.lock(each, old, statuses);
                if (mine.size() < old.size()) {
                    locked[0] = Math.max(0, search.in(each, old, statuses).size() - mine.size());
                }
                return mine.isEmpty() ? 0 : retention.delete(each, mine, statuses);
            });
            return new Part(
                    notes.add(connection, change, before, purged.events()),
                    locked[0],
                    purged.more() ? Long.valueOf(purged.next()) : null);
        });
    }

    @Override
    public Part purge(Change change, Collection<Long> ids, Collection<Status> statuses) {
        return change("delete events", connection -> {
            ChangeProgress before = notes.lock(connection, change).progress();
            if (before.state().isOver()) {
                return new Part(before, 0, null);
            }
            List<Long> mine = search.lock(connection, ids, statuses);
            int locked = mine.size() == ids.size()
                    ? 0
                    : search.in(connection, ids, statuses).size() - mine.size();
            int deleted = mine.isEmpty() ? 0 : retention.delete(connection, mine, statuses);
            return new Part(notes.add(connection, change, before, deleted), Math.max(0, locked), null);
        });
    }

    @Override
    public boolean pause(Change change, boolean paused) {
        return change(paused ? "pause the outbox" : "resume the outbox", connection -> {
            Action action = paused ? Action.PAUSE : Action.RESUME;
            if (notes.claim(connection, change, action).isPresent()) {
                return true;
            }
            if (leases.pause(connection, name, paused ? change.actor() : null)) {
                audit.add(connection, change, action, name, 0, "");
            }
            return false;
        });
    }

    @Override
    public boolean knows(Change change) {
        return read("read the audit", connection -> notes.knows(connection, change));
    }

    // --- Changes that take many transactions -------------------------------------------------------------------------

    @Override
    public Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner) {
        return change("note a change", connection -> notes.take(connection, change, action, fresh, runner));
    }

    @Override
    public boolean note(Change change, ChangeProgress progress, String runner) {
        return change("note a change", connection -> notes.update(connection, change, progress, runner));
    }

    @Override
    public ChangeProgress end(Change change, ChangeProgress.State state) {
        return change("note a change", connection -> notes.end(connection, change, state));
    }

    private <T> T read(String what, JdbcTransactions.Work<T> work) {
        return transactions.query(what + " of outbox " + name, work);
    }

    private <T> T change(String what, JdbcTransactions.Work<T> work) {
        try {
            return transactions.transaction(what + " of outbox " + name, work);
        } catch (StoreException e) {
            if (!isLockWait(e)) {
                throw e;
            }
            throw new StoreException(
                    "Cannot " + what + " of outbox " + name
                            + ": another transaction is changing the same rows and has them locked; nothing was changed,"
                            + " try again",
                    e.getCause());
        }
    }

    private static boolean isLockWait(StoreException e) {
        return e.getCause() instanceof SQLException cause && SqlErrors.isLockWait(cause);
    }
}
