package dev.posthaste.inbox;

import dev.posthaste.broker.Message;
import dev.posthaste.broker.MessageTrace;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.Locale;
import java.util.function.Function;

/** A span for each attempt at a message, in its writer's trace. Thread-safe. */
final class InboxTraces {
    private final Tracer tracer;
    private final String consumer;

    InboxTraces(OpenTelemetry telemetry, String consumer) {
        this.tracer = telemetry.getTracer("dev.posthaste");
        this.consumer = consumer;
    }

    Inbox.Result around(Message message, Function<Message, Inbox.Result> attempt) {
        Span span = tracer.spanBuilder("handle " + message.eventType())
                .setParent(MessageTrace.of(message))
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute("messaging.operation.type", "process")
                .setAttribute("messaging.consumer.group.name", consumer)
                .setAttribute("messaging.message.id", String.valueOf(message.eventId()))
                .startSpan();
        try (Scope scope = span.makeCurrent()) {
            Inbox.Result result = attempt.apply(message);
            span.setAttribute(
                    "posthaste.result", result.getClass().getSimpleName().toLowerCase(Locale.ROOT));
            if (result instanceof Inbox.Result.Failed failed) {
                span.recordException(failed.cause()).setStatus(StatusCode.ERROR);
            } else if (result instanceof Inbox.Result.Refused refused) {
                span.setStatus(StatusCode.ERROR, refused.reason());
            }
            return result;
        } finally {
            span.end();
        }
    }
}
