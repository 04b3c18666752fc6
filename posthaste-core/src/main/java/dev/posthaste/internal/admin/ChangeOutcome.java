package dev.posthaste.internal.admin;

import dev.posthaste.admin.ChangeResult;

/** What a change did. */
public record ChangeOutcome(long events, boolean repeated, long locked) implements ChangeResult {
    /** The outcome of a change that met no locked event. */
    public ChangeOutcome(long events, boolean repeated) {
        this(events, repeated, 0);
    }
}
