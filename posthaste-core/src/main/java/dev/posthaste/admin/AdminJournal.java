package dev.posthaste.admin;

import dev.posthaste.Status;
import dev.posthaste.journal.Journal;
import dev.posthaste.journal.StoredEvent;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The journal of one outbox as operators use it. Whatever reads does a bounded piece of work in one call and says where the
 * next goes on; whatever changes writes its audit in the same transaction. Only settled events are changed, so that no
 * relay has them in hand. Thread-safe; throws {@link dev.posthaste.journal.JournalException} when the database fails.
 */
public interface AdminJournal {

    /** Found events with ids below {@code before}, newest first. */
    Page search(Search search, long before, int limit);

    /** Found events with ids above {@code after} and up to {@code through}, oldest first, with their payloads. */
    Stretch read(Search search, long after, long through, int limit, long maxBytes);

    /** Counts found events with ids above {@code after} and up to {@code through}. */
    Tally count(Search search, long after, long through);

    Optional<EventDetails> find(long id);

    /** Dead events by what their errors say, looking at the newest {@code most} of them; the largest group first. */
    List<ErrorGroup> errors(int most);

    /** The highest row there is; 0 without one. */
    long highestId();

    /** How many events there are in each status. Reads the whole outbox. */
    Map<Status, Long> counts();

    /** What is waiting, read from the pending and dead events alone. */
    Journal.Backlog backlog();

    /**
     * Puts those of {@code ids} that are dead back to pending, due now, with no attempts counted.
     *
     * @return how many were dead
     */
    int requeue(Change change, Collection<Long> ids);

    /**
     * Deletes those of {@code ids} that are dead; the audit keeps each as it was, with its payload.
     *
     * @return how many were dead
     */
    int discard(Change change, Collection<Long> ids);

    /**
     * As {@link Journal#purge}, with one audit entry for all batches of a change.
     *
     * @param keep not negative
     */
    Journal.Purged purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch);

    LeaseState lease();

    /** Tells all relays to stop publishing from this outbox, or to go on. */
    void pause(Change change, boolean paused);

    /**
     * Notes that a replay begins.
     *
     * @return false if that change was noted before
     */
    boolean beginReplay(Change change, String what);

    /** Notes how far a replay has got. */
    void noteReplay(Change change, long events, String what);

    /** Entries with ids below {@code before}, newest first; of one row if {@code row} is not null. */
    List<AuditEntry> audit(@Nullable Long row, long before, int limit);

    /** What a change has done so far in this outbox; empty if there is none of this id. */
    Optional<Long> eventsOf(String changeId);

    /** @param next where the next call goes on: above this id; null when all is read */
    record Stretch(List<StoredEvent> events, @Nullable Long next) {}

    /** @param next where the next call goes on: above this id; null when all is counted */
    record Tally(long events, @Nullable Long next) {}
}
