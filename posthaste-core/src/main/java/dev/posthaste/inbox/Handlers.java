package dev.posthaste.inbox;

import dev.posthaste.PayloadSerializer;
import dev.posthaste.internal.json.MissingSerializer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An inbox's handlers by event type, what their payloads are read with, and what happens to other types. Immutable. */
final class Handlers {
    private final Map<String, TypedHandler<?>> byType;
    private final UnknownTypes unknownTypes;
    private final PayloadSerializer serializer;
    private final boolean takeBatches;

    /**
     * @param serializer null to find a JSON library
     * @throws IllegalArgumentException if there is none and a handler needs one: now, not at the first message
     */
    Handlers(Map<String, TypedHandler<?>> byType, UnknownTypes unknownTypes, @Nullable PayloadSerializer serializer) {
        this.byType = Map.copyOf(byType);
        this.unknownTypes = unknownTypes;
        this.serializer = serializer == null ? PayloadSerializer.json() : serializer;
        this.takeBatches = byType.values().stream().anyMatch(TypedHandler::takesBatches);
        if (this.serializer instanceof MissingSerializer) {
            byType.values().forEach(TypedHandler::requireNoSerializer);
        }
    }

    PayloadSerializer serializer() {
        return serializer;
    }

    @Nullable
    TypedHandler<?> find(String eventType) {
        return byType.get(eventType);
    }

    /** Whether one of them takes several events at once. */
    boolean takeBatches() {
        return takeBatches;
    }

    /** The outcome of an event without a handler. */
    AttemptResult unknown(String inbox, String eventType) {
        return switch (unknownTypes) {
            case IGNORE -> new AttemptResult.Ignored();
            case HOLD -> new AttemptResult.Held(eventType);
            case DEAD_LETTER ->
                Blame.refused(
                        "inbox " + inbox + " has no handler for events of type " + eventType + "; it has "
                                + byType.keySet(),
                        null);
        };
    }
}
