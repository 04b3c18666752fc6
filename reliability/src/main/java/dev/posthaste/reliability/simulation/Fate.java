package dev.posthaste.reliability.simulation;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A committed event, and what became of it. */
final class Fate {
    final String event;
    final @Nullable String key;
    final long row;
    /** One of its own; null for the outbox's. */
    @Nullable
    String destination;

    long committedAt;
    /** It was not to be published at once. */
    boolean delayed;

    int refusals;
    boolean arrived;
    boolean deadLettered;
    boolean deadOnce;
    /** An operator has deleted it while it was dead. */
    boolean discarded;

    boolean givenUp;
    /** Later ones of its key went before it, and might. */
    boolean late;
    /** Its status is one that only the table's own programs know. */
    boolean foreign;
    /** It is due long after the run. */
    boolean reminder;
    /** How often a handler began with it. */
    int starts;
    /** A format or parser threw an error. */
    boolean unreadable;
    /** A replay's message was handled, which tells the outbox nothing. */
    boolean replayed;
    /**
     * A relay of an older version sent it, or it was put back in a table that counts no generations: what its message does
     * not say, a refusal that comes again cannot either.
     */
    boolean ungenerated;
    /** How often its row has changed. */
    int changes;
    /** The last sending of which its sender heard that the broker has it. */
    Oracle.@Nullable Sending acknowledged;

    /** Which consumers have handled it, and how often. */
    final Map<String, Integer> effects = new HashMap<>();
    /** The most that its row has counted: how often it was requeued, and the attempts since. */
    long generation;

    long attempts;

    @Nullable
    String status;

    Fate(String event, @Nullable String key, long row) {
        this.event = event;
        this.key = key;
        this.row = row;
    }

    /** Written again by who did not know that it was there, after retention had deleted it: one event all the same. */
    void isAgain(Fate before) {
        arrived = before.arrived;
        effects.putAll(before.effects);
        deadLettered = before.deadLettered;
        starts = before.starts;
        unreadable = before.unreadable;
        late = true;
    }

    void counts(long itsGeneration, long itsAttempts) {
        attempts = itsGeneration > generation ? 0 : attempts;
        generation = Math.max(generation, itsGeneration);
        attempts = Math.max(attempts, itsAttempts);
    }

    boolean counted(long seenGeneration, long seenAttempts) {
        return generation > seenGeneration || (generation == seenGeneration && attempts > seenAttempts);
    }

    boolean ended(Set<String> consumers) {
        return handled(consumers) || deadLettered || discarded || "dead".equals(status);
    }

    boolean handled(Set<String> consumers) {
        return effects.keySet().containsAll(consumers);
    }

    /** A row as it was at some time: an event that was deleted and written again has another. */
    record Seen(long row, int changes) {}

    Seen seen() {
        return new Seen(row, changes);
    }
}
