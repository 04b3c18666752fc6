package dev.posthaste.internal.admin;

import dev.posthaste.admin.Change;
import java.time.Instant;

/**
 * A replay as its audit entry knows it, whoever ran it.
 *
 * @param live whether a process has reported within the last 30 s that it runs it; a replay that is recorded as running
 *     and is not live belongs to a process that died
 */
public record NotedReplay(String outbox, Change change, Instant begunAt, ChangeProgress progress, boolean live) {
    /** Whether it stopped before its end, and the same change id continues it. */
    public boolean isInterrupted() {
        return !live && !progress.state().isOver();
    }
}
