package dev.posthaste.reliability.simulation;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A committed event, and what has happened to it. */
final class Fate {
    final String event;
    final @Nullable String key;
    final long row;
    /** The event's own destination; null for the outbox's. */
    @Nullable
    String destination;

    long committedAt;
    /** It was delayed when it was written. */
    boolean delayed;

    int refusals;
    boolean arrived;
    boolean deadLettered;
    boolean deadOnce;
    /** An operator has deleted it while it was dead. */
    boolean discarded;

    boolean givenUp;
    /** Later events of its key overtook it, and were allowed to. */
    boolean late;
    /** Its status is one that only the table's own program knows. */
    boolean foreign;
    /** It is due long after the run. */
    boolean reminder;
    /** How often a handler has begun to handle it. */
    int starts;
    /** A format or parser threw an error. */
    boolean unreadable;
    /** A replay's message was handled, which the outbox does not learn. */
    boolean replayed;
    /**
     * A relay of an older version sent it, or it was requeued in a table without generations: its message does not say
     * the generation, so neither does a refusal that arrives twice.
     */
    boolean ungenerated;
    /** How often its row has changed. */
    int changes;
    /** The last sending whose acknowledgement reached the sender. */
    Oracle.@Nullable Sending acknowledged;

    /** How often each consumer has handled it. */
    final Map<String, Integer> effects = new HashMap<>();
    /** The highest values that its row has had: how often it was requeued, and the attempts since then. */
    long generation;

    long attempts;

    @Nullable
    String status;

    Fate(String event, @Nullable String key, long row) {
        this.event = event;
        this.key = key;
        this.row = row;
    }

    /** Written again by a writer that did not know of it, after retention had deleted it: still the same event. */
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

    /** A row as it was at some time; an event that was deleted and written again has a different row. */
    record Seen(long row, int changes) {}

    Seen seen() {
        return new Seen(row, changes);
    }
}
