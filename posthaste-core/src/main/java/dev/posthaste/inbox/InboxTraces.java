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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A span for each attempt at a message, in its writer's trace. Thread-safe. */
final class InboxTraces {
    private static final Logger log = LoggerFactory.getLogger(InboxTraces.class);

    private final Tracer tracer;
    private final String consumer;

    InboxTraces(OpenTelemetry telemetry, String consumer) {
        this.tracer = telemetry.getTracer("dev.posthaste");
        this.consumer = consumer;
    }

    /** An attempt with a span around it. It is made, and its result counts, even if telemetry fails. */
    Inbox.Result around(Message message, Function<Message, Inbox.Result> attempt) {
        Inbox.Result result = null;
        try {
            Span span = begin(message);
            try (Scope scope = span.makeCurrent()) {
                result = attempt.apply(message);
                describe(span, result);
            } finally {
                span.end();
            }
        } catch (RuntimeException e) {
            log.debug("Consumer {}: the span of {} failed", consumer, message, e);
        }
        return result == null ? attempt.apply(message) : result;
    }

    private Span begin(Message message) {
        return tracer.spanBuilder("handle " + message.eventType())
                .setParent(MessageTrace.of(message))
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute("messaging.operation.type", "process")
                .setAttribute("messaging.consumer.group.name", consumer)
                .setAttribute("messaging.message.id", String.valueOf(message.eventId()))
                .startSpan();
    }

    private static void describe(Span span, Inbox.Result result) {
        span.setAttribute("posthaste.result", result.getClass().getSimpleName().toLowerCase(Locale.ROOT));
        Throwable cause = cause(result);
        if (cause != null) {
            span.recordException(cause).setStatus(StatusCode.ERROR);
        } else if (result instanceof Inbox.Result.Refused refused) {
            span.setStatus(StatusCode.ERROR, refused.reason());
        }
    }

    private static @Nullable Throwable cause(Inbox.Result result) {
        if (result instanceof Inbox.Result.Failed failed) {
            return failed.cause();
        } else if (result instanceof Inbox.Result.Postponed postponed) {
            return postponed.cause();
        }
        return result instanceof Inbox.Result.Unavailable unavailable ? unavailable.cause() : null;
    }
}
