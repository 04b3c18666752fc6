package dev.posthaste.testkit;

import dev.posthaste.ProvidedByPosthaste;
import dev.posthaste.Status;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row of an outbox as it was when a test looked. Immutable; methods may be added. */
@ProvidedByPosthaste
public interface WrittenEvent {
    /** The event's identity. */
    String id();

    /** The event's type. */
    String type();

    /** Null for an event without a key. */
    @Nullable
    String key();

    /** Its status when the test looked. */
    Status status();

    /** The headers that are in the row: those of the event, and what was added when it was written, such as its trace. */
    Map<String, String> headers();

    /**
     * The payload: a {@code byte[]} or a {@code String} as it is stored, or any other type as
     * {@link dev.posthaste.PayloadSerializer#json} reads it.
     *
     * @throws IllegalArgumentException if it cannot be read as that
     */
    <T> T payload(Class<T> type);
}
