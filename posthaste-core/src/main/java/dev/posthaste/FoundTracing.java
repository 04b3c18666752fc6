package dev.posthaste;

import dev.posthaste.internal.tracing.GuardedTracing;
import dev.posthaste.opentelemetry.OpenTelemetryTracing;
import io.opentelemetry.api.OpenTelemetry;
import java.util.HashMap;
import java.util.Map;

/** The tracing of a writer that configures none: the thread's trace, if OpenTelemetry is on the class path. */
final class FoundTracing {
    private static final Tracing FOUND = find();

    private FoundTracing() {}

    static Tracing get() {
        return FOUND;
    }

    private static Tracing find() {
        try {
            Tracing found = Found.tracing();
            found.inject(new HashMap<>());
            return found;
        } catch (LinkageError absent) {
            return new None();
        }
    }

    /** Loaded only when it is called, and then needs OpenTelemetry. */
    private static final class Found {
        /** Writing creates no span, so passing a trace on needs no place to send spans to. */
        static Tracing tracing() {
            return OpenTelemetryTracing.of(OpenTelemetry.noop());
        }
    }

    private static final class None implements Tracing {
        @Override
        public void inject(Map<String, String> headers) {}

        @Override
        public Span start(String name, Map<String, String> headers) {
            return GuardedTracing.NO_SPAN;
        }
    }
}
