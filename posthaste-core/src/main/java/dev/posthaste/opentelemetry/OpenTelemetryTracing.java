package dev.posthaste.opentelemetry;

import dev.posthaste.Tracing;
import dev.posthaste.internal.tracing.RefusedException;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Spans through OpenTelemetry. Publishing a message whose writer was not traced creates no span; each attempt at
 * handling one creates a span, which begins a trace if there was none. Thread-safe.
 */
public final class OpenTelemetryTracing implements Tracing {
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();
    private static final TextMapGetter<Map<String, String>> HEADERS = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Map<String, String> headers) {
            return headers.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> headers, String name) {
            return headers == null ? null : headers.get(name);
        }
    };

    private final Tracer tracer;

    private OpenTelemetryTracing(OpenTelemetry telemetry) {
        this.tracer = telemetry.getTracer("dev.posthaste");
    }

    /** Spans of this OpenTelemetry, by its tracer {@code dev.posthaste}. */
    public static OpenTelemetryTracing of(OpenTelemetry telemetry) {
        return new OpenTelemetryTracing(telemetry);
    }

    @Override
    public void inject(Map<String, String> headers) {
        W3C.inject(Context.current(), headers, (carrier, name, value) -> {
            if (carrier != null) {
                carrier.put(name, value);
            }
        });
    }

    @Override
    public Span start(String name, Map<String, String> headers) {
        boolean publishes = name.startsWith("publish ");
        Context parent = W3C.extract(Context.root(), headers, HEADERS);
        io.opentelemetry.api.trace.Span writer = io.opentelemetry.api.trace.Span.fromContext(parent);
        if (publishes && !writer.getSpanContext().isValid()) {
            return new Started(io.opentelemetry.api.trace.Span.getInvalid());
        }
        return new Started(tracer.spanBuilder(name)
                .setParent(parent)
                .setSpanKind(publishes ? SpanKind.PRODUCER : SpanKind.CONSUMER)
                .startSpan());
    }

    private static final class Started implements Span {
        private final io.opentelemetry.api.trace.Span span;
        private final Scope scope;
        private boolean detached; // by the thread that began it, before it hands it to another

        @SuppressWarnings("MustBeClosed") // detach() closes it
        Started(io.opentelemetry.api.trace.Span span) {
            this.span = span;
            this.scope = span.makeCurrent();
        }

        @Override
        public void attribute(String name, String value) {
            span.setAttribute(name, value);
        }

        @Override
        public void detach() {
            detached = true;
            scope.close();
        }

        @Override
        public void failed(Throwable cause) {
            if (cause instanceof RefusedException refused) {
                span.setStatus(StatusCode.ERROR, refused.reason());
            } else {
                span.recordException(cause).setStatus(StatusCode.ERROR);
            }
        }

        @Override
        public void close() {
            if (!detached) {
                detach();
            }
            span.end();
        }
    }
}
