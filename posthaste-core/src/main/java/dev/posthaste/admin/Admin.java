package dev.posthaste.admin;

import dev.posthaste.Status;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.StoredEvent;
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
 * Everything that operators do with outboxes. Each change wants a {@link Change} that says who and why, leaves its audit in
 * the transaction that makes it, and made again with the same id changes nothing. Only dead events are requeued and
 * discarded, and only published or consumed ones are replayed: the others are in a relay's hands.
 *
 * <p>Thread-safe. Methods that name an outbox throw {@link UnknownOutboxException} when there is none of this name, and
 * {@link dev.posthaste.journal.JournalException} when the database fails.
 */
public final class Admin {
    /** The most events that one page holds. */
    public static final int LONGEST_PAGE = 500;

    private static final int BATCH = 200;
    private static final long BATCH_BYTES = 16L << 20;
    private static final int PURGE_BATCH = 2_000;
    private static final int MOST_ERRORS = 50_000;
    private static final int SAMPLE = 10;

    private final Map<String, AdminJournal> journals;

    /** @param journals by the name of their outbox, in the order in which they are shown */
    public Admin(Map<String, AdminJournal> journals) {
        this.journals = new LinkedHashMap<>(journals);
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
     * @param repeated whether it had been made before, so that nothing was changed now; {@code events} is from then
     */
    public record Result(long events, boolean repeated) {}

    /**
     * What a replay would send.
     *
     * @param counted whether all were counted; otherwise there are more
     * @param sample the first ones
     */
    public record DryRun(long events, boolean counted, List<EventDetails> sample) {}

    public Set<String> outboxes() {
        return journals.keySet();
    }

    /** The journal of one outbox. */
    public AdminJournal outbox(String name) {
        AdminJournal journal = journals.get(name);
        if (journal == null) {
            throw new UnknownOutboxException(name, journals.keySet());
        }
        return journal;
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
    public Journal.Backlog backlog(String outbox) {
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
        return outbox(outbox).errors(MOST_ERRORS);
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
        journals.values().forEach(journal -> all.addAll(journal.audit(row, below, limit)));
        all.sort(Comparator.comparing(AuditEntry::at).reversed());
        return all.subList(0, Math.min(limit, all.size()));
    }

    // --- Mending -----------------------------------------------------------------------------------------------------

    /** Sends dead events again, with no attempts counted; those that are not dead stay as they are. */
    public Result requeue(String outbox, Collection<Long> ids, Change change) {
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> journal.requeue(change, ids));
    }

    /** Deletes dead events; the audit keeps each with its payload. Those that are not dead stay as they are. */
    public Result discard(String outbox, Collection<Long> ids, Change change) {
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> journal.discard(change, ids));
    }

    /**
     * Sends all dead events again that are found now, some hundred in a transaction; oldest first, so that those of one key
     * come in their order.
     *
     * @param goOn is told how many are done, and may say that it is enough
     */
    public Result requeue(String outbox, Search search, Change change, LongPredicate goOn) {
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> each(journal, search, ids -> journal.requeue(change, ids), goOn));
    }

    /** As {@link #requeue(String, Search, Change, LongPredicate)}, but deletes them. */
    public Result discard(String outbox, Search search, Change change, LongPredicate goOn) {
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> each(journal, search, ids -> journal.discard(change, ids), goOn));
    }

    private interface Batch {
        int apply(List<Long> ids);
    }

    private interface Work {
        long run();
    }

    private static Result once(AdminJournal journal, Change change, Work work) {
        Optional<Long> before = journal.eventsOf(change.id());
        return before.map(events -> new Result(events, true)).orElseGet(() -> new Result(work.run(), false));
    }

    private static long each(AdminJournal journal, Search search, Batch batch, LongPredicate goOn) {
        Search dead = search.withStatus(Status.DEAD);
        long through = journal.highestId();
        long done = 0;
        Long after = Long.MIN_VALUE;
        while (after != null && goOn.test(done)) {
            AdminJournal.Stretch stretch = journal.read(dead, after, through, BATCH, BATCH_BYTES);
            if (!stretch.events().isEmpty()) {
                done += batch.apply(
                        stretch.events().stream().map(StoredEvent::id).toList());
            }
            after = stretch.next();
        }
        return done;
    }

    /**
     * Deletes settled events that are older than {@code keep}, as retention does.
     *
     * @param statuses of published, consumed and dead; at least one
     * @param goOn is told how many are done, and may say that it is enough
     */
    public Result purge(String outbox, Duration keep, Collection<Status> statuses, Change change, LongPredicate goOn) {
        if (statuses.isEmpty() || statuses.contains(Status.PENDING)) {
            throw new IllegalArgumentException("Only published, consumed and dead events can be deleted, not "
                    + String.join(", ", statuses.stream().map(Status::code).toList()));
        }
        if (keep.isNegative()) {
            throw new IllegalArgumentException("What is to be kept cannot be younger than now: " + keep);
        }
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> {
            long done = 0;
            long after = Long.MIN_VALUE;
            boolean more = true;
            while (more && goOn.test(done)) {
                Journal.Purged purged = journal.purge(change, after, keep, statuses, PURGE_BATCH);
                done += purged.deleted();
                after = purged.next();
                more = purged.more();
            }
            return done;
        });
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
        AdminJournal journal = outbox(outbox);
        return once(journal, change, () -> {
            journal.pause(change, paused);
            return 0;
        });
    }

    // --- Replaying ---------------------------------------------------------------------------------------------------

    /**
     * Says what a replay would send, and sends nothing.
     *
     * @param goOn is told how many are counted, and may say that it is enough
     */
    public DryRun dryRun(String outbox, Replay.Selection selection, LongPredicate goOn) {
        AdminJournal journal = outbox(outbox);
        long through = journal.highestId();
        if (!selection.ids().isEmpty()) {
            List<EventDetails> found = selection.ids().stream()
                    .flatMap(id -> journal.find(id).stream())
                    .filter(details -> Replay.mayReplay(details.event()))
                    .toList();
            return new DryRun(found.size(), true, found.subList(0, Math.min(SAMPLE, found.size())));
        }
        long count = 0;
        Long after = Long.MIN_VALUE;
        while (after != null && goOn.test(count)) {
            AdminJournal.Tally tally = journal.count(selection.search(), after, through);
            count += tally.events();
            after = tally.next();
        }
        return new DryRun(count, after == null, sample(journal, selection, through));
    }

    private static List<EventDetails> sample(AdminJournal journal, Replay.Selection selection, long through) {
        Long after = Long.MIN_VALUE;
        while (after != null) {
            AdminJournal.Stretch stretch = journal.read(selection.search(), after, through, SAMPLE, Long.MAX_VALUE);
            if (!stretch.events().isEmpty()) {
                return stretch.events().stream()
                        .flatMap(event -> journal.find(event.id()).stream())
                        .toList();
            }
            after = stretch.next();
        }
        return List.of();
    }

    /**
     * Prepares a replay, which whoever asked for it runs on a thread.
     *
     * @throws IllegalArgumentException if events of other statuses are wanted than published or consumed
     */
    public Replay replay(String outbox, Replay.Selection selection, Replay.Target target, Change change) {
        return new Replay(outbox(outbox), selection, target, change);
    }
}
