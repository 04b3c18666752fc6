package dev.posthaste.format;

import dev.posthaste.ProvidedByPosthaste;
import org.jspecify.annotations.Nullable;

/** An event as the outbox keeps it; what a {@link MessageFormat} makes a message of. Immutable, but for the payload's bytes. */
@ProvidedByPosthaste
public interface StoredEvent {
    /** Where the event is in its outbox: later events have higher positions. Never the event's identity. */
    long position();

    /** The event's identity. */
    String eventId();

    /** The event's type. */
    String type();

    /** The version of the payload's schema. */
    String version();

    /** Events of one key are published in order; null if nothing depends on their order. */
    @Nullable
    String key();

    /** The event's own topic or exchange, or null for the route's. */
    @Nullable
    String destination();

    /** The event's own routing key, or null for the route's. */
    @Nullable
    String routingKey();

    /** A JSON object as text, or null for none. Other programs may have written anything here. */
    @Nullable
    String headers();

    /** Not copied; do not change it. */
    byte[] payload();

    /** What the event is about, if the outbox keeps that beside the key; otherwise null. */
    @Nullable
    String aggregateId();
}
