package dev.posthaste.jdbc;

import dev.posthaste.Catalog;
import dev.posthaste.OutboxDefinition;
import dev.posthaste.Status;
import dev.posthaste.admin.AdminJournal;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventDetails;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.admin.Page;
import dev.posthaste.admin.Search;
import dev.posthaste.journal.Journal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** What operators see and do in an outbox whose rows keep their own status. Thread-safe. */
public final class StatusAdminJournal implements AdminJournal {
    /** Whose payloads are in memory at once, to be kept by the audit. */
    private static final int KEPT_AT_A_TIME = 10;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final String name;
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
    public Optional<Long> eventsOf(String changeId) {
        return read("read the audit", connection -> audit.eventsOf(connection, name, changeId));
    }

    // --- Changing ----------------------------------------------------------------------------------------------------

    @Override
    public int requeue(Change change, Collection<Long> ids) {
        return changeDead(
                Action.REQUEUE,
                change,
                ids,
                marks::requeue,
                (connection, dead) -> dead.stream()
                        .map(event -> changed(event, snapshot(event)))
                        .toList());
    }

    @Override
    public int discard(Change change, Collection<Long> ids) {
        return changeDead(
                Action.DISCARD,
                change,
                ids,
                (connection, dead) -> marks.delete(connection, dead, List.of(Status.DEAD)),
                (connection, dead) -> search.withPayloads(connection, dead).stream()
                        .map(details -> changed(details.event(), snapshot(details)))
                        .toList());
    }

    @FunctionalInterface
    private interface Changing {
        int apply(Connection connection, List<Long> ids) throws SQLException;
    }

    /** What the audit keeps of events, read before they are changed. */
    @FunctionalInterface
    private interface Keeping {
        List<AuditTable.Changed> of(Connection connection, List<FoundEvent> dead) throws SQLException;
    }

    /** The statement that changes is the judge: if it finds other rows dead than were read, all is done again. */
    private int changeDead(Action action, Change change, Collection<Long> ids, Changing changing, Keeping keeping) {
        if (ids.isEmpty()) {
            return 0;
        }
        return change(action.name().toLowerCase(Locale.ROOT) + " events", connection -> {
            List<FoundEvent> dead = search.dead(connection, ids);
            if (dead.isEmpty()) {
                return 0;
            }
            for (int from = 0; from < dead.size(); from += KEPT_AT_A_TIME) {
                List<FoundEvent> some = dead.subList(from, Math.min(from + KEPT_AT_A_TIME, dead.size()));
                List<AuditTable.Changed> kept = keeping.of(connection, some);
                int changed = changing.apply(
                        connection, some.stream().map(FoundEvent::id).toList());
                if (changed != some.size() || changed != kept.size()) {
                    throw new SQLException("somebody else is changing the same events; try again", "40001");
                }
                audit.add(connection, change, action, name, kept);
            }
            return dead.size();
        });
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
    public Journal.Purged purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch) {
        return change("delete old events", connection -> {
            var purged = journal.purge(connection, after, keep, statuses, batch);
            Optional<Long> before = audit.eventsOf(connection, name, change.id());
            if (before.isEmpty()) {
                String detail = "older than " + keep + ": "
                        + String.join(
                                ", ",
                                statuses.stream().map(Status::code).sorted().toList());
                audit.add(connection, change, Action.PURGE, name, purged.deleted(), detail);
            } else if (purged.deleted() > 0) {
                audit.update(connection, change, name, before.get() + purged.deleted(), null);
            }
            return purged;
        });
    }

    @Override
    public void pause(Change change, boolean paused) {
        change(paused ? "pause the outbox" : "resume the outbox", connection -> {
            if (leases.pause(connection, name, paused ? change.actor() : null)) {
                audit.add(connection, change, paused ? Action.PAUSE : Action.RESUME, name, 0, "");
            }
            return true;
        });
    }

    @Override
    public boolean beginReplay(Change change, String what) {
        return change("note a replay", connection -> audit.add(connection, change, Action.REPLAY, name, 0, what));
    }

    @Override
    public void noteReplay(Change change, long events, String what) {
        change("note a replay", connection -> {
            audit.update(connection, change, name, events, what);
            return true;
        });
    }

    private <T> T read(String what, Transactions.Work<T> work) {
        return transactions.statement(what + " of outbox " + name, work);
    }

    private <T> T change(String what, Transactions.Work<T> work) {
        return transactions.transaction(what + " of outbox " + name, work);
    }
}
