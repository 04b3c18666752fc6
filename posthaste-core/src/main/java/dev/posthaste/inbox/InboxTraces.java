package dev.posthaste.inbox;

import dev.posthaste.Tracing;
import dev.posthaste.broker.Message;
import dev.posthaste.internal.tracing.GuardedTracing;
import dev.posthaste.internal.tracing.MessageTrace;
import dev.posthaste.internal.tracing.RefusedException;
import java.util.Locale;
import java.util.function.Function;

/** A span for each attempt at a message, in its writer's trace. Thread-safe. */
final class InboxTraces {
    private final Tracing tracing;
    private final String consumer;

    InboxTraces(Tracing tracing, String consumer) {
        this.tracing = new GuardedTracing(tracing);
        this.consumer = consumer;
    }

    /**
     * An attempt with a span around it. It is made, and its result counts, even if telemetry fails.
     *
     * @param opened the message as the inbox's format reads it
     */
    AttemptResult around(Message message, Message opened, Function<Message, AttemptResult> attempt) {
        try (Tracing.Span span = tracing.start("handle " + opened.eventType(), MessageTrace.of(message.headers()))) {
            span.attribute("messaging.operation.type", "process");
            span.attribute("messaging.consumer.group.name", consumer);
            span.attribute("messaging.message.id", String.valueOf(opened.eventId()));
            AttemptResult result = attempt.apply(message);
            describe(span, result);
            return result;
        }
    }

    private static void describe(Tracing.Span span, AttemptResult result) {
        span.attribute("posthaste.result", result.getClass().getSimpleName().toLowerCase(Locale.ROOT));
        if (result instanceof AttemptResult.Failed failed) {
            span.failed(failed.cause());
        } else if (result instanceof AttemptResult.Postponed postponed) {
            span.failed(postponed.cause());
        } else if (result instanceof AttemptResult.Unavailable unavailable) {
            span.failed(unavailable.cause());
        } else if (result instanceof AttemptResult.Refused refused) {
            span.failed(new RefusedException(refused.reason()));
        }
    }
}
