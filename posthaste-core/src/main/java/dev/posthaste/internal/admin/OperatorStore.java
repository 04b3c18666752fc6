package dev.posthaste.internal.admin;

import dev.posthaste.Status;
import dev.posthaste.admin.AuditEntry;
import dev.posthaste.admin.AuditEntry.Action;
import dev.posthaste.admin.Change;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.admin.LeaseState;
import dev.posthaste.internal.store.BacklogSource;
import dev.posthaste.internal.store.StoredRow;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The store of one outbox as operators use it. Whatever reads does a bounded piece of work in one call and says where the
 * next goes on; whatever changes writes its audit in the same transaction. Only settled events are changed, so that no
 * relay has them in hand. Nothing waits longer than some seconds for somebody else's lock. Thread-safe; throws
 * {@link dev.posthaste.StoreException} when the database fails, or when rows stay locked.
 */
public interface OperatorStore extends BacklogSource {

    /** Events that match, with ids below {@code before}, newest first. The filter has no positions, here and below. */
    FoundPage search(EventFilter filter, long before, int limit);

    /** Events that match, with ids above {@code after} and up to {@code through}, oldest first, with their payloads. */
    Stretch read(EventFilter filter, long after, long through, int limit, long maxBytes);

    /** Counts events that match, with ids above {@code after} and up to {@code through}. */
    Tally count(EventFilter filter, long after, long through);

    /** One event with its contents. */
    Optional<FoundRow> find(long id);

    /** Those of {@code ids} that there are, in id order, without their contents. */
    List<FoundRow> find(Collection<Long> ids);

    /** Dead events by what their errors say, looking at the newest {@code most} of them; the largest group first. */
    List<ErrorGroup> errors(int most);

    /** The highest row there is; 0 without one. */
    long highestId();

    /** How many events there are in each status. Reads the whole outbox. */
    Map<Status, Long> counts();

    // --- Changes of given events, in one transaction -----------------------------------------------------------------

    /**
     * Requeues (back to pending, due now, with no attempts counted) or discards those of {@code ids} that are dead; the audit
     * keeps each as it was. Waits some seconds for rows that somebody else has locked.
     *
     * @param action {@link Action#REQUEUE} or {@link Action#DISCARD}
     * @return how many were dead; if the change was made before, what it did then
     * @throws dev.posthaste.admin.UnexpectedCountException if the change expects more or fewer; then nothing is changed
     */
    ChangeOutcome change(Action action, Change change, Collection<Long> ids);

    /** Whether the audit has something of this change. */
    boolean knows(Change change);

    // --- Changes that take many transactions -------------------------------------------------------------------------

    /**
     * Begins a change, or takes it up where it stopped.
     *
     * @param fresh what to note if it is new
     * @param runner who runs it and nobody else; null if several may at once
     * @throws IllegalArgumentException if the change's id was used for something else
     */
    Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner);

    /**
     * @param progress as it is noted now
     * @param mine whether the caller is to go on with it; otherwise it is over, or somebody else runs it
     * @param sign changes whenever whoever runs it says so
     */
    record Taken(ChangeProgress progress, boolean mine, String sign) {}

    /**
     * Notes how far a change is that {@code runner} alone runs.
     *
     * @return false if it is over or somebody else runs it by now; then nothing is noted
     */
    boolean note(Change change, ChangeProgress progress, String runner);

    /**
     * Notes in which state a change is now that its parts brought where it is; one that is over stays as it is.
     *
     * @return as it is noted now
     */
    ChangeProgress end(Change change, ChangeProgress.State state);

    /**
     * Requeues or discards, as one part of a change, those of {@code ids} that are dead, that nobody else has locked, and that
     * this change has not had in hand before.
     */
    Part part(Action action, Change change, Collection<Long> ids);

    /**
     * Deletes, as one part of a change, events that reached {@code statuses} longer ago than {@code keep}, looking at the
     * next {@code batch} above {@code after} only; leaves out what somebody else has locked.
     *
     * @param keep not negative
     */
    Part purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch);

    /**
     * Deletes, as one part of a change, those of {@code ids} that are in one of {@code statuses}; leaves out what somebody else
     * has locked.
     */
    Part purge(Change change, Collection<Long> ids, Collection<Status> statuses);

    /**
     * What one part of a change did.
     *
     * @param progress of the whole change
     * @param locked how many rows were left as they are because somebody else has them locked
     * @param next where a purge continues; null at the end, and for what is not a purge
     */
    record Part(
            ChangeProgress progress, int locked, @Nullable Long next) {}

    /** The newest replays of this outbox, whoever ran them. */
    List<NotedReplay> replays(int most);

    /**
     * How relays differ about what this outbox is, from one another or from this store, in words; null if they agree. While
     * they differ, nothing may be deleted: what is done with to one may have to be sent again by another.
     */
    @Nullable
    String dispute();

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    LeaseState lease();

    /**
     * Tells all relays to stop publishing from this outbox, or to go on.
     *
     * @return whether the change was made before, so that nothing was done now
     */
    boolean pause(Change change, boolean paused);

    /** Entries with ids below {@code before}, newest first; of one row if {@code row} is not null. */
    List<AuditEntry> audit(@Nullable Long row, long before, int limit);

    /** @param next where the next call goes on: above this id; null when all is read */
    record Stretch(List<StoredRow> events, @Nullable Long next) {}

    /** @param next where the next call goes on: above this id; null when all is counted */
    record Tally(long events, @Nullable Long next) {}
}
