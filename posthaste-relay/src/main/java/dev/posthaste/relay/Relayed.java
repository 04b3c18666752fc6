package dev.posthaste.relay;

import dev.posthaste.internal.store.PendingEvent;
import dev.posthaste.internal.store.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What listeners hear of an event: not its payload, which need not stay in memory until it is settled. */
record Relayed(
        String eventId, String type, @Nullable String key, int attempts, Duration sinceWritten, Duration sincePublish)
        implements RelayListener.RelayedEvent {
    static Relayed of(Lane.QueuedEvent held, Verdict verdict, long now) {
        return of(
                held,
                verdict instanceof Verdict.Refused refused
                        ? refused.attempts()
                        : verdict.seen().attempts(),
                now);
    }

    static Relayed of(Lane.QueuedEvent held, int attempts, long now) {
        PendingEvent event = held.event;
        return new Relayed(
                event.event().eventId(),
                event.event().type(),
                event.key(),
                attempts,
                Duration.ofNanos(now - held.writtenAt),
                Duration.ofNanos(now - held.dispatchedAt));
    }
}
