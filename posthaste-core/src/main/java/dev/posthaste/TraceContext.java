package dev.posthaste;

import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.util.LinkedHashMap;
import java.util.Map;

/** Carries the writer's trace in the event's {@code traceparent} header, where OpenTelemetry has a current span. */
final class TraceContext {
    private TraceContext() {}

    /** {@code headers}, with the current trace added unless the caller set one. */
    static Map<String, String> addTo(Map<String, String> headers) {
        if (headers.containsKey("traceparent")) {
            return headers;
        }
        Map<String, String> all = new LinkedHashMap<>(headers);
        W3CTraceContextPropagator.getInstance().inject(Context.current(), all, (carrier, name, value) -> {
            if (carrier != null) {
                carrier.put(name, value);
            }
        });
        return all;
    }
}
