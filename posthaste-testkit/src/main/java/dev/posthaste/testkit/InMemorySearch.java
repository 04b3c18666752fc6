package dev.posthaste.testkit;

import dev.posthaste.Status;
import dev.posthaste.admin.ErrorGroup;
import dev.posthaste.admin.FoundEvent;
import dev.posthaste.admin.Search;
import dev.posthaste.store.StoredEvent;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
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

    /** The store's time as people tell it. */
    Instant now() {
        return start.plusNanos(store.now() - startNanos);
    }

    private @Nullable Instant instant(@Nullable Long nanos) {
        return nanos == null ? null : start.plusNanos(nanos - startNanos);
    }

    /** As an operator sees it. */
    FoundEvent found(InMemoryEvent event) {
        StoredEvent stored = event.stored;
        boolean waits = event.is(Status.PENDING) && event.dueAt - store.now() > 0;
        return new FoundEvent(
                stored.id(),
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
                instant(event.changedAt));
    }

    /** Those that an operator looks for, in id order. */
    Stream<FoundEvent> found(Search search) {
        return store.all().map(this::found).filter(event -> matches(search, event));
    }

    private static boolean matches(Search search, FoundEvent event) {
        String error = event.error() == null ? "" : event.error().toLowerCase(Locale.ROOT);
        Instant written = Objects.requireNonNull(event.createdAt());
        return (search.status() == null || search.status() == event.status())
                && (search.type() == null || search.type().equals(event.type()))
                && (search.key() == null || search.key().equals(event.key()))
                && (search.eventId() == null || search.eventId().equals(event.eventId()))
                && (search.from() == null || !written.isBefore(search.from()))
                && (search.to() == null || written.isBefore(search.to()))
                && (search.error() == null || error.contains(search.error().toLowerCase(Locale.ROOT)))
                && (search.errorGroup() == null || search.errorGroup().equals(ErrorGroup.of(event.error())));
    }
}
