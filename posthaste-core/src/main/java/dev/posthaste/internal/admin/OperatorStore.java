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
 * The store of one outbox as operators use it. Reads do a bounded piece of work in one call and return where the next
 * one continues; changes write their audit in the same transaction. Only finished events are changed, so that no relay
 * is working on them. Nothing waits longer than a few seconds for another transaction's lock. Thread-safe; throws
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

    /** Those of {@code ids} that exist, in id order, without their contents. */
    List<FoundRow> find(Collection<Long> ids);

    /** Dead events grouped by their errors, looking at the newest {@code most} of them; the largest group first. */
    List<ErrorGroup> errors(int most);

    /** The highest row; 0 without one. */
    long highestId();

    /** How many events there are in each status. Reads the whole outbox. */
    Map<Status, Long> counts();

    // --- Changes of given events, in one transaction -----------------------------------------------------------------

    /**
     * Requeues (back to pending, due now, with its attempts reset to zero) or discards those of {@code ids} that are
     * dead; the audit keeps each as it was. Waits a few seconds for rows that another transaction has locked.
     *
     * @param action {@link Action#REQUEUE} or {@link Action#DISCARD}
     * @return how many were dead; if the change was made before, what it did then
     * @throws dev.posthaste.admin.UnexpectedCountException if the change expects more or fewer; then nothing is changed
     */
    ChangeOutcome change(Action action, Change change, Collection<Long> ids);

    /** Whether the audit has an entry of this change. */
    boolean knows(Change change);

    // --- Changes that take many transactions -------------------------------------------------------------------------

    /**
     * Begins a change, or resumes it where it stopped.
     *
     * @param fresh what to note if it is new
     * @param runner the only process that may run it; null if several may at the same time
     * @throws IllegalArgumentException if the change's id was used for something else
     */
    Taken take(Change change, Action action, ChangeProgress fresh, @Nullable String runner);

    /**
     * @param progress as it is noted now
     * @param mine whether the caller is to continue it; otherwise it is over, or another process runs it
     * @param sign changes whenever the process that runs it reports that it does
     */
    record Taken(ChangeProgress progress, boolean mine, String sign) {}

    /**
     * Notes the progress of a change that only {@code runner} runs.
     *
     * @return false if it is over or another process runs it now; then nothing is noted
     */
    boolean note(Change change, ChangeProgress progress, String runner);

    /**
     * Notes the state of a change after its last part; one that is over stays as it is.
     *
     * @return as it is noted now
     */
    ChangeProgress end(Change change, ChangeProgress.State state);

    /**
     * Requeues or discards, as one part of a change, those of {@code ids} that are dead, that no other transaction has
     * locked, and that this change has not already changed.
     */
    Part part(Action action, Change change, Collection<Long> ids);

    /**
     * Deletes, as one part of a change, events that reached {@code statuses} longer ago than {@code keep}, looking only
     * at the next {@code batch} above {@code after}; leaves out what another transaction has locked.
     *
     * @param keep not negative
     */
    Part purge(Change change, long after, Duration keep, Collection<Status> statuses, int batch);

    /**
     * Deletes, as one part of a change, those of {@code ids} that are in one of {@code statuses}; leaves out what
     * another transaction has locked.
     */
    Part purge(Change change, Collection<Long> ids, Collection<Status> statuses);

    /**
     * What one part of a change did.
     *
     * @param progress of the whole change
     * @param locked how many rows were left as they are because another transaction has them locked
     * @param next where a purge continues; null at the end, and for other changes
     */
    record Part(
            ChangeProgress progress, int locked, @Nullable Long next) {}

    /** The newest replays of this outbox, whoever ran them. */
    List<NotedReplay> replays(int most);

    /**
     * How relays' definitions of this outbox differ, from one another or from this store's, in words; null if they
     * agree. While they differ, nothing may be deleted: what is finished for one may have to be sent again by another.
     */
    @Nullable
    String dispute();

    // --- Outboxes ----------------------------------------------------------------------------------------------------

    LeaseState lease();

    /**
     * Tells all relays to stop publishing from this outbox, or to continue.
     *
     * @return whether the change was made before, so that nothing was done now
     */
    boolean pause(Change change, boolean paused);

    /** Entries with ids below {@code before}, newest first; of one row if {@code row} is not null. */
    List<AuditEntry> audit(@Nullable Long row, long before, int limit);

    /** @param next where the next call continues: above this id; null when all is read */
    record Stretch(List<StoredRow> events, @Nullable Long next) {}

    /** @param next where the next call continues: above this id; null when all is counted */
    record Tally(long events, @Nullable Long next) {}
}
