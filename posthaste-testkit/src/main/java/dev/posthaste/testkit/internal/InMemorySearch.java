package dev.posthaste.testkit.internal;

import dev.posthaste.Status;
import dev.posthaste.admin.EventFilter;
import dev.posthaste.internal.admin.FoundRow;
import dev.posthaste.internal.store.StoredRow;
import java.time.Instant;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the events of an {@link InMemoryStore} as operators describe them. Guarded by the store's lock. */
final class InMemorySearch {
    private final InMemoryStore store;
    private final Instant start = Instant.now();
    private final long startNanos;

    InMemorySearch(InMemoryStore store) {
        this.store = store;
        this.startNanos = store.now();
    }

    /** The store's time as a wall clock shows it. */
    Instant now() {
        return start.plusNanos(store.now() - startNanos);
    }

    private @Nullable Instant instant(@Nullable Long nanos) {
        return nanos == null ? null : start.plusNanos(nanos - startNanos);
    }

    /** As an operator sees it. */
    FoundRow found(InMemoryEvent event) {
        StoredRow stored = event.stored;
        boolean waits = event.is(Status.PENDING) && event.dueAt - store.now() > 0;
        return new FoundRow(
                stored.position(),
                stored.eventId(),
                stored.type(),
                stored.version(),
                stored.key(),
                stored.destination(),
                stored.routingKey(),
                event.status,
                event.status.code(),
                event.attempts,
                event.maxAttempts,
                event.error,
                instant(event.writtenAt),
                waits ? instant(event.dueAt) : null,
                instant(event.publishedAt),
                instant(event.consumedAt),
                instant(event.changedAt),
                null);
    }

    /** Those that an operator looks for, in id order. */
    Stream<FoundRow> found(EventFilter search) {
        return store.all().map(this::found).filter(event -> event.matches(search));
    }
}
